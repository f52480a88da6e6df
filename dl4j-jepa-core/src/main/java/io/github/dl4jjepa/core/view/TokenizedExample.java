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
 * @param labels the tokens of {@code ids} that the language model learns to produce: the
 *     assistant's turn with its end-of-turn token
 * @param views the views in order, Text first; those that are parts of the conversation follow one
 *     another in it
 */
public record TokenizedExample(
        String source, int[] ids, TokenSpan labels, List<TokenizedView> views)
        implements Serializable {
    public TokenizedExample {
        Objects.requireNonNull(source, "source");
        views = List.copyOf(views);
        if (labels.start() < 1 || labels.end() > ids.length) {
            throw new IllegalArgumentException(
                    source
                            + ": labels "
                            + labels
                            + " must lie in 1.."
                            + ids.length
                            + ": the first token of a row has nothing to be predicted from");
        }
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
}
