package io.github.dl4jjepa.core.objective;

import io.github.dl4jjepa.core.iterator.MultiViewBatch;
import io.github.dl4jjepa.core.parameters.ParameterSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Losses and gradients of micro-batches: what the trainer needs of a model under an objective. */
public interface GradientSource {
    /** What is minimized. */
    JepaObjective objective();

    /**
     * The model's parameters in a fixed order, followed by those of {@link
     * io.github.dl4jjepa.core.parameters.Parameter.Group#AUXILIARY} that are trained with it.
     */
    ParameterSet parameters();

    /** Arrays that are kept with the model, not trained, and needed to go on training. */
    default Map<String, INDArray> state() {
        return Map.of();
    }

    /** Called when an optimizer step has changed the parameters. */
    default void parametersUpdated() {}

    /**
     * Floating-point operations of {@link #accumulate}, counted as {@link
     * io.github.dl4jjepa.core.decoder.Decoder} says.
     *
     * @param batches the micro-batches of a step
     * @param hasJepaTerm whether its lambda is above 0
     */
    double flops(List<MultiViewBatch> batches, boolean hasJepaTerm);

    /** The labels and pairs of batches, which weigh the parts of a step. */
    default StepRequest.Totals totals(List<MultiViewBatch> batches) {
        return new StepRequest.Totals(
                batches.stream().mapToLong(MultiViewBatch::labels).sum(),
                batches.stream().mapToLong(MultiViewBatch::pairs).sum());
    }

    /**
     * Requests a whole optimizer step.
     *
     * @param batches the step's micro-batches, all with views or all without
     * @param weights gamma and lambda; with lambda = 0 there is no JEPA term
     * @param seed decides what is drawn at random
     */
    default StepRequest wholeStep(
            List<MultiViewBatch> batches, StepRequest.Weights weights, StepRequest.Seed seed) {
        return new StepRequest(batches, weights, totals(batches), seed);
    }

    /**
     * Runs the micro-batches of an optimizer step, or of a part of it, forward and backward and
     * hands on the gradient of the objective: {@code gamma * (mean cross entropy) + lambda * (JEPA
     * term)}. The means are over the labels and pairs of the whole step, so each label and each
     * pair counts the same, whichever micro-batch it is in, and the gradients of the parts of a
     * step add up to the step's. Where the objective compares pairs with each other, those of all
     * micro-batches are compared: the gradient is that of one large batch.
     *
     * @param step the micro-batches, their weights and the totals of the whole step
     * @param gradients is given the name and a part of the gradient of each trainable parameter
     *     that has one, the parts to be added; valid during the call only
     * @return the losses, unweighted
     * @throws IllegalArgumentException if the request is a part of a step, and the objective
     *     compares its pairs with those of other parts: {@link #crossBatchStep} is for that
     */
    Losses accumulate(StepRequest step, BiConsumer<String, INDArray> gradients);

    /**
     * The phases of a step whose parts depend on each other through the pairs they have.
     *
     * @return empty where a pair's part of the JEPA term depends on that pair alone, so that {@link
     *     #accumulate} serves for parts of a step as well
     */
    default Optional<CrossBatchStep> crossBatchStep() {
        return Optional.empty();
    }

    /** Runs a batch forward only. Pairs are compared within the batch. */
    Losses evaluate(MultiViewBatch batch);
}
