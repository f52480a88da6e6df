package io.github.dl4jjepa.models.tokenizer;

import io.github.dl4jjepa.core.view.TokenSpan;
import java.util.Arrays;
import java.util.Optional;

/**
 * Token ids with the characters that each stands for.
 *
 * <p>Spans overlap where one character became several tokens: each has the whole character. All
 * arrays have the same length.
 *
 * @param ids token ids
 * @param starts index in the Java string of each token's first character; -1 for a token that
 *     stands for none
 * @param ends index after each token's last character; -1 for a token that stands for none
 */
public record TokenizedText(int[] ids, int[] starts, int[] ends) {
    /** The tokens, from first to last, that share a character with {@code [start, end)}. */
    public Optional<TokenSpan> overlapping(int start, int end) {
        int first = -1;
        int last = -1;
        for (int i = 0; i < ids.length; i++) {
            if (ends[i] > start && starts[i] < end && starts[i] >= 0) {
                first = first < 0 ? i : first;
                last = i;
            }
        }
        return first < 0 ? Optional.empty() : Optional.of(new TokenSpan(first, last + 1));
    }

    /** The ids of a run of tokens. */
    public int[] ids(TokenSpan span) {
        return Arrays.copyOfRange(ids, span.start(), span.end());
    }
}
