package io.github.dl4jjepa.core.training;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.diagnostics.ViewDiagnostics;
import io.github.dl4jjepa.core.iterator.BatchSource;
import io.github.dl4jjepa.core.iterator.MultiViewBatch;
import io.github.dl4jjepa.core.objective.Calibration;
import io.github.dl4jjepa.core.objective.GradientSource;
import io.github.dl4jjepa.core.objective.JepaObjective;
import io.github.dl4jjepa.core.objective.LossWeights;
import io.github.dl4jjepa.core.objective.Losses;
import io.github.dl4jjepa.core.objective.StepSeed;
import io.github.dl4jjepa.core.samediff.Backend;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Trains a model under the JEPA objective with AdamW.
 *
 * <p>An optimiser step takes up to {@link TrainingOptions#accumulate()} micro-batches of one epoch.
 * Each label and each pair counts the same, whichever micro-batch it is in, so the gradient is that
 * of one large batch. The model's parameters are updated in place; the arrays of gradients and of
 * the optimiser are allocated once, and freed when the run ends.
 *
 * <p>A run that is killed and resumed from its last checkpoint ends with the very weights,
 * optimiser state and losses of an uninterrupted one. Not for use by several threads.
 */
public final class JepaTrainer {
    private static final Logger LOG = LoggerFactory.getLogger(JepaTrainer.class);

    private final GradientSource gradientSource;
    private final JepaObjective objective;
    private final BatchSource batches;
    private final BatchSource validation;
    private final Supplier<ViewDiagnostics> diagnostics;
    private final TrainingOptions options;
    private final CheckpointStore checkpoints;
    private final List<TrainingListener> listeners;
    private long totalSteps;

    private JepaTrainer(Builder builder) {
        gradientSource =
                Objects.requireNonNull(builder.gradientSource, "setGradientSource was not called");
        objective = Objects.requireNonNull(builder.objective, "setObjective was not called");
        batches = Objects.requireNonNull(builder.batches, "setBatches was not called");
        validation = builder.validation;
        diagnostics = builder.diagnostics;
        options = builder.options;
        checkpoints = builder.checkpoints;
        listeners = List.copyOf(builder.listeners);
    }

    /** A trainer to put together. */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Optimiser steps of the whole training. Where a compute budget limits them, their batches are
     * gone through once to see.
     *
     * @throws JepaException if the compute budget does not suffice for a single step
     */
    public long totalSteps() {
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

    /**
     * Trains from the first step on.
     *
     * @throws NonFiniteLossException if a loss or a gradient is infinite or not a number
     */
    public TrainingSummary train() {
        return run(false);
    }

    /**
     * Goes on from the last checkpoint; without one, trains from the first step on.
     *
     * @throws JepaException if the checkpoint is of a run with other batches
     * @throws NonFiniteLossException if a loss or a gradient is infinite or not a number
     * @throws IllegalStateException if the trainer has no checkpoint store
     */
    public TrainingSummary resume() {
        if (checkpoints == null) {
            throw new IllegalStateException("optCheckpoints was not called: nothing to resume");
        }
        return run(true);
    }

    private TrainingSummary run(boolean resume) {
        Backend.adviseOnThreads();
        long begun = System.nanoTime();
        Map<String, INDArray> parameters = gradientSource.parameters();
        Map<String, INDArray> trained = new LinkedHashMap<>(parameters);
        trained.putAll(gradientSource.auxiliaries());
        try (Gradients gradients = new Gradients(trained);
                AdamW optimizer =
                        new AdamW(trained, options.weightDecay(), gradientSource::decays)) {
            Map<String, INDArray> beside = new LinkedHashMap<>(optimizer.state());
            beside.putAll(gradientSource.auxiliaries());
            beside.putAll(gradientSource.state());
            TrainerState start =
                    resume
                            ? checkpoints.restoreLast(parameters, beside).orElse(TrainerState.START)
                            : TrainerState.START;
            requireSameBatches(start);
            listeners.forEach(listener -> listener.onStart(totalSteps(), start));

            TrainerState state = start;
            Optional<StepMetrics> lastStep = Optional.empty();
            while (state.step() < totalSteps()) {
                if (state == start || state.batch() == 0) {
                    batches.seek(state.epoch(), state.batch());
                }
                StepMetrics metrics = step(state, trained, gradients, optimizer);
                state = next(state, metrics);
                for (TrainingListener listener : listeners) {
                    listener.onStep(metrics);
                }
                if (checkpoints != null
                        && (isDue(options.checkpointEvery(), state.step(), state.batch() == 0)
                                || state.bestStep() == state.step())) {
                    save(state, parameters, beside);
                }
                lastStep = Optional.of(metrics);
            }

            TrainingSummary summary =
                    new TrainingSummary(
                            state.step(),
                            lastStep,
                            state.bestStep(),
                            state.bestLoss(),
                            state.cost(),
                            secondsSince(begun));
            listeners.forEach(listener -> listener.onEnd(summary));
            return summary;
        }
    }

    private StepMetrics step(
            TrainerState state,
            Map<String, INDArray> trained,
            Gradients gradients,
            AdamW optimizer) {
        long begun = System.nanoTime();
        long step = state.step() + 1;
        double learningRate =
                options.learningRate()
                        * options.schedule()
                                .factor(state.step(), options.warmupSteps(), totalSteps());
        int end = batchAfterStep(state);
        List<MultiViewBatch> microBatches = microBatches(step, end - state.batch());
        try {
            double lambda = lambda(state);
            Losses losses;
            if (calibrates(state)) {
                CalibratedLosses calibrated = calibrate(step, microBatches, trained, gradients);
                lambda = calibrated.lambda();
                losses = calibrated.losses();
            } else {
                losses =
                        gradientSource.accumulate(
                                microBatches,
                                new LossWeights(objective.gamma(), lambda),
                                stepSeed(step),
                                gradients::add);
            }
            requireFinite("Step " + step, losses, microBatches);
            double norm = gradients.clip(options.maxGradientNorm());
            if (!Double.isFinite(norm)) {
                throw new NonFiniteLossException(
                        "Step " + step + ", gradient norm " + norm, losses, sources(microBatches));
            }
            optimizer.step(step, learningRate, gradients.arrays());
            gradientSource.parametersUpdated();
            gradients.clear();
            double seconds = secondsSince(begun);

            boolean evaluates =
                    isDue(options.evaluateEvery(), step, end == batches.batchesPerEpoch());
            return new StepMetrics(
                    step,
                    state.epoch() + (double) end / batches.batchesPerEpoch(),
                    MeanLosses.of(losses, new LossWeights(objective.gamma(), lambda)),
                    lambda,
                    learningRate,
                    norm,
                    new StepCost(
                            microBatches.stream().mapToLong(MultiViewBatch::tokens).sum(),
                            microBatches.stream().mapToLong(MultiViewBatch::paddedTokens).sum(),
                            flops(state, microBatches),
                            seconds),
                    validation != null && evaluates
                            ? Optional.of(evaluate(step))
                            : Optional.empty(),
                    diagnostics != null && evaluates ? Optional.of(look(step)) : Optional.empty());
        } finally {
            microBatches.forEach(MultiViewBatch::close);
        }
    }

    /** The next batches of the epoch, with their views unless the step drops the JEPA term. */
    private List<MultiViewBatch> microBatches(long step, int count) {
        boolean comparesViews = objective.comparesViews() && hasJepaTerm(step);
        List<MultiViewBatch> microBatches = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            MultiViewBatch batch =
                    comparesViews ? batches.nextBatch() : batches.nextBatchWithoutViews();
            if (comparesViews && batch.pairs() == 0) {
                throw new IllegalArgumentException(
                        "the objective compares views, but the batch has none: " + batch.sources());
            }
            microBatches.add(batch);
        }
        return microBatches;
    }

    private StepSeed stepSeed(long step) {
        return new StepSeed(options.seed(), step);
    }

    private boolean hasJepaTerm(long step) {
        return objective.hasJepaTerm(options.seed(), step);
    }

    /** Lambda at the step after a state, unless that step calibrates it. */
    private double lambda(TrainerState state) {
        long step = state.step() + 1;
        if (!hasJepaTerm(step)) {
            return 0;
        }
        return objective.calibration().isPresent()
                ? state.lambda()
                : objective.lambda(step, totalSteps());
    }

    /** Whether the step after a state measures lambda. */
    private boolean calibrates(TrainerState state) {
        return hasJepaTerm(state.step() + 1)
                && objective
                        .calibration()
                        .filter(
                                calibration ->
                                        state.lambda() == 0
                                                || state.step() % calibration.every() == 0)
                        .isPresent();
    }

    /** The losses of a step, and the lambda that makes its gradients the ones asked for. */
    private record CalibratedLosses(Losses losses, double lambda) {}

    private CalibratedLosses calibrate(
            long step,
            List<MultiViewBatch> microBatches,
            Map<String, INDArray> trained,
            Gradients gradients) {
        gradientSource.accumulate(
                microBatches,
                new LossWeights(objective.gamma(), 0),
                stepSeed(step),
                gradients::add);
        try (Gradients jepaGradients = new Gradients(trained)) {
            Losses losses =
                    gradientSource.accumulate(
                            microBatches,
                            new LossWeights(0, 1),
                            stepSeed(step),
                            jepaGradients::add);
            double jepaNorm = jepaGradients.norm(gradientSource::isOfLayers);
            if (jepaNorm == 0) {
                throw new JepaException(
                        "Step "
                                + step
                                + ": the JEPA term has no gradient on the decoder's layers, so"
                                + " lambda cannot be calibrated by it; give lambda, or pairs of"
                                + " views that differ");
            }
            double lambda =
                    objective.calibration().map(Calibration::ratio).orElseThrow()
                            * gradients.norm(gradientSource::isOfLayers)
                            / jepaNorm;
            gradients.addScaled(jepaGradients, lambda);
            return new CalibratedLosses(losses, lambda);
        }
    }

    private double flops(TrainerState state, List<MultiViewBatch> microBatches) {
        return gradientSource.flops(microBatches, hasJepaTerm(state.step() + 1))
                + (calibrates(state) ? gradientSource.flops(microBatches, false) : 0);
    }

    private long stepsWithinBudget() {
        double spent = 0;
        for (TrainerState state = TrainerState.START; ; state = next(state, 1)) {
            if (state.batch() == 0) {
                batches.seek(state.epoch(), 0);
            }
            List<MultiViewBatch> microBatches =
                    microBatches(state.step() + 1, batchAfterStep(state) - state.batch());
            double flops = flops(state, microBatches);
            microBatches.forEach(MultiViewBatch::close);
            spent += flops;
            if (spent > options.computeBudget()) {
                if (state.step() == 0) {
                    throw new JepaException(
                            String.format(
                                    Locale.ROOT,
                                    "the compute budget of %.3g operations does not suffice for the"
                                            + " first step, which takes %.3g; raise it",
                                    options.computeBudget(),
                                    flops));
                }
                return state.step();
            }
        }
    }

    private ViewDiagnostics look(long step) {
        ViewDiagnostics views = diagnostics.get();
        views.collapse().ifPresent(words -> LOG.warn("After step {}: {}", step, words));
        return views;
    }

    private MeanLosses evaluate(long step) {
        Losses sum = Losses.NONE;
        validation.seek(0, 0);
        for (int i = 0; i < validation.batchesPerEpoch(); i++) {
            try (MultiViewBatch batch =
                    objective.comparesViews()
                            ? validation.nextBatch()
                            : validation.nextBatchWithoutViews()) {
                Losses losses = gradientSource.evaluate(batch);
                requireFinite("Validation after step " + step, losses, List.of(batch));
                sum = sum.plus(losses);
            }
        }
        double lambda = objective.calibration().isPresent() ? 0 : objective.lambda();
        return MeanLosses.of(sum, new LossWeights(objective.gamma(), lambda));
    }

    private TrainerState next(TrainerState state, StepMetrics metrics) {
        double loss = metrics.validation().map(MeanLosses::total).orElse(Double.POSITIVE_INFINITY);
        boolean best = loss < state.bestLoss();
        TrainerState next = next(state, metrics.lambda());
        return new TrainerState(
                next.step(),
                next.epoch(),
                next.batch(),
                best ? next.step() : state.bestStep(),
                best ? loss : state.bestLoss(),
                state.cost().plus(metrics.cost()),
                next.lambda());
    }

    /** One step further in the data, all else unchanged but a calibrated lambda. */
    private TrainerState next(TrainerState state, double lambda) {
        int end = batchAfterStep(state);
        boolean epochEnds = end == batches.batchesPerEpoch();
        return new TrainerState(
                state.step() + 1,
                epochEnds ? state.epoch() + 1 : state.epoch(),
                epochEnds ? 0 : end,
                state.bestStep(),
                state.bestLoss(),
                state.cost(),
                calibrates(state) ? lambda : state.lambda());
    }

    private void save(
            TrainerState state, Map<String, INDArray> parameters, Map<String, INDArray> beside) {
        checkpoints.save(state, parameters, beside);
        listeners.forEach(listener -> listener.onCheckpoint(state));
    }

    private boolean isDue(long every, long step, boolean epochEnds) {
        return step == totalSteps() || (every == 0 ? epochEnds : step % every == 0);
    }

    private int batchAfterStep(TrainerState state) {
        return Math.min(state.batch() + options.accumulate(), batches.batchesPerEpoch());
    }

    private long stepsPerEpoch() {
        return (batches.batchesPerEpoch() + options.accumulate() - 1L) / options.accumulate();
    }

    /** Whether the run that left the checkpoint would stand where the checkpoint says. */
    private void requireSameBatches(TrainerState state) {
        long steps = state.epoch() * stepsPerEpoch() + state.batch() / options.accumulate();
        if (state.batch() % options.accumulate() != 0
                || state.batch() >= batches.batchesPerEpoch()
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
                            batches.batchesPerEpoch(),
                            options.accumulate()));
        }
    }

    private static void requireFinite(String where, Losses losses, List<MultiViewBatch> batches) {
        if (!Double.isFinite(losses.languageModelSum()) || !Double.isFinite(losses.jepaSum())) {
            throw new NonFiniteLossException(where, losses, sources(batches));
        }
    }

    private static List<String> sources(List<MultiViewBatch> batches) {
        return batches.stream().flatMap(batch -> batch.sources().stream()).toList();
    }

    private static double secondsSince(long nanoTime) {
        return (System.nanoTime() - nanoTime) / 1e9;
    }

    /** Puts a {@link JepaTrainer} together: what is {@code set} is required. */
    public static final class Builder {
        private GradientSource gradientSource;
        private JepaObjective objective;
        private BatchSource batches;
        private BatchSource validation;
        private Supplier<ViewDiagnostics> diagnostics;
        private TrainingOptions options = TrainingOptions.builder().build();
        private CheckpointStore checkpoints;
        private final List<TrainingListener> listeners = new ArrayList<>();

        private Builder() {}

        /**
         * Sets the model that is trained.
         *
         * @param gradientSource computes its losses and gradients, under the same objective
         */
        public Builder setGradientSource(GradientSource gradientSource) {
            this.gradientSource = gradientSource;
            return this;
        }

        /**
         * Sets what is minimised.
         *
         * @param objective weights the two losses
         */
        public Builder setObjective(JepaObjective objective) {
            this.objective = objective;
            return this;
        }

        /**
         * Sets the training data.
         *
         * @param batches the micro-batches to train on
         */
        public Builder setBatches(BatchSource batches) {
            this.batches = batches;
            return this;
        }

        /**
         * Adds validation data; without them nothing is evaluated, and no step is the best.
         *
         * @param validation one epoch of it is an evaluation
         */
        public Builder optValidation(BatchSource validation) {
            this.validation = validation;
            return this;
        }

        /**
         * Looks at the embeddings of views at each evaluation; by default nothing does.
         *
         * @param diagnostics looks at the model as it is when called
         */
        public Builder optDiagnostics(Supplier<ViewDiagnostics> diagnostics) {
            this.diagnostics = diagnostics;
            return this;
        }

        /**
         * Says how to train.
         *
         * @param options {@link TrainingOptions}' defaults if not called
         */
        public Builder optOptions(TrainingOptions options) {
            this.options = Objects.requireNonNull(options, "options");
            return this;
        }

        /**
         * Keeps checkpoints; without a store none are written.
         *
         * @param checkpoints where they are kept
         */
        public Builder optCheckpoints(CheckpointStore checkpoints) {
            this.checkpoints = checkpoints;
            return this;
        }

        /**
         * Adds a listener.
         *
         * @param listener is told after those added before it
         */
        public Builder optListener(TrainingListener listener) {
            listeners.add(Objects.requireNonNull(listener, "listener"));
            return this;
        }

        /**
         * The trainer.
         *
         * @throws NullPointerException if something required is not set
         */
        public JepaTrainer build() {
            return new JepaTrainer(this);
        }
    }
}
