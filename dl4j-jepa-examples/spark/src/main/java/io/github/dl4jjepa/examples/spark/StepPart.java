package io.github.dl4jjepa.examples.spark;

import io.github.dl4jjepa.core.iterator.MultiViewBatch;
import io.github.dl4jjepa.core.objective.CrossBatchStep.PairGradients;
import io.github.dl4jjepa.core.objective.StepRequest;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A part of a step, as it is sent to an executor.
 *
 * @param index its place among the parts of the step
 * @param batches its micro-batches
 * @param weights those of the step
 * @param totals those of the whole step
 * @param seed that of the step
 * @param pairs the gradients of the embeddings of its pairs, where these are compared with those of
 *     other parts and have been; otherwise null
 */
record StepPart(
        int index,
        List<MultiViewBatch> batches,
        StepRequest.Weights weights,
        StepRequest.Totals totals,
        StepRequest.Seed seed,
        PairGradients.@Nullable Part pairs)
        implements Serializable {
    StepPart {
        batches = List.copyOf(batches);
    }

    /**
     * Divides a step into parts of consecutive micro-batches, as equal in number as can be.
     *
     * @param most how many parts there may be
     */
    static List<StepPart> of(StepRequest step, int most) {
        List<MultiViewBatch> batches = step.batches();
        int count = Math.min(most, batches.size());
        List<StepPart> parts = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int from = (int) ((long) i * batches.size() / count);
            int to = (int) ((i + 1L) * batches.size() / count);
            parts.add(
                    new StepPart(
                            i,
                            batches.subList(from, to),
                            step.weights(),
                            step.totals(),
                            step.seed(),
                            null));
        }
        return parts;
    }

    StepPart with(PairGradients.Part gradients) {
        return new StepPart(index, batches, weights, totals, seed, gradients);
    }

    StepRequest request() {
        return new StepRequest(batches, weights, totals, seed);
    }

    /** Frees the arrays of a part that was received. */
    void close() {
        batches.forEach(MultiViewBatch::close);
        if (pairs != null) {
            pairs.close();
        }
    }
}
