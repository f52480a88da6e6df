package io.github.dl4jjepa.core.view;

import java.util.List;
import java.util.Objects;

/**
 * One row of a batch: token ids, how they attend to each other, and which hidden states are used.
 *
 * <p>The row's tokens fall into segments. A segment may have another as its prefix: it then goes on
 * where that one ends. A token sees the tokens of its own segment, and of its segment's prefix,
 * whose position is not greater than its own; so a token at position p sees p + 1 tokens, one at
 * each position. That is all a decoder needs to know, also one whose attention has a window (keys
 * at positions greater than p - window) or whose positions are learned. All arrays have the row's
 * length.
 *
 * @param ids token ids
 * @param positions position of each token, from 0; a segment's first token is at 0, or after the
 *     last of its prefix
 * @param segments segment of each token, from 0
 * @param prefixes the segment that goes before each token's own; its own segment where none does
 * @param targets the token that each hidden state is trained to predict, or {@link #NO_TARGET}
 * @param readouts the hidden states that the JEPA term compares
 */
public record Row(
        int[] ids,
        int[] positions,
        int[] segments,
        int[] prefixes,
        int[] targets,
        List<Readout> readouts) {
    /** Marks a token whose hidden state the language-model loss does not use. */
    public static final int NO_TARGET = -1;

    public Row {
        if (positions.length != ids.length
                || segments.length != ids.length
                || prefixes.length != ids.length
                || targets.length != ids.length) {
            throw new IllegalArgumentException(
                    "ids, positions, segments, prefixes and targets differ in length");
        }
        readouts = List.copyOf(readouts);
        for (Readout readout : readouts) {
            for (int index : readout.indices()) {
                if (index >= ids.length) {
                    throw new IllegalArgumentException(
                            readout + " lies outside the row's " + ids.length + " tokens");
                }
            }
        }
    }

    /**
     * Hidden states whose mean the JEPA term reads; most often a single one.
     *
     * @param pair which prediction of the example it belongs to, from 0; an example with v views
     *     has v - 1 of them
     * @param side whether it predicts or is predicted
     * @param indices the tokens of the row it is read at, one or more
     */
    public record Readout(int pair, Side side, List<Integer> indices) {
        /** The two sides of the JEPA term d(Pred(Enc(Text)), Enc(Code)). */
        public enum Side {
            /** Pred(Enc(Text)): the view that predicts, with its [PRED] tokens. */
            PREDICTION,
            /** Enc(Code): the view that is predicted. */
            TARGET
        }

        public Readout {
            Objects.requireNonNull(side, "side");
            indices = List.copyOf(indices);
            if (pair < 0 || indices.isEmpty() || indices.stream().anyMatch(index -> index < 0)) {
                throw new IllegalArgumentException(
                        "not a readout: pair " + pair + " at " + indices);
            }
        }
    }
}
