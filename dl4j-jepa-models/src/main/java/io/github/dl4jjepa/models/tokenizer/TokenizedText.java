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

    /**
     * The tokens from a character on, of which none may begin before it.
     *
     * @param from the first character
     * @param place where that character stands in the text that the tokens are to be part of
     */
    Optional<TokenizedText> from(int from, int place) {
        int first = 0;
        while (first < ids.length && ends[first] <= from) {
            first++;
        }
        if (first == ids.length || starts[first] < from) {
            return Optional.empty();
        }
        return Optional.of(
                new TokenizedText(
                        Arrays.copyOfRange(ids, first, ids.length),
                        moved(starts, first, place - from),
                        moved(ends, first, place - from)));
    }

    private static int[] moved(int[] places, int first, int by) {
        return Arrays.stream(places, first, places.length)
                .map(place -> place < 0 ? place : place + by)
                .toArray();
    }

    /** These tokens and others after them. */
    TokenizedText followedBy(TokenizedText others) {
        return new TokenizedText(
                joined(ids, others.ids), joined(starts, others.starts), joined(ends, others.ends));
    }

    private static int[] joined(int[] first, int[] second) {
        int[] joined = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, joined, first.length, second.length);
        return joined;
    }

    /** The ids of a run of tokens. */
    public int[] ids(TokenSpan span) {
        return Arrays.copyOfRange(ids, span.start(), span.end());
    }
}
