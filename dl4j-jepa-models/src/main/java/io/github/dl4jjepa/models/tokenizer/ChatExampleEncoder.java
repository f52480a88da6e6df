package io.github.dl4jjepa.models.tokenizer;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.ExampleEncoder;
import io.github.dl4jjepa.core.view.Message;
import io.github.dl4jjepa.core.view.TokenSpan;
import io.github.dl4jjepa.core.view.TokenizedExample;
import io.github.dl4jjepa.core.view.TokenizedView;
import io.github.dl4jjepa.models.tokenizer.ChatTemplate.TextSpan;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Encodes conversations with a model's tokenizer and chat template.
 *
 * <p>The row is the rendered conversation, tokenised once. Labels are the tokens of the last turn's
 * content and of the end-of-turn token after it. A token that also covers a blank before the
 * content counts as the content's. The views are the row's tokens of the last user turn's content
 * and of the assistant's, without its end of turn, unless the example names other views; those are
 * tokenised alone.
 *
 * <p>Text that spells a special token would become that token; an example with such text is
 * refused.
 */
public final class ChatExampleEncoder implements ExampleEncoder {
    private final Tokenizer tokenizer;
    private final ChatTemplate template;
    private final int maxLength;
    private final List<String> specialTokens;

    /**
     * Encodes for one model.
     *
     * @param tokenizer the model's tokenizer; it must stay open
     * @param template the model's chat template
     * @param maxLength the most tokens that a conversation, or a view of its own, may have
     */
    public ChatExampleEncoder(Tokenizer tokenizer, ChatTemplate template, int maxLength) {
        if (maxLength < 1) {
            throw new IllegalArgumentException("maximum length " + maxLength + " is less than 1");
        }
        this.tokenizer = tokenizer;
        this.template = template;
        this.maxLength = maxLength;
        this.specialTokens =
                tokenizer.specialTokens().stream()
                        .sorted(Comparator.comparingInt(String::length).reversed())
                        .toList();
    }

    @Override
    public int vocabularySize() {
        return tokenizer.vocabularySize();
    }

    @Override
    public TokenizedExample encode(Example example) {
        try {
            return encodeOrRefuse(example);
        } catch (JepaException e) {
            throw new JepaException(example.source() + ": " + e.getMessage(), e);
        }
    }

    /**
     * Encodes the beginning of an answer: the conversation and what the template writes before the
     * assistant speaks.
     *
     * @param messages the conversation; its last turn is the user's
     * @throws JepaException if the template refuses it, or a turn spells a special token
     */
    public int[] encodePrompt(List<Message> messages) {
        messages.forEach(this::refuseSpecialTokens);
        return tokenizer.encode(template.render(messages, true)).ids();
    }

    /**
     * The id of the token with which the template ends an assistant's turn: generation stops there.
     *
     * @throws JepaException if no special token follows an answer
     */
    public int endOfTurnId() {
        List<Message> probe =
                List.of(
                        new Message(Message.USER, "question"),
                        new Message(Message.ASSISTANT, "answer"));
        String text = template.render(probe, false);
        String token = endOfTurn(text, template.find(probe, 1, text).end());
        return tokenizer.id(token).orElseThrow();
    }

    /** The id to pad rows with; see {@link Tokenizer#padId}. */
    public int padId() {
        return tokenizer.padId(Set.of(endOfTurnId()));
    }

