package io.github.dl4jjepa.core.training;

/**
 * Where a run stands: all that a checkpoint holds beside the arrays.
 *
 * @param step optimizer steps taken
 * @param epoch epoch of the next batch, from 0
 * @param batch micro-batches of that epoch already used
 * @param bestStep the step whose validation loss is the lowest so far; 0 before the first
 *     validation
 * @param bestLoss that loss; infinite before the first validation
 * @param cost of the steps taken
 * @param lambda the weight of the JEPA term where it is calibrated, as last measured; 0 before
 *     that, and where it is not calibrated
 */
public record TrainerState(
        long step,
        int epoch,
        int batch,
        long bestStep,
        double bestLoss,
        StepMetrics.Cost cost,
        double lambda) {
    /** A run that has not begun. */
    public static final TrainerState START =
            new TrainerState(0, 0, 0, 0, Double.POSITIVE_INFINITY, StepMetrics.Cost.NONE, 0);

    /** The state with further costs. */
    TrainerState plusCost(StepMetrics.Cost more) {
        return new TrainerState(step, epoch, batch, bestStep, bestLoss, cost.plus(more), lambda);
    }

    /** The state whose own step is the best so far. */
    TrainerState withBestLoss(double loss) {
        return new TrainerState(step, epoch, batch, step, loss, cost, lambda);
    }
}
