package io.github.dl4jjepa.core.objective;

import io.github.dl4jjepa.core.WeightSchedule;
import io.github.dl4jjepa.core.internal.SeededRandom;
import io.github.dl4jjepa.core.ops.Ops;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * What is minimized: {@code L = gamma * L_LM + lambda * d(Pred(Enc(Text)), Enc(Code))} (LLM-JEPA,
 * arXiv 2509.14252, equation 2).
 *
 * <p>L_LM is the mean cross entropy over labeled tokens; the JEPA term is the mean distance over
 * pairs, plus what {@link Regularizer}s add. With lambda = 0 the views are not encoded at all:
 * plain fine-tuning at its plain cost.
 *
 * <pre>{@code
 * JepaObjective objective =
 *         JepaObjective.builder()
 *                 .optDistance(InfoNce.centered(0.1))
 *                 .optCalibration(new Calibration(0.3, 100))
 *                 .build();
 * }</pre>
 *
 * <p>Immutable; instances may be shared between threads.
 */
public final class JepaObjective implements Serializable {
    private static final long serialVersionUID = 1L;

    /** I-JEPA's, at the beginning of its training. */
    public static final double DEFAULT_EMA_DECAY = 0.996;

    private final double gamma;
    private final double lambda;
    private final WeightSchedule lambdaSchedule;
    private final @Nullable Calibration calibration;
    private final Distance distance;

    @SuppressWarnings("serial") // lists of List.copyOf are Serializable
    private final List<WeightedRegularizer> regularizers;

    private final TargetMode target;
    private final double emaDecay;
    private final double lossDropout;

    /** A regularizer and the weight it has beside the mean distance. */
    record WeightedRegularizer(Regularizer regularizer, double weight) implements Serializable {}

    private JepaObjective(Builder builder) {
        gamma = builder.gamma;
        lambda = builder.lambda;
        lambdaSchedule = builder.lambdaSchedule;
        calibration = builder.calibration;
        distance = builder.distance;
        regularizers = List.copyOf(builder.regularizers);
        target = builder.target;
        emaDecay = builder.emaDecay;
        lossDropout = builder.lossDropout;
    }

    /** An objective to put together; as it is, the paper's with lambda = 1. */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * The paper's objective: gamma = 1 and the cosine distance.
     *
     * @param lambda weight of the JEPA term; 0 for plain fine-tuning
     */
    public static JepaObjective cosine(double lambda) {
        return builder().optLambda(lambda).build();
    }

    /** Weight of the language-model loss. */
    public double gamma() {
        return gamma;
    }

    /** Weight of the JEPA term, where it is neither scheduled nor calibrated. */
    public double lambda() {
        return lambda;
    }

    /**
     * Lambda at a step, where it is not calibrated.
     *
     * @param step the step, from 1
     * @param totalSteps steps of the whole training
     */
    public double lambda(long step, long totalSteps) {
        return lambda * lambdaSchedule.factor(step - 1, 0, totalSteps);
    }

    /** How lambda falls in the course of training, where it is not calibrated. */
    public WeightSchedule lambdaSchedule() {
        return lambdaSchedule;
    }

    /** How lambda is measured; empty where it is given. */
    public Optional<Calibration> calibration() {
        return Optional.ofNullable(calibration);
    }

    /** The d of the JEPA term. */
    public Distance distance() {
        return distance;
    }

    /** What is added to the distance. */
    List<WeightedRegularizer> regularizers() {
        return regularizers;
    }

    /** Where the target comes from. */
    public TargetMode target() {
        return target;
    }

    /** The part of its own weights that an {@link TargetMode#EMA} copy keeps at each step. */
    public double emaDecay() {
        return emaDecay;
    }

    /** The fraction of optimizer steps that drop the JEPA term. */
    public double lossDropout() {
        return lossDropout;
    }