    private TokenizedExample encodeOrRefuse(Example example) {
        List<Message> messages = example.messages();
        int answer = messages.size() - 1;
        if (answer < 0 || !messages.get(answer).role().equals(Message.ASSISTANT)) {
            throw new JepaException(
                    "the conversation has no assistant turn at its end; there is nothing to learn"
                            + " from it. Add the answer as the last message, or drop the example.");
        }
        messages.forEach(this::refuseSpecialTokens);
        String text = template.render(messages, false);
        refuseLostSystemTurn(messages, text);
        TextSpan content = contentOf(messages, answer, text);
        int end = content.end() + endOfTurn(text, content.end()).length();
        TokenizedText row = tokenizer.encode(text);
        requireLength("the row", row.ids());
        TokenSpan labels = row.overlapping(content.start(), end).orElseThrow();
        if (labels.start() == 0) {
            throw new JepaException(
                    "the answer begins with the first token of the row and has nothing to be"
                            + " predicted from; put a user turn before it");
        }
        List<TokenizedView> views =
                example.views().isEmpty()
                        ? List.of(
                                view(row, contentOf(messages, lastUser(messages), text)),
                                view(row, content))
                        : alone(example.views());
        return new TokenizedExample(example.source(), row.ids(), labels, views);
    }

    /**
     * Some templates leave the system turn out; a model must not be trained without it unawares.
     */
    private void refuseLostSystemTurn(List<Message> messages, String text) {
        for (int turn = 0; turn < messages.size(); turn++) {
            if (messages.get(turn).role().equals(Message.SYSTEM)) {
                template.find(messages, turn, text);
            }
        }
    }

    private static int lastUser(List<Message> messages) {
        for (int i = messages.size() - 1; i >= 0; i--) {
            if (messages.get(i).role().equals(Message.USER)) {
                return i;
            }
        }
        throw new JepaException(
                "the conversation has no user turn to be the first view; add one, or name the"
                        + " example's views");
    }

    private TextSpan contentOf(List<Message> messages, int turn, String text) {
        TextSpan content = template.find(messages, turn, text);
        if (content.start() == content.end()) {
            throw new JepaException(
                    "turn "
                            + (turn + 1)
                            + ", the "
                            + messages.get(turn).role()
                            + "'s, is empty; drop the example");
        }
        return content;
    }

    private static TokenizedView view(TokenizedText row, TextSpan content) {
        return TokenizedView.inRow(
                row.ids(), row.overlapping(content.start(), content.end()).orElseThrow());
    }

    private List<TokenizedView> alone(List<String> texts) {
        List<TokenizedView> views = new ArrayList<>();
        for (int i = 0; i < texts.size(); i++) {
            String where = "view " + (i + 1);
            refuseSpecialTokens(where, texts.get(i));
            int[] ids = tokenizer.encode(texts.get(i)).ids();
            if (ids.length == 0) {
                throw new JepaException(where + " is empty; drop the example");
            }
            requireLength(where, ids);
            views.add(TokenizedView.alone(ids));
        }
        return views;
    }

    private void requireLength(String what, int[] ids) {
        if (ids.length > maxLength) {
            throw new JepaException(
                    what
                            + " has "
                            + ids.length
                            + " tokens, more than the maximum "
                            + maxLength
                            + "; raise --max-length or drop the example");
        }
    }

    /** The special token that begins at {@code at}; the longest, where several do. */
    private String endOfTurn(String text, int at) {
        return specialTokens.stream()
                .filter(token -> text.startsWith(token, at))
                .findFirst()
                .orElseThrow(
                        () ->
                                new JepaException(
                                        "the chat template writes no special token right after"
                                                + " an answer but "
                                                + quote(text.substring(at))
                                                + "; a model trained on it would not learn to"
                                                + " stop. Give the model another template."));
    }

    private static String quote(String text) {
        return text.isEmpty()
                ? "nothing"
                : "'" + text.substring(0, Math.min(24, text.length())).replace("\n", "\\n") + "'";
    }

    private void refuseSpecialTokens(Message message) {
        refuseSpecialTokens("the " + message.role() + "'s turn", message.content());
    }

    private void refuseSpecialTokens(String where, String text) {
        Optional<String> found = specialTokens.stream().filter(text::contains).findFirst();
        if (found.isPresent()) {
            throw new JepaException(
                    where
                            + " contains the text "
                            + found.get()
                            + ", which the tokenizer would read as its special token; reword it or"
                            + " drop the example");
        }
    }
}
