package io.github.dl4jjepa.core.objective;

import io.github.dl4jjepa.core.iterator.MultiViewBatch;
import java.util.List;
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

    /**
     * Whether a parameter is one of the decoder's layers', by whose gradients lambda is calibrated.
     *
     * @param parameter a name from {@link #parameters()} or {@link #auxiliaries()}
     */
    boolean isOfLayers(String parameter);

    /** Arrays that are kept with the model, not trained, and needed to go on training. */
    default Map<String, INDArray> state() {
        return Map.of();
    }

    /** Called when an optimiser step has changed the parameters. */
    default void parametersUpdated() {}

    /**
     * Floating-point operations of {@link #accumulate}, counted as {@link
     * io.github.dl4jjepa.core.decoder.Decoder} says.
     *
     * @param batches the micro-batches of a step
     * @param hasJepaTerm whether its lambda is above 0
     */
    double flops(List<MultiViewBatch> batches, boolean hasJepaTerm);

    /**
     * Runs the micro-batches of an optimiser step forward and backward and hands on the gradient of
     * the objective over all of them: {@code gamma * (mean cross entropy) + lambda * (JEPA term)}.
     * Each label and each pair counts the same, whichever micro-batch it is in, and pairs are
     * compared across micro-batches where the distance compares pairs: the gradient is that of one
     * large batch.
     *
     * @param batches the micro-batches, all with views or all without; the arrays stay the caller's
     * @param weights gamma and lambda; with lambda = 0 there is no JEPA term
     * @param seed decides what is drawn at random
     * @param gradients is given the name and a part of the gradient of each parameter and auxiliary
     *     that has one, the parts to be added; valid during the call only
     * @return the losses, unweighted
     */
    Losses accumulate(
            List<MultiViewBatch> batches,
            LossWeights weights,
            StepSeed seed,
            BiConsumer<String, INDArray> gradients);

    /** Runs a batch forward only. Pairs are compared within the batch. */
    Losses evaluate(MultiViewBatch batch);
}
