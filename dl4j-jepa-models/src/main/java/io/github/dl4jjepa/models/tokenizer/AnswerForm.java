package io.github.dl4jjepa.models.tokenizer;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.Message;
import io.github.dl4jjepa.models.tokenizer.ChatTemplate.TextSpan;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a chat template writes around the content of an answer, found by rendering a small
 * conversation.
 *
 * @param prompt what the template writes before the small conversation's answer is generated
 * @param before what an answer has before its content when it is decoded, such as a blank or an
 *     empty think block
 * @param thoughtsEnd what stands between a turn's reasoning and its content, if the template writes
 *     reasoning
 * @param after white space between the content and the end of the turn
 * @param end the token that ends the turn
 */
record AnswerForm(
        String prompt, String before, Optional<String> thoughtsEnd, String after, AddedToken end) {
    private static final Message SYSTEM = new Message(Message.SYSTEM, "instruction");
    private static final Message USER = new Message(Message.USER, "question");
    private static final String ANSWER = "QZANSWERZQ";
    private static final String THOUGHTS = "QZTHOUGHTSZQ";

    /** The end of a turn in a text. */
    record End(AddedToken token, int start) {
        int end() {
            return start + token.content().length();
        }
    }

    static AnswerForm of(ChatTemplate template, ModelTokenizer tokenizer) {
        List<Message> question = question(template);
        String prompt = template.render(question, true);
        List<Message> answered = answered(question, Map.of());
        String text = template.render(answered, false);
        TextSpan content = template.find(answered, Map.of(), question.size(), text);
        End end = endOfTurn(tokenizer.addedTokens(), text, content.end());
        int[] promptIds = tokenizer.encode(prompt).ids();
        // Decoded, for a tokenizer may add a blank that the template has not written.
        String learnt =
                text.startsWith(prompt)
                        ? tokenizer.decodeAfter(
                                promptIds,
                                tokenizer
                                        .encode(text.substring(0, end.start()))
                                        .from(prompt.length(), 0)
                                        .map(ModelTokenizer.TokenizedText::ids)
                                        .orElse(new int[0]))
                        : "";
        int answer = learnt.indexOf(ANSWER);
        return new AnswerForm(
                prompt,
                answer < 0 ? "" : learnt.substring(0, answer),
                thoughtsEnd(template, question),
                answer < 0 ? "" : learnt.substring(answer + ANSWER.length()),
                end.token());
    }

    /** A question that the template takes: some insist on a system turn. */
    private static List<Message> question(ChatTemplate template) {
        try {
            template.render(List.of(USER), true);
            return List.of(USER);
        } catch (JepaException refused) {
            return List.of(SYSTEM, USER);
        }
    }

    private static List<Message> answered(List<Message> question, Map<String, Object> fields) {
        List<Message> answered = new ArrayList<>(question);
        answered.add(new Message(Message.ASSISTANT, ANSWER, fields));
        return answered;
    }

    private static Optional<String> thoughtsEnd(ChatTemplate template, List<Message> question) {
        String text;
        try {
            text =
                    template.render(
                            answered(question, Map.of("reasoning_content", THOUGHTS)), false);
        } catch (JepaException refused) {
            return Optional.empty();
        }
        int thoughts = text.indexOf(THOUGHTS);
        int answer = text.indexOf(ANSWER);
        return thoughts < 0 || answer < thoughts
                ? Optional.empty()
                : Optional.of(text.substring(thoughts + THOUGHTS.length(), answer))
                        .filter(between -> !between.isBlank());
    }

    /**
     * The token that ends a turn: the first added token after its content, special or not; only
     * white space may stand between.
     *
     * @throws JepaException if there is none
     */
    static End endOfTurn(List<AddedToken> tokens, String text, int contentEnd) {
        int at = contentEnd;
        while (at < text.length() && AddedToken.isBlank(text.charAt(at))) {
            at++;
        }
        AddedToken longest = null;
        for (AddedToken token : tokens) {
            if (text.startsWith(token.content(), at)
                    && (longest == null || token.content().length() > longest.content().length())) {
                longest = token;
            }
        }
        if (longest == null) {
            throw new JepaException(
                    "the chat template writes no token of the tokenizer's added_tokens after an"
                            + " answer but "
                            + quote(text.substring(contentEnd))
                            + "; a model trained on it would not learn to stop. Give the model"
                            + " another template, or add the token that ends a turn to"
                            + " tokenizer.json.");
        }
        return new End(longest, at);
    }

    private static String quote(String text) {
        return text.isEmpty()
                ? "nothing"
                : "'" + text.substring(0, Math.min(24, text.length())).replace("\n", "\\n") + "'";
    }
}
