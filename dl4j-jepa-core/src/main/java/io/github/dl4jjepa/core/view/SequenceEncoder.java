package io.github.dl4jjepa.core.view;

import io.github.dl4jjepa.core.JepaException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Makes plain sequences of examples: Text, a separator, Code, an end. The language model learns to
 * produce Code and the end; messages before the last two are left out.
 *
 * <p>Where an example names its views, those are compared in place of Text and Code; there may be
 * more than two.
 */
public final class SequenceEncoder implements ExampleEncoder {
    private final TextTokenizer tokenizer;
    private final int separatorId;
    private final int endId;
    private final int maxLength;

    /**
     * @param tokenizer makes tokens
     * @param separatorId the token between Text and Code; no word's
     * @param endId the token after Code; no word's
     * @param maxLength the most tokens a row may have
     * @throws IllegalArgumentException if one of the ids is not of the tokenizer's vocabulary
     */
    public SequenceEncoder(TextTokenizer tokenizer, int separatorId, int endId, int maxLength) {
        this.tokenizer = tokenizer;
        this.separatorId = separatorId;
        this.endId = endId;
        this.maxLength = maxLength;
        requireInVocabulary("separator", separatorId);
        requireInVocabulary("end", endId);
    }

    private void requireInVocabulary(String what, int id) {
        if (id < 0 || id >= tokenizer.vocabularySize()) {
            throw new IllegalArgumentException(
                    "the "
                            + what
                            + " token has the id "
                            + id
                            + ", the vocabulary has 0 to "
                            + (tokenizer.vocabularySize() - 1)
                            + "; give it an entry in the vocabulary");
        }
    }

    @Override
    public int vocabularySize() {
        return tokenizer.vocabularySize();
    }

    @Override
    public TokenizedExample encode(Example example) {
        List<Message> messages = example.messages();
        if (example.plainText() != null
                || messages.stream().anyMatch(turn -> turn.train() != null)) {
            throw new JepaException(
                    example.source()
                            + ": is a document or says of its turns whether to train on them, which"
                            + " needs a ChatExampleEncoder; give pairs of Text and Code");
        }
        if (messages.size() < 2) {
            throw new JepaException(example.source() + ": has no Text before its Code");
        }
        boolean hasFields = messages.stream().anyMatch(turn -> !turn.fields().isEmpty());
        if (hasFields || !example.arguments().isEmpty()) {
            throw new JepaException(
                    example.source()
                            + ": has fields that only a chat template writes, such as tools or"
                            + " tool_calls; remove them");
        }
        int[] text = tokens(example.source(), messages.get(messages.size() - 2).content());
        int[] code = tokens(example.source(), messages.get(messages.size() - 1).content());
        int codeStart = text.length + 1;
        int[] ids = new int[codeStart + code.length + 1];
        if (ids.length > maxLength) {
            throw new JepaException(
                    String.format(
                            Locale.ROOT,
                            "%s: has %d tokens; shorten it, or raise the maximum of %d",
                            example.source(),
                            ids.length,
                            maxLength));
        }
        System.arraycopy(text, 0, ids, 0, text.length);
        ids[text.length] = separatorId;
        System.arraycopy(code, 0, ids, codeStart, code.length);
        ids[ids.length - 1] = endId;
        List<TokenizedView> views = new ArrayList<>();
        if (example.views().isEmpty()) {
            views.add(TokenizedView.inRow(ids, new TokenSpan(0, text.length)));
            views.add(TokenizedView.inRow(ids, new TokenSpan(codeStart, ids.length - 1)));
        }
        for (String view : example.views()) {
            views.add(TokenizedView.alone(tokens(example.source(), view)));
        }
        return new TokenizedExample(
                example.source(), ids, new TokenSpan(codeStart, ids.length), views);
    }

    /**
     * Encodes the beginning of a row, for generation: Text and the separator.
     *
     * @throws JepaException if the text has no tokens, or has the separator or the end in it
     */
    public int[] encodePrompt(String text) {
        int[] tokens = tokens("the prompt", text);
        int[] prompt = Arrays.copyOf(tokens, tokens.length + 1);
        prompt[tokens.length] = separatorId;
        return prompt;
    }

    private int[] tokens(String source, String text) {
        int[] tokens = tokenizer.encode(text);
        if (tokens.length == 0) {
            throw new JepaException(source + ": a view without tokens: \"" + text + "\"");
        }
        for (int token : tokens) {
            if (token == separatorId || token == endId) {
                throw new JepaException(
                        source
                                + ": the id "
                                + token
                                + " of the separator or of the end is also that of a word in \""
                                + text
                                + "\"; give them ids that stand for nothing else");
            }
        }
        return tokens;
    }
}
