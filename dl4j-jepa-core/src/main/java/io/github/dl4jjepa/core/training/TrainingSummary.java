package io.github.dl4jjepa.core.training;

import java.util.Optional;

/**
 * How a training ended.
 *
 * @param steps optimizer steps taken, those before a resumption included
 * @param lastStep the last step, with the final validation losses; empty where a resumed run had
 *     ended already
 * @param bestStep the step that {@link TrainingOptions#bestMetric()} finds best; 0 without
 *     validation
 * @param bestValue that metric's value; infinite without validation
 * @param stoppedEarly whether the training ended since validations no longer improved
 * @param skippedSteps how many of the steps changed nothing, since their loss or gradient was not
 *     finite
 * @param cost of all these steps together
 * @param seconds wall-clock time of this run, evaluation and checkpoints included
 */
public record TrainingSummary(
        long steps,
        Optional<StepMetrics> lastStep,
        long bestStep,
        double bestValue,
        boolean stoppedEarly,
        long skippedSteps,
        StepMetrics.Cost cost,
        double seconds) {}
