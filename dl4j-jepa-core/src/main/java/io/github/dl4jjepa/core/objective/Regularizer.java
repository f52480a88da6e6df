package io.github.dl4jjepa.core.objective;

import java.io.Serializable;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * A penalty on a batch of embeddings as a whole, which keeps them from collapsing. It is added to
 * the mean distance, for predictions and for targets, of each of which it counts one half.
 */
public interface Regularizer extends Serializable {
    /**
     * Draws the penalty.
     *
     * @param embeddings {@code [pairs, hidden]}
     * @param directions random unit vectors, {@code [hidden, directions()]}, drawn anew for each
     *     optimizer step; null where {@link #directions()} is 0
     * @return a scalar
     */
    SDVariable penalty(SDVariable embeddings, @Nullable SDVariable directions);

    /** How many random directions the penalty needs. */
    default int directions() {
        return 0;
    }
}
