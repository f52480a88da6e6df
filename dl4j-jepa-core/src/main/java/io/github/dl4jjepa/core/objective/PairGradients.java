package io.github.dl4jjepa.core.objective;

import java.io.Serializable;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The JEPA term over the pairs of a whole step, and its gradients with respect to their embeddings.
 *
 * @param sum the term times the number of pairs, unweighted
 * @param parts the gradients of each part of the step, in the order in which the parts were given
 */
public record PairGradients(double sum, List<Part> parts) implements AutoCloseable, Serializable {
    public PairGradients {
        parts = List.copyOf(parts);
    }

    /**
     * The gradients of one part's embeddings, which belong to this object.
     *
     * @param prediction {@code [pairs, hidden]}
     * @param target {@code [pairs, hidden]}; null where no gradient flows into the target
     */
    public record Part(INDArray prediction, @Nullable INDArray target)
            implements AutoCloseable, Serializable {
        /** Frees the arrays' off-heap memory. */
        @Override
        public void close() {
            prediction.close();
            if (target != null) {
                target.close();
            }
        }
    }

    /** Frees the off-heap memory of all parts. */
    @Override
    public void close() {
        parts.forEach(Part::close);
    }
}
