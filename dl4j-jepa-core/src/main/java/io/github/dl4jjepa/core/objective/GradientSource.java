package io.github.dl4jjepa.core.objective;

import io.github.dl4jjepa.core.decoder.Decoder;
import io.github.dl4jjepa.core.iterator.MultiViewBatch;
import java.util.Map;
import java.util.function.BiConsumer;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Losses and gradients of micro-batches: what the trainer needs of a model under an objective. */
public interface GradientSource {
    /** The model's trained arrays by name, in a fixed order. */
    Map<String, INDArray> parameters();

    /** Arrays that are trained with the model and are no part of it, such as a predictor's. */
    default Map<String, INDArray> auxiliaries() {
        return Map.of();
    }

    /**
     * Whether weight decay applies to a parameter.
     *
     * @param parameter a name from {@link #parameters()} or {@link #auxiliaries()}
     */
    boolean decays(String parameter);

    /** Floating-point operations of {@link #accumulate}, counted as {@link Decoder} says. */
    double flops(MultiViewBatch batch);

    /**
     * Runs a micro-batch forward and backward and hands on the gradient of {@code lmWeight * (sum
     * of cross entropies) + jepaWeight * (sum of distances)}, to be added to that of other batches.
     * With the weights gamma / labels and lambda / pairs of the whole optimiser batch, the
     * gradients of its micro-batches add up to the large batch's. A batch without views has no JEPA
     * term, and costs what it costs without one.
     *
     * @param batch the micro-batch; its arrays stay the caller's
     * @param lmWeight weight of one label's cross entropy
     * @param jepaWeight weight of one pair's distance; 0 where no views are compared
     * @param gradients is given the name and gradient of each parameter and auxiliary that the
     *     batch has one for; valid during the call only
     * @return the losses, unweighted
     */
    Losses accumulate(
            MultiViewBatch batch,
            double lmWeight,
            double jepaWeight,
            BiConsumer<String, INDArray> gradients);

    /** Runs a micro-batch forward only. */
    Losses evaluate(MultiViewBatch batch);
}
