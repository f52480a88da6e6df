package io.github.dl4jjepa.core.objective;

import io.github.dl4jjepa.core.decoder.Decoder;
import io.github.dl4jjepa.core.iterator.MultiViewBatch;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * CONTRACT ONLY: the founder writes the body. One decoder under one objective, as a graph with
 * gradients.
 */
public final class TrainingGraph {
    public TrainingGraph(Decoder decoder, JepaObjective objective) {}

    /**
     * Runs a micro-batch forward and backward and adds its gradient to {@code gradients} (one array
     * per parameter, same shape). The gradient is that of {@code lmWeight * sum of cross entropies
     * + jepaWeight * sum of distances}: with weights gamma / labels and lambda / pairs of the whole
     * optimiser batch, the accumulated gradient is exactly the large batch's.
     */
    public Losses accumulate(
            MultiViewBatch batch,
            double lmWeight,
            double jepaWeight,
            Map<String, INDArray> gradients) {
        throw new UnsupportedOperationException();
    }

    /** Forward only. */
    public Losses evaluate(MultiViewBatch batch) {
        throw new UnsupportedOperationException();
    }
}
