package io.github.dl4jjepa.core.training;

/**
 * Where a run stands: all that a checkpoint holds beside the arrays.
 *
 * @param step optimizer steps taken
 * @param epoch epoch of the next batch, from 0
 * @param batch micro-batches of that epoch already used
 * @param bestStep the step that {@link TrainingOptions#bestMetric()} finds best so far; 0 before
 *     the first validation
 * @param bestValue that metric's value; infinite before the first validation
 * @param evaluationsSinceBest validations since then
 * @param cost of the steps taken
 * @param lambda the weight of the JEPA term where it is calibrated, as last measured; 0 before
 *     that, and where it is not calibrated
 * @param skippedSteps how many of the steps changed nothing, since their loss or gradient was not
 *     finite
 */
public record TrainerState(
        long step,
        int epoch,
        int batch,
        long bestStep,
        double bestValue,
        int evaluationsSinceBest,
        StepMetrics.Cost cost,
        double lambda,
        long skippedSteps) {
    /** A run that has not begun. */
    public static final TrainerState START =
            new TrainerState(0, 0, 0, 0, Double.POSITIVE_INFINITY, 0, StepMetrics.Cost.NONE, 0, 0);

    /** The state after its own step was taken. */
    TrainerState after(StepMetrics.Cost cost, boolean skipped) {
        return new TrainerState(
                step,
                epoch,
                batch,
                bestStep,
                bestValue,
                evaluationsSinceBest,
                this.cost.plus(cost),
                lambda,
                skipped ? skippedSteps + 1 : skippedSteps);
    }

    /** The state after its own step was validated. */
    TrainerState validated(TrainingOptions.BestMetric metric, double value) {
        boolean best = bestStep == 0 || metric.isBetter(value, bestValue);
        return new TrainerState(
                step,
                epoch,
                batch,
                best ? step : bestStep,
                best ? value : bestValue,
                best ? 0 : evaluationsSinceBest + 1,
                cost,
                lambda,
                skippedSteps);
    }
}
