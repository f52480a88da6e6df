package io.github.dl4jjepa.core.view;

import java.util.Objects;

/**
 * A hidden state that the JEPA term reads.
 *
 * @param pair which prediction of the example it belongs to, from 0; an example with v views has v
 *     - 1 of them
 * @param side whether it predicts or is predicted
 * @param index the token of the row it is read at
 */
public record Readout(int pair, Side side, int index) {
    /** The two sides of the JEPA term d(Pred(Enc(Text)), Enc(Code)). */
    public enum Side {
        /**
         * Pred(Enc(Text)): read at the last [PRED] token, or at Text's last token where there is
         * none.
         */
        PREDICTION,
        /** Enc(Code): read at Code's last token. */
        TARGET
    }

    public Readout {
        Objects.requireNonNull(side, "side");
        if (pair < 0 || index < 0) {
            throw new IllegalArgumentException("negative pair or index: " + pair + ", " + index);
        }
    }
}
