package io.github.dl4jjepa.core.training;

import io.github.dl4jjepa.core.WeightSchedule;
import io.github.dl4jjepa.core.diagnostics.ViewDiagnostics;
import io.github.dl4jjepa.core.internal.OptionName;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/**
 * How a training runs. The defaults are those of the paper (arXiv 2509.14252, section 4.1) where it
 * has any: 4 epochs, learning rate 2e-5, linear decay without warm-up, no weight decay, gradients
 * clipped to the norm 1.
 *
 * <p>Immutable; instances may be shared between threads.
 */
public final class TrainingOptions {
    private final int epochs;
    private final long maxSteps;
    private final double computeBudget;
    private final int gradientAccumulationSteps;
    private final double learningRate;
    private final WeightSchedule schedule;
    private final long warmupSteps;
    private final double weightDecay;
    private final double maxGradientNorm;
    private final long evaluateEvery;
    private final long checkpointEvery;
    private final BestMetric bestMetric;
    private final int earlyStoppingPatience;
    private final long skipNonFinite;
    private final long seed;

    private TrainingOptions(Builder builder) {
        epochs = builder.epochs;
        maxSteps = builder.maxSteps;
        computeBudget = builder.computeBudget;
        gradientAccumulationSteps = builder.gradientAccumulationSteps;
        learningRate = builder.learningRate;
        schedule = Objects.requireNonNull(builder.schedule, "schedule");
        warmupSteps = builder.warmupSteps;
        weightDecay = builder.weightDecay;
        maxGradientNorm = builder.maxGradientNorm;
        evaluateEvery = builder.evaluateEvery;
        checkpointEvery = builder.checkpointEvery;
        bestMetric = Objects.requireNonNull(builder.bestMetric, "bestMetric");
        earlyStoppingPatience = builder.earlyStoppingPatience;
        skipNonFinite = builder.skipNonFinite;
        seed = builder.seed;
        requireAtLeast(1, "epochs", epochs);
        requireAtLeast(0, "maxSteps", maxSteps);
        requireAtLeast(1, "gradientAccumulationSteps", gradientAccumulationSteps);
        requireAtLeast(0, "warmupSteps", warmupSteps);
        requireAtLeast(0, "evaluateEvery", evaluateEvery);
        requireAtLeast(0, "checkpointEvery", checkpointEvery);
        requireAtLeast(0, "earlyStoppingPatience", earlyStoppingPatience);
        requireAtLeast(0, "skipNonFinite", skipNonFinite);
        requireNonNegative("computeBudget", computeBudget);
        if (maxSteps > 0 && computeBudget > 0) {
            throw new IllegalArgumentException(
                    "maxSteps and computeBudget both say when to stop; give one of them");
        }
        requireNonNegative("learningRate", learningRate);
        requireNonNegative("weightDecay", weightDecay);
        requireNonNegative("maxGradientNorm", maxGradientNorm);
        if (learningRate == 0) {
            throw new IllegalArgumentException("learningRate is 0: nothing would be learnt");
        }
    }

    /** Options to set; those left out keep their default. */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * How often the training data are gone through, 4 by default; without meaning where {@code
     * maxSteps} or {@code computeBudget} is given.
     */
    public int epochs() {
        return epochs;
    }

    /**
     * Optimizer steps of the training, however many epochs that takes; 0, the default, for as many
     * as the epochs have.
     */
    public long maxSteps() {
        return maxSteps;
    }

    /**
     * Floating-point operations that the training may take, forward and backward over tokens that
     * are not padding, however many epochs that is: a plain training and one with the JEPA term
     * under the same budget are comparable; 0, the default, for as many as the epochs or {@code
     * maxSteps} need.
     */
    public double computeBudget() {
        return computeBudget;
    }

    /** Micro-batches per optimizer step, 1 by default; the last step of an epoch may have fewer. */
    public int gradientAccumulationSteps() {
        return gradientAccumulationSteps;
    }

    /** The learning rate after the warm-up, 2e-5 by default. */
    public double learningRate() {
        return learningRate;
    }

    /** How the learning rate runs after the warm-up, {@link WeightSchedule#LINEAR} by default. */
    public WeightSchedule schedule() {
        return schedule;
    }

    /** Optimizer steps over which the learning rate rises from 0, 0 by default. */
    public long warmupSteps() {
        return warmupSteps;
    }

