package io.github.dl4jjepa.core.objective;

import io.github.dl4jjepa.core.decoder.Decoder;
import io.github.dl4jjepa.core.iterator.MultiViewBatch;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Counts the floating-point operations of a step, as {@link Decoder#forwardFlops} says. */
final class FlopCounter {
    private static final int PASSES = 3; // forward, and backward which counts twice

    private final Decoder decoder;
    private final @Nullable LinearPredictor predictor;
    private final boolean encodesTargets;

    /**
     * @param predictor null without one
     * @param encodesTargets whether a {@link TargetEncoder} reads the targets
     */
    FlopCounter(Decoder decoder, @Nullable LinearPredictor predictor, boolean encodesTargets) {
        this.decoder = decoder;
        this.predictor = predictor;
        this.encodesTargets = encodesTargets;
    }

    /**
     * @param embedsFirst whether all batches are embedded before they are differentiated
     */
    double flops(List<MultiViewBatch> batches, boolean hasJepaTerm, boolean embedsFirst) {
        int extraPasses = hasJepaTerm && embedsFirst ? 1 : 0;
        double flops = 0;
        for (MultiViewBatch batch : batches) {
            int[] positions = batch.positions();
            double forward = decoder.forwardFlops(positions, batch.labels());
            if (hasJepaTerm && batch.pairs() > 0 && predictor != null) {
                forward += predictor.forwardFlops(batch.pairs());
            }
            boolean encodesTarget = hasJepaTerm && encodesTargets && batch.pairs() > 0;
            int embeddings = extraPasses + (encodesTarget ? 1 : 0);
            flops += PASSES * forward;
            if (embeddings > 0) {
                flops += embeddings * decoder.forwardFlops(positions, 0);
            }
        }
        return flops;
    }
}
