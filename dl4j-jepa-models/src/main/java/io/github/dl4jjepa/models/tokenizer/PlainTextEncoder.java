package io.github.dl4jjepa.models.tokenizer;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.ExampleEncoder;
import io.github.dl4jjepa.core.view.Message;
import io.github.dl4jjepa.core.view.TokenSpan;
import io.github.dl4jjepa.core.view.TokenizedExample;
import io.github.dl4jjepa.core.view.TokenizedView;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Encodes text that no chat template writes: documents, and pairs for a model without a template.
 *
 * <p>A document is the tokens that transformers' tokenizer gives it, those that begin a text
 * included, and the tokenizer's end token. It is cut into blocks of the maximum length, of which
 * the last may be shorter; all tokens of a block but its first are labels. No token is lost.
 *
 * <p>A pair, that is a conversation of a user's and an assistant's turn only, is one text: Text,
 * directly followed by Code and the end token, which are the labels. Text and Code are the views.
 *
 * <p>Not for use by several threads at once.
 */
public final class PlainTextEncoder implements ExampleEncoder {
    private final ModelTokenizer tokenizer;
    private final EncoderOptions options;
    private final RowCutter cutter;
    private final int endId;
    private final int[] beginIds;

    /**
     * Encodes for one model.
     *
     * @param tokenizer the model's tokenizer; it must stay open
     * @param options the length of rows, and whether longer ones are cut
     * @throws JepaException if the tokenizer has no end token
     */
    public PlainTextEncoder(ModelTokenizer tokenizer, EncoderOptions options) {
        this(tokenizer, options, new RowCutter(options));
    }

    PlainTextEncoder(ModelTokenizer tokenizer, EncoderOptions options, RowCutter cutter) {
        this.tokenizer = tokenizer;
        this.options = options;
        this.cutter = cutter;
        endId =
                tokenizer
                        .endId()
                        .orElseThrow(
                                () ->
                                        new JepaException(
                                                tokenizer.files().folder()
                                                        + ": the tokenizer has no end token; name"
                                                        + " one as \"eos_token\" in"
                                                        + " tokenizer_config.json"));
        beginIds = tokenizer.beginIds();
    }

    @Override
    public int vocabularySize() {
        return tokenizer.vocabularySize();
    }

    /** The id of the token with which a text ends. */
    public int endId() {
        return endId;
    }

    /** The id to pad rows with; see {@link ModelTokenizer#padId}. */
    public int padId() {
        return tokenizer.padId(Set.of(endId));
    }

    /** What was cut so far. */
    public EncoderOptions.Truncation truncation() {
        return cutter.truncation();
    }

    /**
     * {@inheritDoc}
     *
     * @throws JepaException if the example is a document of several blocks, or nothing of it is
     *     left where it is cut
     */
    @Override
    public TokenizedExample encode(Example example) {
        List<TokenizedExample> rows = encodeAll(example);
        if (rows.size() != 1) {
            throw new JepaException(
                    example.source() + ": makes " + rows.size() + " rows; raise maxLength");
        }
        return rows.get(0);
    }

    @Override
    public List<TokenizedExample> encodeAll(Example example) {
        try {
            String text = example.plainText();
            return text == null
                    ? cutter.fit(pair(example)).stream().toList()
                    : blocks(example.source(), text);
        } catch (JepaException e) {
            throw new JepaException(example.source() + ": " + e.getMessage(), e);
        }
    }

    private List<TokenizedExample> blocks(String source, String text) {
        refuseSpecialTokens("the text", text);
        int[] ids = ended(concatenated(beginIds, tokenizer.encode(text).ids()));
        int length = options.maxLength();
        if (length < 2) {
            throw new JepaException("a block has 2 tokens or more; raise maxLength");
        }
        int count = (ids.length - 1) / length + 1;
        List<TokenizedExample> blocks = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            // A block of one token has nothing to predict: the one before it gives it another.
            int start = Math.min(i * length, ids.length - 2);
            int[] block = Arrays.copyOfRange(ids, start, Math.min((i + 1) * length, ids.length));
            String place = count == 1 ? source : source + ", block " + (i + 1);
            blocks.add(
                    new TokenizedExample(place, block, new TokenSpan(1, block.length), List.of()));
        }
        return blocks;
    }

    private TokenizedExample pair(Example example) {
        List<Message> messages = example.messages();
        if (!isPair(example)) {
            throw new JepaException(
                    tokenizer.files().folder()
                            + " has no chat template, and the example is not a pair of a user's and"
                            + " an assistant's turn without other keys; give the model a template"
                            + " (chatTemplate)");
        }
        String text = messages.get(0).content();
        String code = messages.get(1).content();
        refuseSpecialTokens("the user's turn", text);
        refuseSpecialTokens("the assistant's turn", code);
        ModelTokenizer.TokenizedText prompt = tokenizer.encode(text);
        ModelTokenizer.TokenizedText row = row(prompt, text, code);
        int begin = beginIds.length;
        int[] ids = ended(concatenated(beginIds, row.ids()));
        int codeStart = begin + prompt.ids().length;
        if (codeStart == begin || codeStart == begin + row.ids().length) {
            throw new JepaException("a turn has no tokens; fill it in or drop the example");
        }
        List<TokenizedView> views =
                example.views().isEmpty()
                        ? List.of(
                                TokenizedView.inRow(ids, new TokenSpan(begin, codeStart)),
                                TokenizedView.inRow(ids, new TokenSpan(codeStart, ids.length - 1)))
                        : example.views().stream().map(this::alone).toList();
        return new TokenizedExample(
                example.source(), ids, new TokenSpan(codeStart, ids.length), views);
    }

    /** Whether an example is a pair that needs no chat template. */
    public static boolean isPair(Example example) {
        List<Message> messages = example.messages();
        return messages.size() == 2
                && messages.get(0).role().equals(Message.USER)
                && messages.get(1).role().equals(Message.ASSISTANT)
                && messages.stream().allMatch(turn -> turn.fields().isEmpty())
                && !Boolean.FALSE.equals(messages.get(1).train())
                && example.arguments().isEmpty();
    }

    /** The row, which begins with exactly the tokens that generation feeds. */
    private ModelTokenizer.TokenizedText row(
            ModelTokenizer.TokenizedText prompt, String text, String code) {
        ModelTokenizer.TokenizedText row = tokenizer.encode(text + code);
        int common = Arrays.mismatch(prompt.ids(), row.ids());
        if (common == prompt.ids().length) {
            return row;
        }
        Optional<ModelTokenizer.TokenizedText> joined =
                tokenizer.encodeRest(prompt, text + code, text.length());
        return joined.orElseThrow(
                () ->
                        new JepaException(
                                "the end of the user's turn and the beginning of the assistant's"
                                        + " make one token; put white space between them, or drop"
                                        + " the example"));
    }

    private TokenizedView alone(String view) {
        refuseSpecialTokens("a view", view);
        return TokenizedView.alone(tokenizer.encode(view).ids());
    }

    private void refuseSpecialTokens(String where, String text) {
        for (String token : tokenizer.specialTokens()) {
            if (!token.isBlank() && text.contains(token)) {
                throw new JepaException(
                        where
                                + " contains the text "
                                + token
                                + ", which the tokenizer would read as its control token; reword it,"
                                + " or put the documents that it separates on a line each");
            }
        }
    }

    private int[] ended(int[] ids) {
        return concatenated(ids, new int[] {endId});
    }

    private static int[] concatenated(int[] first, int[] second) {
        return IntStream.concat(IntStream.of(first), IntStream.of(second)).toArray();
    }
}
