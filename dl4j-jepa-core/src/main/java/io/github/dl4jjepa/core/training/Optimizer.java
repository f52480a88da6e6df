package io.github.dl4jjepa.core.training;

import io.github.dl4jjepa.core.parameters.ParameterSet;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Updates parameters by their gradients, in place. {@link AdamW} is the default.
 *
 * <p>All that an optimizer remembers from step to step is in {@link #state()}: a checkpoint writes
 * these arrays, and a resumed run reads them into the arrays of a new optimizer.
 */
public interface Optimizer extends AutoCloseable {
    /** Makes the optimizer of a run. */
    @FunctionalInterface
    interface Factory {
        /**
         * Allocates an optimizer.
         *
         * @param parameters the parameters to update, all of them trainable
         */
        Optimizer create(ParameterSet parameters);
    }

    /**
     * Takes a step.
     *
     * @param step the step, from 1
     * @param learningRate the step's learning rate
     * @param gradients by the parameters' names; they may be overwritten
     * @param gradientScale what the gradients are to be multiplied with first: below 1 where their
     *     norm is clipped
     */
    void step(
            long step, double learningRate, Map<String, INDArray> gradients, double gradientScale);

    /**
     * The arrays to keep from step to step, in a fixed order under names that tell the parameter;
     * empty for an optimizer without state. Always the same arrays, updated in place.
     */
    Map<String, INDArray> state();

    /** Frees the state's off-heap memory. */
    @Override
    void close();
}
