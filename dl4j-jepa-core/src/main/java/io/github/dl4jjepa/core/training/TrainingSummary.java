package io.github.dl4jjepa.core.training;

import java.util.Optional;

/**
 * How a training ended.
 *
 * @param steps optimizer steps taken, those before a resumption included
 * @param lastStep the last step, with the final validation losses; empty where a resumed run had
 *     ended already
 * @param bestStep the step with the lowest validation loss; 0 without validation
 * @param bestLoss that loss; infinite without validation
 * @param cost of all these steps together
 * @param seconds wall-clock time of this run, evaluation and checkpoints included
 */
public record TrainingSummary(
        long steps,
        Optional<StepMetrics> lastStep,
        long bestStep,
        double bestLoss,
        StepMetrics.Cost cost,
        double seconds) {}
