package io.github.dl4jjepa.core.training;

import io.github.dl4jjepa.core.JepaException;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/**
 * The arithmetic of a run: how many steps it has, which batches each of them takes, its learning
 * rate, and when to evaluate and to write a checkpoint.
 */
final class TrainingPlan {
    private final TrainingOptions options;
    private final int batchesPerEpoch;
    private final LambdaController lambdas;
    private final ToDoubleFunction<TrainerState> flops;
    private long totalSteps;

    /**
     * @param batchesPerEpoch micro-batches of an epoch
     * @param flops the floating-point operations of the step after a state; asked step by step from
     *     {@link TrainerState#START} on, where a compute budget is given
     */
    TrainingPlan(
            TrainingOptions options,
            int batchesPerEpoch,
            LambdaController lambdas,
            ToDoubleFunction<TrainerState> flops) {
        this.options = options;
        this.batchesPerEpoch = batchesPerEpoch;
        this.lambdas = lambdas;
        this.flops = flops;
    }

    /** Optimizer steps of the whole training. */
    long totalSteps() {
        if (totalSteps == 0) {
            totalSteps =
                    options.computeBudget() > 0
                            ? stepsWithinBudget()
                            : options.maxSteps() > 0
                                    ? options.maxSteps()
                                    : options.epochs() * stepsPerEpoch();
        }
        return totalSteps;
    }

    private long stepsWithinBudget() {
        double spent = 0;
        for (TrainerState state = TrainerState.START; ; state = next(state, 1)) {
            double cost = flops.applyAsDouble(state);
            spent += cost;
            if (spent > options.computeBudget()) {
                if (state.step() == 0) {
                    throw new JepaException(
                            String.format(
                                    Locale.ROOT,
                                    "the compute budget of %.3g operations does not suffice for the"
                                            + " first step, which takes %.3g; raise it",
                                    options.computeBudget(),
                                    cost));
                }
                return state.step();
            }
        }
    }

    private long stepsPerEpoch() {
        return (batchesPerEpoch + options.gradientAccumulationSteps() - 1L)
                / options.gradientAccumulationSteps();
    }

    /** The learning rate of the step after a state. */
    double learningRate(TrainerState state) {
        return options.learningRate()
                * options.schedule().factor(state.step(), options.warmupSteps(), totalSteps());
    }

    /** How many micro-batches the step after a state takes. */
    int batches(TrainerState state) {
        return end(state) - state.batch();
    }

    /** The micro-batch of the epoch that the step after a state ends at. */
    private int end(TrainerState state) {
        return Math.min(state.batch() + options.gradientAccumulationSteps(), batchesPerEpoch);
    }

    /**
     * The epochs done after the step that follows a state, with the fraction of the one under way.
     */
    double epoch(TrainerState state) {
        return state.epoch() + (double) end(state) / batchesPerEpoch;
    }

    /**
     * The state one step further in the data, all else unchanged but a calibrated lambda.
     *
     * @param lambda what the step measured, if it calibrates lambda
     */
    TrainerState next(TrainerState state, double lambda) {
        boolean epochEnds = end(state) == batchesPerEpoch;
        return new TrainerState(
                state.step() + 1,
                epochEnds ? state.epoch() + 1 : state.epoch(),
                epochEnds ? 0 : end(state),
                state.bestStep(),
                state.bestValue(),
                state.evaluationsSinceBest(),
                state.cost(),
                lambdas.calibrates(state) ? lambda : state.lambda(),
                state.skippedSteps());
    }

    /** Whether the training has no step after a state. */
    boolean endsAt(TrainerState state) {
        return state.step() >= totalSteps() || stopsEarlyAt(state);
    }

    /** Whether the training ends at a state since validations no longer improve. */
    boolean stopsEarlyAt(TrainerState state) {
        return options.earlyStoppingPatience() > 0
                && state.evaluationsSinceBest() >= options.earlyStoppingPatience();
    }

    /** Whether to evaluate after the step that follows a state. */
    boolean evaluatesAfter(TrainerState state) {
        return isDue(options.evaluateEvery(), state.step() + 1, end(state) == batchesPerEpoch);
    }

    /** Whether to write a checkpoint of a state. */
    boolean checkpointsAt(TrainerState state) {
        return isDue(options.checkpointEvery(), state.step(), state.batch() == 0)
                || state.bestStep() == state.step()
                || endsAt(state);
    }

    private boolean isDue(long every, long step, boolean epochEnds) {
        return step == totalSteps() || (every == 0 ? epochEnds : step % every == 0);
    }

    /**
     * Checks that a run with these batches would stand where a checkpoint says, and is not over.
     *
     * @throws JepaException if it would not
     */
    void requireReaches(TrainerState state) {
        if (state.step() > totalSteps()) {
            throw new JepaException(
                    String.format(
                            Locale.ROOT,
                            "the run has taken %d steps already, more than the %d that it is to have;"
                                    + " raise epochs, maxSteps or computeBudget",
                            state.step(),
                            totalSteps()));
        }
        long steps =
                state.epoch() * stepsPerEpoch()
                        + state.batch() / options.gradientAccumulationSteps();
        if (state.batch() % options.gradientAccumulationSteps() != 0
                || state.batch() >= batchesPerEpoch
                || steps != state.step()) {
            throw new JepaException(
                    String.format(
                            Locale.ROOT,
                            "The checkpoint of step %d was written at batch %d of epoch %d, which"
                                    + " is no place for it in a run with %d batches in an epoch and"
                                    + " %d to a step: resume with the training data, batch size and"
                                    + " accumulation that the run was begun with",
                            state.step(),
                            state.batch(),
                            state.epoch(),
                            batchesPerEpoch,
                            options.gradientAccumulationSteps()));
        }
    }
}
