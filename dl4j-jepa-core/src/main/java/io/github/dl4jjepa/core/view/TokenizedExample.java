package io.github.dl4jjepa.core.view;

import java.io.Serializable;
import java.util.List;
import java.util.Objects;

/**
 * An example as token ids.
 *
 * @param source where the example was read; see {@link Example#source()}
 * @param ids the language-model row: the whole conversation
 * @param labels the tokens of {@code ids} that the language model learns to produce: the
 *     assistant's turn with its end-of-turn token
 * @param views the token ids of each view, seen alone and without template, in order; Text first
 */
public record TokenizedExample(String source, int[] ids, TokenSpan labels, List<int[]> views)
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
        for (int[] view : views) {
            if (view.length == 0) {
                throw new IllegalArgumentException(source + ": a view without tokens");
            }
        }
    }
}
