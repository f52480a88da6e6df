package io.github.dl4jjepa.core.training;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.diagnostics.ViewDiagnostics;
import io.github.dl4jjepa.core.internal.IoFailures;
import io.github.dl4jjepa.core.internal.samediff.Backend;
import io.github.dl4jjepa.core.iterator.BatchSource;
import io.github.dl4jjepa.core.iterator.MultiViewBatch;
import io.github.dl4jjepa.core.objective.GradientSource;
import io.github.dl4jjepa.core.objective.Losses;
import io.github.dl4jjepa.core.objective.StepRequest;
import io.github.dl4jjepa.core.parameters.Parameter;
import io.github.dl4jjepa.core.parameters.ParameterSet;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Trains a model under the JEPA objective, with AdamW by default.
 *
 * <p>An optimizer step takes up to {@link TrainingOptions#gradientAccumulationSteps()}
 * micro-batches of one epoch. Each label and each pair counts the same, whichever micro-batch it is
 * in, so the gradient is that of one large batch. The model's parameters are updated in place; the
 * arrays of gradients and of the optimizer are allocated once, and freed when the run ends.
 *
 * <p>A run that is killed and resumed from its last checkpoint ends with the same weights,
 * optimizer state and losses of an uninterrupted one. Not for use by several threads.
 */
public final class JepaTrainer {
    private static final Logger LOG = LoggerFactory.getLogger(JepaTrainer.class);

    private final GradientSource gradientSource;
    private final BatchSource batches;
    private final TrainingOptions options;
    private final Optimizer.Factory optimizer;
    private final @Nullable CheckpointStore checkpoints;
    private final BooleanSupplier stop;
    private final List<TrainerListener> listeners;
    private final TrainingPlan plan;
    private final LambdaController lambdas;
    private final Evaluator evaluator;

    private JepaTrainer(Builder builder) {
        gradientSource =
                Objects.requireNonNull(builder.gradientSource, "setGradientSource was not called");
        batches = Objects.requireNonNull(builder.batches, "setBatches was not called");
        options = builder.options;
        optimizer =
                builder.optimizer == null
                        ? parameters -> new AdamW(parameters, options.weightDecay())
                        : builder.optimizer;
        checkpoints = builder.checkpoints;
        stop = builder.stop;
        listeners = List.copyOf(builder.listeners);
        lambdas = new LambdaController(gradientSource, options.seed());
        plan = new TrainingPlan(options, batches.batchesPerEpoch(), lambdas, this::plannedFlops);
        evaluator = new Evaluator(gradientSource, builder.validation, builder.diagnostics);
        requireBestMetric(builder);
    }

    private void requireBestMetric(Builder builder) {
        TrainingOptions.BestMetric metric = options.bestMetric();
        if (options.earlyStoppingPatience() > 0 && builder.validation == null) {
            throw new JepaException("earlyStoppingPatience needs validation data");
        }
        if (metric.needsDiagnostics() && builder.diagnostics == null) {
            throw new JepaException(
                    "bestMetric " + metric + " needs two validation examples with views, or more");
        }
        if (metric == TrainingOptions.BestMetric.JEPA_LOSS
                && !gradientSource.objective().comparesViews()) {
            throw new JepaException("bestMetric " + metric + " needs an objective with views");
        }
    }

    /** A trainer to put together. */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Optimizer steps of the whole training. Where a compute budget limits them, their batches are
     * gone through once to see.
     *
     * @throws JepaException if the compute budget does not suffice for a single step
     */
    public long totalSteps() {
        return plan.totalSteps();
    }

    /**
     * Trains from the first step on.
     *
     * @throws TrainingStoppedException if it was asked to stop
     * @throws NonFiniteLossException if a loss or a gradient is infinite or not a number
     */
    public TrainingSummary train() {
        return run(false);
    }

    /**
     * Continues from the last checkpoint; without one, trains from the first step on.
     *
     * @throws JepaException if the checkpoint is of a run with other batches
     * @throws TrainingStoppedException if it was asked to stop
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
        ParameterSet trained = gradientSource.parameters().trainable();
        try (Gradients gradients = new Gradients(trained.arrays());
                Optimizer updates = optimizer.create(trained)) {
            Checkpointed arrays = new Checkpointed(trained, updates, gradientSource);
            TrainerState start =
                    resume
                            ? Objects.requireNonNull(checkpoints)
                                    .restoreLast(arrays.model(), arrays.others())
                                    .orElse(TrainerState.START)
                            : TrainerState.START;
            plan.requireReaches(start);
            listeners.forEach(listener -> listener.onStart(totalSteps(), start));

            TrainerState state = start;
            TrainerState saved = start;
            Optional<StepMetrics> lastStep = Optional.empty();
            while (!plan.endsAt(state)) {
                if (stop.getAsBoolean()) {
                    if (checkpoints != null && !state.equals(saved)) {
                        save(state, arrays);
                    }
                    throw new TrainingStoppedException(state.step(), totalSteps());
                }
                if (state.equals(start) || state.batch() == 0) {
                    seek(state);
                }
                StepMetrics metrics = step(state, gradients, updates);
                state = next(state, metrics);
                for (TrainerListener listener : listeners) {
                    listener.onStep(metrics);
                }
                if (checkpoints != null && plan.checkpointsAt(state)) {
                    save(state, arrays);
                    saved = state;
                }
                lastStep = Optional.of(metrics);
            }

            TrainingSummary summary =
                    new TrainingSummary(
                            state.step(),
                            lastStep,
                            state.bestStep(),
                            state.bestValue(),
                            plan.stopsEarlyAt(state),
                            state.skippedSteps(),
                            state.cost(),
                            secondsSince(begun));
            listeners.forEach(listener -> listener.onEnd(summary));
            return summary;
        }
    }

    /**
     * The arrays of a checkpoint.
     *
     * @param model the model's trainable parameters
     * @param others the optimizer's state, auxiliary parameters and the gradient source's state
     */
    private record Checkpointed(Map<String, INDArray> model, Map<String, INDArray> others) {
        Checkpointed(ParameterSet trained, Optimizer optimizer, GradientSource source) {
            this(
                    trained.where(parameter -> parameter.group() != Parameter.Group.AUXILIARY)
                            .arrays(),
                    new LinkedHashMap<>(optimizer.state()));
            others.putAll(trained.of(Parameter.Group.AUXILIARY).arrays());
            others.putAll(source.state());
        }
    }

    private StepMetrics step(TrainerState state, Gradients gradients, Optimizer updates) {
        long begun = System.nanoTime();
        long step = state.step() + 1;
        double learningRate = plan.learningRate(state);
        double gamma = gradientSource.objective().gamma();
        List<MultiViewBatch> microBatches = microBatches(state);
        try {
            double lambda = lambdas.lambda(state, totalSteps());
            StepRequest request =
                    gradientSource.wholeStep(
                            microBatches,
                            new StepRequest.Weights(gamma, lambda),
                            new StepRequest.Seed(options.seed(), step));
            Losses losses;
            if (lambdas.calibrates(state)) {
                LambdaController.CalibratedLosses calibrated =
                        lambdas.calibrate(request, gradients);
                lambda = calibrated.lambda();
                losses = calibrated.losses();
            } else {
                losses = gradientSource.accumulate(request, gradients);
            }
            double norm = gradients.norm(parameter -> true);
            Optional<NonFiniteLossException> fault =
                    NonFiniteLossException.of("Step " + step, losses, norm, microBatches);
            if (fault.isPresent()) {
                skip(state, fault.get());
            } else {
                updates.step(
                        step - state.skippedSteps(),
                        learningRate,
                        gradients.arrays(),
                        Gradients.clippingScale(norm, options.maxGradientNorm()));
                gradientSource.parametersUpdated();
            }
            gradients.clear();
            double seconds = secondsSince(begun);

            boolean evaluates = plan.evaluatesAfter(state);
            return new StepMetrics(
                    step,
                    plan.epoch(state),
                    MeanLosses.of(losses, new StepRequest.Weights(gamma, lambda)),
                    lambda,
                    learningRate,
                    norm,
                    new StepMetrics.Cost(
                            microBatches.stream().mapToLong(MultiViewBatch::tokens).sum(),
                            microBatches.stream().mapToLong(MultiViewBatch::paddedTokens).sum(),
                            flops(state, microBatches),
                            seconds),
                    fault.isPresent(),
                    evaluates ? evaluator.losses(step) : Optional.empty(),
                    evaluates ? evaluator.diagnostics(step) : Optional.empty());
        } finally {
            microBatches.forEach(MultiViewBatch::close);
        }
    }

    /** Leaves a step out, unless the options allow for no more. */
    private void skip(TrainerState state, NonFiniteLossException fault) {
        if (state.skippedSteps() >= options.skipNonFinite()) {
            throw fault;
        }
        LOG.warn(
                "Skipped, {} of {} (skipNonFinite): {}",
                state.skippedSteps() + 1,
                options.skipNonFinite(),
                fault.getMessage());
    }

    /**
     * The batches of the step after a state, with their views unless the step drops the JEPA term.
     */
    private List<MultiViewBatch> microBatches(TrainerState state) {
        boolean comparesViews =
                gradientSource.objective().comparesViews() && lambdas.hasJepaTerm(state.step() + 1);
        List<MultiViewBatch> microBatches = new ArrayList<>();
        try {
            for (int i = 0; i < plan.batches(state); i++) {
                MultiViewBatch batch =
                        comparesViews ? batches.nextBatch() : batches.nextBatchWithoutViews();
                microBatches.add(batch);
                if (comparesViews && batch.pairs() == 0) {
                    throw new IllegalArgumentException(
                            "the objective compares views, but the batch has none: "
                                    + batch.sources());
                }
            }
            return microBatches;
        } catch (JepaException | UncheckedIOException e) {
            microBatches.forEach(MultiViewBatch::close);
            throw unreadable(state, e);
        } catch (RuntimeException | Error e) {
            microBatches.forEach(MultiViewBatch::close);
            throw e;
        }
    }

    private void seek(TrainerState state) {
        try {
            batches.seek(state.epoch(), state.batch());
        } catch (JepaException | UncheckedIOException e) {
            throw unreadable(state, e);
        }
    }

    private static JepaException unreadable(TrainerState state, RuntimeException cause) {
        return new JepaException(
                "Step "
                        + (state.step() + 1)
                        + ", in epoch "
                        + (state.epoch() + 1)
                        + ": the training data cannot be read: "
                        + (cause.getCause() instanceof IOException e
                                ? IoFailures.describe(e)
                                : cause.getMessage())
                        + ". The last checkpoint is whole: mend the cause and resume.",
                cause);
    }

    private double flops(TrainerState state, List<MultiViewBatch> microBatches) {
        return gradientSource.flops(microBatches, lambdas.hasJepaTerm(state.step() + 1))
                + (lambdas.calibrates(state) ? gradientSource.flops(microBatches, false) : 0);
    }

    /** The cost of the step after a state, by its batches, which are read in order. */
    private double plannedFlops(TrainerState state) {
        if (state.batch() == 0) {
            seek(state);
        }
        List<MultiViewBatch> microBatches = microBatches(state);
        double flops = flops(state, microBatches);
        microBatches.forEach(MultiViewBatch::close);
        return flops;
    }

    /** The state after a step. */
    private TrainerState next(TrainerState state, StepMetrics metrics) {
        // A skipped step measures no lambda.
        TrainerState next =
                plan.next(state, metrics.skipped() ? state.lambda() : metrics.lambda())
                        .after(metrics.cost(), metrics.skipped());
        OptionalDouble value = options.bestMetric().of(metrics);
        return value.isPresent() ? next.validated(options.bestMetric(), value.getAsDouble()) : next;
    }

    private void save(TrainerState state, Checkpointed arrays) {
        Objects.requireNonNull(checkpoints).save(state, arrays.model(), arrays.others());
        listeners.forEach(listener -> listener.onCheckpoint(state));
    }

    private static double secondsSince(long nanoTime) {
        return (System.nanoTime() - nanoTime) / 1e9;
    }

    /** Puts a {@link JepaTrainer} together: what is {@code set} is required. */
    public static final class Builder {
        private GradientSource gradientSource;
        private BatchSource batches;
        private @Nullable BatchSource validation;
        private @Nullable Supplier<ViewDiagnostics> diagnostics;
        private TrainingOptions options = TrainingOptions.builder().build();
        private Optimizer.@Nullable Factory optimizer;
        private @Nullable CheckpointStore checkpoints;
        private BooleanSupplier stop = () -> false;
        private final List<TrainerListener> listeners = new ArrayList<>();

        @SuppressWarnings("NullAway.Init") // what is required is set before build()
        private Builder() {}

        /**
         * Sets the model that is trained.
         *
         * @param gradientSource computes its losses and gradients under an objective
         */
        public Builder setGradientSource(GradientSource gradientSource) {
            this.gradientSource = gradientSource;
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
        public Builder optDiagnostics(@Nullable Supplier<ViewDiagnostics> diagnostics) {
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
         * Sets the optimizer (default: {@link AdamW} with the options' weight decay).
         *
         * @param optimizer makes the optimizer of the trainable parameters; the options' weight
         *     decay is then its own affair
         */
        public Builder optOptimizer(Optimizer.Factory optimizer) {
            this.optimizer = Objects.requireNonNull(optimizer, "optimizer");
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
         * Lets the training be stopped (default: it takes all its steps).
         *
         * @param stop asked before each step, on the training's thread; once it says true, the
         *     state is saved and a {@link TrainingStoppedException} thrown
         */
        public Builder optStop(BooleanSupplier stop) {
            this.stop = Objects.requireNonNull(stop, "stop");
            return this;
        }

        /**
         * Adds a listener.
         *
         * @param listener is told after those added before it
         */
        public Builder optListener(TrainerListener listener) {
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