    /**
     * Decay of matrices and embeddings per step, as a fraction of the learning rate, 0 by default.
     */
    public double weightDecay() {
        return weightDecay;
    }

    /**
     * Gradients of a larger Euclidean norm are scaled down to it, 1 by default; 0 for no clipping.
     */
    public double maxGradientNorm() {
        return maxGradientNorm;
    }

    /**
     * Optimizer steps from one evaluation to the next; 0, the default, for one at each epoch's end.
     * The last step is always evaluated.
     */
    public long evaluateEvery() {
        return evaluateEvery;
    }

    /**
     * Optimizer steps from one checkpoint to the next; 0, the default, for one at each epoch's end.
     * The last step, and each one that is evaluated best, always get one.
     */
    public long checkpointEvery() {
        return checkpointEvery;
    }

    /** What decides which validated step is the best, {@link BestMetric#LOSS} by default. */
    public BestMetric bestMetric() {
        return bestMetric;
    }

    /**
     * Validations in a row without a better one after which the training ends; 0, the default, for
     * a training that takes all its steps.
     */
    public int earlyStoppingPatience() {
        return earlyStoppingPatience;
    }

    /**
     * Steps of the training that may change nothing, since a loss or their gradient is infinite or
     * not a number; 0 by default. One more ends the training with a {@link NonFiniteLossException}.
     */
    public long skipNonFinite() {
        return skipNonFinite;
    }

    /**
     * Decides which steps drop the JEPA term, where the objective has a loss dropout; 42 by
     * default.
     */
    public long seed() {
        return seed;
    }

    private static void requireAtLeast(long least, String name, long value) {
        if (value < least) {
            throw new IllegalArgumentException(
                    name + " must be at least " + least + ", not " + value);
        }
    }

    private static void requireNonNegative(String name, double value) {
        if (!(value >= 0) || Double.isInfinite(value)) {
            throw new IllegalArgumentException(name + " must be a number from 0 up, not " + value);
        }
    }

    /** The options by the names that a run's {@code run.json} and the command line give them. */
    public Map<String, @Nullable Object> settings() {
        Map<String, @Nullable Object> settings = new LinkedHashMap<>();
        settings.put("epochs", epochs);
        settings.put("max_steps", maxSteps);
        settings.put("compute_budget", computeBudget);
        settings.put("accumulate", gradientAccumulationSteps);
        settings.put("learning_rate", learningRate);
        settings.put("schedule", schedule.name());
        settings.put("warmup_steps", warmupSteps);
        settings.put("weight_decay", weightDecay);
        settings.put("max_gradient_norm", maxGradientNorm);
        settings.put("evaluate_every", evaluateEvery);
        settings.put("checkpoint_every", checkpointEvery);
        // What earlier versions lacked is null where it has no effect: their runs are resumed.
        settings.put("best_metric", bestMetric == BestMetric.LOSS ? null : bestMetric.name());
        settings.put(
                "early_stopping_patience",
                earlyStoppingPatience == 0 ? null : earlyStoppingPatience);
        settings.put("skip_non_finite", skipNonFinite == 0 ? null : skipNonFinite);
        settings.put("seed", seed);
        return settings;
    }

    /** Sets options one by one; {@link TrainingOptions} says what they mean. */
    public static final class Builder {
        private int epochs = 4;
        private long maxSteps;
        private double computeBudget;
        private int gradientAccumulationSteps = 1;
        private double learningRate = 2e-5;
        private WeightSchedule schedule = WeightSchedule.LINEAR;
        private long warmupSteps;
        private double weightDecay;
        private double maxGradientNorm = 1;
        private long evaluateEvery;
        private long checkpointEvery;
        private BestMetric bestMetric = BestMetric.LOSS;
        private int earlyStoppingPatience;
        private long skipNonFinite;
        private long seed = 42;

        private Builder() {}

        /** See {@link TrainingOptions#epochs()}. */
        public Builder optEpochs(int epochs) {
            this.epochs = epochs;
            return this;
        }

        /** See {@link TrainingOptions#maxSteps()}. */
        public Builder optMaxSteps(long maxSteps) {
            this.maxSteps = maxSteps;
            return this;
        }

        /** See {@link TrainingOptions#computeBudget()}. */
        public Builder optComputeBudget(double computeBudget) {
            this.computeBudget = computeBudget;
            return this;
        }

