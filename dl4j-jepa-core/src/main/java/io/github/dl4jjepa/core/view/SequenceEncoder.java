package io.github.dl4jjepa.core.view;

import io.github.dl4jjepa.core.JepaException;
import java.util.ArrayList;
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
     * @param separatorId the token between Text and Code
     * @param endId the token after Code
     * @param maxLength the most tokens a row may have
     */
    public SequenceEncoder(TextTokenizer tokenizer, int separatorId, int endId, int maxLength) {
        this.tokenizer = tokenizer;
        this.separatorId = separatorId;
        this.endId = endId;
        this.maxLength = maxLength;
    }

    @Override
    public TokenizedExample encode(Example example) {
        List<Message> messages = example.messages();
        if (messages.size() < 2) {
            throw new JepaException(example.source() + ": has no Text before its Code");
        }
        int[] text = tokens(example, messages.get(messages.size() - 2).content());
        int[] code = tokens(example, messages.get(messages.size() - 1).content());
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
            views.add(TokenizedView.alone(tokens(example, view)));
        }
        return new TokenizedExample(
                example.source(), ids, new TokenSpan(codeStart, ids.length), views);
    }

    private int[] tokens(Example example, String text) {
        int[] tokens = tokenizer.encode(text);
        if (tokens.length == 0) {
            throw new JepaException(example.source() + ": a view without tokens: \"" + text + "\"");
        }
        return tokens;
    }
}