    /**
     * The settings by their names, to be kept with a run's results: numbers, names, and one map for
     * the regularizers. Objectives with equal settings minimize the same, unless they have a
     * distance or regularizer of a user's own, which is known by its class only.
     */
    public Map<String, Object> settings() {
        Map<String, Object> settings = new LinkedHashMap<>();
        settings.put("gamma", gamma);
        settings.put("lambda", lambda);
        settings.put("lambda_schedule", lambdaSchedule.name());
        settings.put("lambda_ratio", calibration == null ? 0.0 : calibration.ratio());
        settings.put(
                "lambda_every",
                calibration == null ? Calibration.DEFAULT_EVERY : calibration.every());
        settings.put("loss_dropout", lossDropout);
        settings.put("distance", DistanceKind.nameOf(distance));
        settings.put(
                "temperature",
                distance instanceof InfoNce contrast
                        ? contrast.temperature()
                        : InfoNce.DEFAULT_TEMPERATURE);
        settings.put("target", target.name());
        settings.put("ema_decay", emaDecay);
        Map<String, Double> weights = new TreeMap<>();
        regularizers.forEach(
                added ->
                        weights.merge(
                                RegularizerKind.nameOf(added.regularizer()),
                                added.weight(),
                                Double::sum));
        settings.put("regularizers", weights);
        return settings;
    }

    /** Whether there is a JEPA term. */
    public boolean hasJepaTerm() {
        return lambda > 0;
    }

    /** Whether the objective looks at second views. */
    public boolean comparesViews() {
        return hasJepaTerm() && distance.readsViews();
    }

    /** Whether a pair's part of the JEPA term depends on the other pairs of its batch. */
    boolean comparesAcrossPairs() {
        return distance.comparesAcrossPairs() || !regularizers.isEmpty();
    }

    /**
     * Draws the JEPA term over the pairs of a batch, times their number, with the target that
     * {@link #target()} says.
     *
     * @param hiddenStates {@code [rows * time, hidden]}
     * @param predictionIndices INT32 {@code [pairs, width]}, the rows of {@code hiddenStates} whose
     *     mean is Pred(Enc(Text)), negative where there is none
     * @param targetIndices INT32 {@code [pairs, width]}, likewise of Enc(Code)
     * @param answerIds INT32 {@code [pairs]}, the same for pairs with the same Code
     * @return a scalar
     * @throws IllegalArgumentException if the objective needs more than these: an averaged copy of
     *     the model, the tokens of a semantic tube, or random directions
     */
    public SDVariable jepaSum(
            SDVariable hiddenStates,
            SDVariable predictionIndices,
            SDVariable targetIndices,
            SDVariable answerIds) {
        requireOfBatch();
        SDVariable target = Readouts.mean(hiddenStates, targetIndices);
        return new JepaTerm(this)
                .sum(
                        new Distance.Pairs(
                                Readouts.mean(hiddenStates, predictionIndices),
                                this.target == TargetMode.STOP_GRADIENT
                                        ? Ops.stopGradient(target)
                                        : target,
                                answerIds));
    }

    /** Checks that the term needs nothing but a batch's hidden states. */
    void requireOfBatch() {
        Builder.require(
                target != TargetMode.EMA && distance.readsViews(),
                "an averaged target and the semantic tube need JepaTrainer");
        Builder.require(
                regularizers.stream().allMatch(added -> added.regularizer().directions() == 0),
                "a regularizer with random directions needs JepaTrainer");
    }

    /**
     * Whether an optimizer step has the JEPA term, or drops it.
     *
     * @param seed decides, with the step alone, which steps do
     * @param step the step, from 1
     */
    public boolean hasJepaTerm(long seed, long step) {
        return hasJepaTerm()
                && (lossDropout == 0
                        || SeededRandom.of(seed, SeededRandom.Use.LOSS_DROPOUT, step).nextDouble()
                                >= lossDropout);
    }

    /** Puts a {@link JepaObjective} together. */
    public static final class Builder {
        private double gamma = 1;
        private double lambda = 1;
        private WeightSchedule lambdaSchedule = WeightSchedule.CONSTANT;
        private @Nullable Calibration calibration;
        private Distance distance = new CosineDistance();
        private final List<WeightedRegularizer> regularizers = new ArrayList<>();
        private TargetMode target = TargetMode.GRADIENT;
        private double emaDecay = DEFAULT_EMA_DECAY;
        private double lossDropout;

        private Builder() {}

        /**
         * Weighs the language-model loss (default: 1, the paper's).
         *
         * @param gamma 0 or more
         */
        public Builder optGamma(double gamma) {
            requireWeight("gamma", gamma);
            this.gamma = gamma;
            return this;
        }