        /** See {@link TrainingOptions#gradientAccumulationSteps()}. */
        public Builder optGradientAccumulationSteps(int gradientAccumulationSteps) {
            this.gradientAccumulationSteps = gradientAccumulationSteps;
            return this;
        }

        /** See {@link TrainingOptions#learningRate()}. */
        public Builder optLearningRate(double learningRate) {
            this.learningRate = learningRate;
            return this;
        }

        /** See {@link TrainingOptions#schedule()}. */
        public Builder optSchedule(WeightSchedule schedule) {
            this.schedule = schedule;
            return this;
        }

        /** See {@link TrainingOptions#warmupSteps()}. */
        public Builder optWarmupSteps(long warmupSteps) {
            this.warmupSteps = warmupSteps;
            return this;
        }

        /** See {@link TrainingOptions#weightDecay()}. */
        public Builder optWeightDecay(double weightDecay) {
            this.weightDecay = weightDecay;
            return this;
        }

        /** See {@link TrainingOptions#maxGradientNorm()}. */
        public Builder optMaxGradientNorm(double maxGradientNorm) {
            this.maxGradientNorm = maxGradientNorm;
            return this;
        }

        /** See {@link TrainingOptions#evaluateEvery()}. */
        public Builder optEvaluateEvery(long evaluateEvery) {
            this.evaluateEvery = evaluateEvery;
            return this;
        }

        /** See {@link TrainingOptions#checkpointEvery()}. */
        public Builder optCheckpointEvery(long checkpointEvery) {
            this.checkpointEvery = checkpointEvery;
            return this;
        }

        /** See {@link TrainingOptions#bestMetric()}. */
        public Builder optBestMetric(BestMetric bestMetric) {
            this.bestMetric = bestMetric;
            return this;
        }

        /** See {@link TrainingOptions#earlyStoppingPatience()}. */
        public Builder optEarlyStoppingPatience(int earlyStoppingPatience) {
            this.earlyStoppingPatience = earlyStoppingPatience;
            return this;
        }

        /** See {@link TrainingOptions#skipNonFinite()}. */
        public Builder optSkipNonFinite(long skipNonFinite) {
            this.skipNonFinite = skipNonFinite;
            return this;
        }

        /** See {@link TrainingOptions#seed()}. */
        public Builder optSeed(long seed) {
            this.seed = seed;
            return this;
        }

        /**
         * The options.
         *
         * @throws IllegalArgumentException if one of them is out of its range
         */
        public TrainingOptions build() {
            return new TrainingOptions(this);
        }
    }

    /** What a validation measures to tell the best step: the metrics of the same names in files. */
    public enum BestMetric {
        /** The objective's value, the lower the better. */
        LOSS,

        /** The language-model loss, the lower the better. */
        LM_LOSS,

        /** The JEPA loss, the lower the better. */
        JEPA_LOSS,

        /** {@link ViewDiagnostics#textRetrievalAt1}, the higher the better. */
        TEXT_RETRIEVAL_AT_1,

        /** {@link ViewDiagnostics#codeRetrievalAt1}, the higher the better. */
        CODE_RETRIEVAL_AT_1,

        /** The share of answers that are predicted token by token, the higher the better. */
        EXACT_MATCH;

        /** The name as the command line has it: {@code lm-loss}. */
        @Override
        public String toString() {
            return OptionName.of(this);
        }

        /** Whether it is computed from the embeddings of views. */
        boolean needsDiagnostics() {
            return this == TEXT_RETRIEVAL_AT_1
                    || this == CODE_RETRIEVAL_AT_1
                    || this == EXACT_MATCH;
        }

        boolean isBetter(double value, double than) {
            return needsDiagnostics() ? value > than : value < than;
        }

        /** The value after a step; empty where it was not validated. */
        OptionalDouble of(StepMetrics metrics) {
            if (needsDiagnostics()) {
                return metrics.diagnostics().stream()
                        .mapToDouble(views -> views.values().get(name().toLowerCase(Locale.ROOT)))
                        .findFirst();
            }
            return metrics.validation().stream()
                    .mapToDouble(
                            losses ->
                                    switch (this) {
                                        case LM_LOSS -> losses.languageModel();
                                        case JEPA_LOSS -> losses.jepa();
                                        default -> losses.total();
                                    })
                    .findFirst();
        }
    }
}
