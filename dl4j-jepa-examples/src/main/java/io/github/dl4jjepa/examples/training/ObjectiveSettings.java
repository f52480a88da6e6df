package io.github.dl4jjepa.examples.training;

import io.github.dl4jjepa.core.WeightSchedule;
import io.github.dl4jjepa.core.objective.Calibration;
import io.github.dl4jjepa.core.objective.DistanceKind;
import io.github.dl4jjepa.core.objective.InfoNce;
import io.github.dl4jjepa.core.objective.JepaObjective;
import io.github.dl4jjepa.core.objective.RegularizerKind;
import io.github.dl4jjepa.core.objective.TargetMode;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * What is minimised, by names.
 *
 * @param gamma weight of the language-model loss
 * @param lambda weight of the JEPA term
 * @param lambdaSchedule how lambda runs over the training
 * @param lambdaRatio the ratio of gradients that lambda is calibrated to; 0 to take lambda as given
 * @param lambdaEvery steps from one calibration to the next
 * @param lossDropout the fraction of steps that drop the JEPA term
 * @param distance the d of the JEPA term
 * @param temperature of distances that have one
 * @param target where the target comes from
 * @param emaDecay how much of itself an averaged copy of the model keeps at each step
 * @param regularizers what is added to the distance, with its weight
 */
public record ObjectiveSettings(
        double gamma,
        double lambda,
        WeightSchedule lambdaSchedule,
        double lambdaRatio,
        int lambdaEvery,
        double lossDropout,
        DistanceKind distance,
        double temperature,
        TargetMode target,
        double emaDecay,
        Map<RegularizerKind, Double> regularizers) {
    /** Steps from one calibration to the next, unless said otherwise. */
    public static final int DEFAULT_LAMBDA_EVERY = 100;

    public ObjectiveSettings {
        regularizers = Collections.unmodifiableMap(new TreeMap<>(regularizers));
    }

    /**
     * The paper's objective.
     *
     * @param lambda weight of the JEPA term
     */
    public static ObjectiveSettings cosine(double lambda) {
        return of(DistanceKind.COSINE, lambda, InfoNce.DEFAULT_TEMPERATURE, 0);
    }

    /**
     * Another distance, all else the paper's.
     *
     * @param distance the d of the JEPA term
     * @param lambda weight of the JEPA term
     * @param temperature of distances that have one
     * @param lossDropout the fraction of steps that drop the JEPA term
     */
    public static ObjectiveSettings of(
            DistanceKind distance, double lambda, double temperature, double lossDropout) {
        return new ObjectiveSettings(
                1,
                lambda,
                WeightSchedule.CONSTANT,
                0,
                DEFAULT_LAMBDA_EVERY,
                lossDropout,
                distance,
                temperature,
                TargetMode.GRADIENT,
                JepaObjective.DEFAULT_EMA_DECAY,
                Map.of());
    }

    /**
     * The objective.
     *
     * @throws IllegalArgumentException if a setting is out of its range, or does not go with
     *     another
     */
    public JepaObjective objective() {
        JepaObjective.Builder builder =
                JepaObjective.builder()
                        .optGamma(gamma)
                        .optLambda(lambda)
                        .optLambdaSchedule(lambdaSchedule)
                        .optLossDropout(lossDropout)
                        .optDistance(distance.of(temperature))
                        .optTarget(target)
                        .optEmaDecay(emaDecay);
        if (lambdaRatio != 0) {
            builder.optCalibration(new Calibration(lambdaRatio, lambdaEvery));
        }
        regularizers.forEach((kind, weight) -> builder.optRegularizer(kind.regularizer(), weight));
        return builder.build();
    }
}
