package io.github.dl4jjepa.core.view;

import java.util.List;
import java.util.Objects;

/**
 * Hidden states whose mean the JEPA term reads; most often a single one.
 *
 * @param pair which prediction of the example it belongs to, from 0; an example with v views has v
 *     - 1 of them
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
            throw new IllegalArgumentException("not a readout: pair " + pair + " at " + indices);
        }
    }
}
