package io.github.dl4jjepa.core.view;

import java.util.List;

/**
 * One row of a batch: token ids, how they attend to each other, and which hidden states are used.
 *
 * <p>A token sees the tokens of its own segment whose position is not greater than its own. All
 * arrays have the row's length.
 *
 * @param ids token ids
 * @param positions position of each token in its segment, from 0
 * @param segments segment of each token, from 0
 * @param targets the token that each hidden state is trained to predict, or {@link #NO_TARGET}
 * @param readouts the hidden states that the JEPA term compares
 */
public record Row(
        int[] ids, int[] positions, int[] segments, int[] targets, List<Readout> readouts) {
    /** Marks a token whose hidden state the language-model loss does not use. */
    public static final int NO_TARGET = -1;

    public Row {
        if (positions.length != ids.length
                || segments.length != ids.length
                || targets.length != ids.length) {
            throw new IllegalArgumentException(
                    "ids, positions, segments and targets differ in length");
        }
        readouts = List.copyOf(readouts);
        for (Readout readout : readouts) {
            if (readout.index() >= ids.length) {
                throw new IllegalArgumentException(
                        readout + " lies outside the row's " + ids.length + " tokens");
            }
        }
    }
}