        /**
         * Weighs the JEPA term (default: 1; the paper searches 0.5, 1, 2 and 4).
         *
         * @param lambda 0 for plain fine-tuning
         */
        public Builder optLambda(double lambda) {
            requireWeight("lambda", lambda);
            this.lambda = lambda;
            return this;
        }

        /**
         * Lets lambda fall in the course of training (default: constant).
         *
         * @param schedule lambda's factor at each step
         */
        public Builder optLambdaSchedule(WeightSchedule schedule) {
            lambdaSchedule = Objects.requireNonNull(schedule, "schedule");
            return this;
        }

        /**
         * Measures lambda in place of giving it (default: as given).
         *
         * @param calibration the ratio of gradients that is held
         */
        public Builder optCalibration(Calibration calibration) {
            this.calibration = Objects.requireNonNull(calibration, "calibration");
            return this;
        }

        /**
         * Sets the distance (default: {@link CosineDistance}, the paper's).
         *
         * @param distance the d of the JEPA term
         */
        public Builder optDistance(Distance distance) {
            this.distance = Objects.requireNonNull(distance, "distance");
            return this;
        }

        /**
         * Adds a regularizer (default: none).
         *
         * @param regularizer a penalty on the batch's embeddings
         * @param weight of the penalty beside the mean distance, above 0
         */
        public Builder optRegularizer(Regularizer regularizer, double weight) {
            requireWeight("weight", weight);
            regularizers.add(
                    new WeightedRegularizer(
                            Objects.requireNonNull(regularizer, "regularizer"), weight));
            return this;
        }

        /**
         * Says where the target comes from (default: {@link TargetMode#GRADIENT}, the paper's).
         *
         * @param target with gradient, without, or from a copy of the model
         */
        public Builder optTarget(TargetMode target) {
            this.target = Objects.requireNonNull(target, "target");
            return this;
        }

        /**
         * Sets how slowly an {@link TargetMode#EMA} copy follows the model (default: {@value
         * #DEFAULT_EMA_DECAY}).
         *
         * @param decay the part of its weights that it keeps at each step, from 0 to 1
         */
        public Builder optEmaDecay(double decay) {
            if (!(decay >= 0 && decay <= 1)) {
                throw new IllegalArgumentException("decay must lie in 0..1, not " + decay);
            }
            emaDecay = decay;
            return this;
        }

        /**
         * Leaves the JEPA term out of some steps, which then cost what a plain step costs (section
         * 5.2, LD; default: 0). The paper's rule of thumb is to keep {@code lambda * (1 -
         * lossDropout)}.
         *
         * @param lossDropout the fraction of optimizer steps, from 0 up to but not including 1
         */
        public Builder optLossDropout(double lossDropout) {
            if (!(lossDropout >= 0 && lossDropout < 1)) {
                throw new IllegalArgumentException(
                        "lossDropout must lie in 0..1, 1 excluded, not " + lossDropout);
            }
            this.lossDropout = lossDropout;
            return this;
        }

        /**
         * The objective.
         *
         * @throws IllegalArgumentException if its parts do not go together
         */
        public JepaObjective build() {
            require(
                    gamma > 0 || lambda > 0,
                    "gamma and lambda are both 0: there is nothing to minimize");
            require(
                    gamma > 0 || lossDropout == 0,
                    "gamma is 0: a step that drops the JEPA term would minimize nothing");
            require(
                    calibration == null || gamma > 0 && lambda > 0,
                    "lambda cannot be calibrated where gamma or lambda is 0");
            require(
                    calibration == null || lambdaSchedule == WeightSchedule.CONSTANT,
                    "lambda is calibrated or follows a schedule, not both");
            require(
                    distance.readsViews() || target != TargetMode.EMA,
                    "a distance without a second view has no target to encode by a copy");
            return new JepaObjective(this);
        }

        private static void require(boolean condition, String message) {
            if (!condition) {
                throw new IllegalArgumentException(message);
            }
        }

        private static void requireWeight(String name, double value) {
            require(
                    value >= 0 && !Double.isInfinite(value),
                    name + " must be a number from 0 up, not " + value);
        }
    }
}
