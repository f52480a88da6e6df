package io.github.dl4jjepa.core.objective;

import io.github.dl4jjepa.core.iterator.MultiViewBatch;
import java.util.List;
import java.util.Objects;

/**
 * An optimizer step, or a part of one, whose gradient is to be computed.
 *
 * @param batches the micro-batches, all with views or all without; the arrays stay the caller's
 * @param weights gamma and lambda; with lambda = 0 there is no JEPA term
 * @param totals labels and pairs of the whole step: those of {@code batches} where these are all of
 *     it, more where they are a part
 * @param seed decides what is drawn at random; the same for all parts of a step
 */
public record StepRequest(
        List<MultiViewBatch> batches, LossWeights weights, StepTotals totals, StepSeed seed) {
    public StepRequest {
        batches = List.copyOf(batches);
        Objects.requireNonNull(weights, "weights");
        Objects.requireNonNull(totals, "totals");
        Objects.requireNonNull(seed, "seed");
    }
}
