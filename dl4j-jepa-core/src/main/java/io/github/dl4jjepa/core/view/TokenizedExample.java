package io.github.dl4jjepa.core.view;

import java.io.Serializable;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/**
 * An example as token ids.
 *
 * @param source where the example was read; see {@link Example#source()}
 * @param ids the language-model row: the whole conversation
 * @param labels the tokens of {@code ids} that the language model learns to produce, in order: the
 *     assistant's turn with its end-of-turn token, or several such turns
 * @param views the views in order, Text first; those that are parts of the conversation follow one
 *     another in it
 */
public record TokenizedExample(
        String source, int[] ids, List<TokenSpan> labels, List<TokenizedView> views)
        implements Serializable {
    public TokenizedExample {
        Objects.requireNonNull(source, "source");
        labels = List.copyOf(labels);
        views = List.copyOf(views);
        requireLabels(source, ids, labels);
        int end = 0;
        for (TokenizedView view : views) {
            TokenSpan span = view.inRow();
            if (span == null) {
                continue;
            }
            if (span.start() < end
                    || span.end() > ids.length
                    || !Arrays.equals(
                            ids, span.start(), span.end(), view.ids(), 0, view.ids().length)) {
                throw new IllegalArgumentException(
                        source + ": the row does not have the view's tokens at " + span);
            }
            end = span.end();
        }
    }

    /**
     * An example with one run of labels.
     *
     * @param source where the example was read
     * @param ids the language-model row
     * @param labels the tokens that the language model learns to produce
     * @param views the views in order
     */
    public TokenizedExample(String source, int[] ids, TokenSpan labels, List<TokenizedView> views) {
        this(source, ids, List.of(labels), views);
    }

    private static void requireLabels(String source, int[] ids, List<TokenSpan> labels) {
        if (labels.isEmpty()) {
            throw new IllegalArgumentException(source + ": no labels: there is nothing to learn");
        }
        int end = 1;
        for (TokenSpan span : labels) {
            if (span.start() < end || span.end() > ids.length) {
                throw new IllegalArgumentException(
                        source
                                + ": labels "
                                + labels
                                + " must follow one another in 1.."
                                + ids.length
                                + ": the first token of a row has nothing to be predicted from");
            }
            end = span.end();
        }
    }
}
