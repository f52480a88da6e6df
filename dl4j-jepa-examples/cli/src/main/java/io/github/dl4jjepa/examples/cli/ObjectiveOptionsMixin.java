package io.github.dl4jjepa.examples.cli;

import io.github.dl4jjepa.core.WeightSchedule;
import io.github.dl4jjepa.core.objective.Calibration;
import io.github.dl4jjepa.core.objective.DistanceKind;
import io.github.dl4jjepa.core.objective.JepaObjective;
import io.github.dl4jjepa.core.objective.RegularizerKind;
import io.github.dl4jjepa.core.objective.TargetMode;
import java.util.Map;
import java.util.Objects;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** What is minimized. */
final class ObjectiveOptionsMixin {
    private static final JepaObjective DEFAULTS = JepaObjective.builder().build();
    private static final Map<String, Object> SETTINGS = DEFAULTS.settings();

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    @Option(
            names = "--lambda",
            paramLabel = "X",
            description = "Weight of the JEPA term; 0 for plain training.")
    private double lambda = DEFAULTS.lambda();

    @Option(
            names = "--lambda-schedule",
            paramLabel = "NAME",
            description = "How lambda falls: ${COMPLETION-CANDIDATES}.")
    private WeightSchedule lambdaSchedule = DEFAULTS.lambdaSchedule();

    @Option(
            names = "--lambda-ratio",
            paramLabel = "X",
            description =
                    "Measure lambda, in place of --lambda: the JEPA term's gradient on the layers is"
                            + " to be this many times as long as the language model's. 0 to take"
                            + " --lambda as it is.")
    private double lambdaRatio = (double) setting("lambda_ratio");

    @Option(
            names = "--lambda-every",
            paramLabel = "N",
            description = "Steps from one measurement of --lambda-ratio to the next.")
    private int lambdaEvery = (int) setting("lambda_every");

    @Option(names = "--gamma", paramLabel = "X", description = "Weight of the language-model loss.")
    private double gamma = DEFAULTS.gamma();

    @Option(
            names = "--loss-dropout",
            paramLabel = "F",
            description =
                    "Leave the JEPA term out of this part of the steps, which then cost less.")
    private double lossDropout = DEFAULTS.lossDropout();

    @Option(
            names = "--distance",
            paramLabel = "NAME",
            description =
                    "What the JEPA term measures: ${COMPLETION-CANDIDATES}. The first is the"
                            + " paper's; semantic-tube compares no views.")
    private DistanceKind distance = DistanceKind.valueOf(setting("distance").toString());

    @Option(
            names = "--temperature",
            paramLabel = "X",
            description = "What the info-nce distances divide cosines by.")
    private double temperature = (double) setting("temperature");

    @Option(
            names = "--target",
            paramLabel = "NAME",
            description =
                    "Where the target comes from: ${COMPLETION-CANDIDATES}. ema is a copy of the"
                            + " model that follows it.")
    private TargetMode target = DEFAULTS.target();

    @Option(
            names = "--ema-decay",
            paramLabel = "F",
            description = "The part of its weights that the ema copy keeps at each step.")
    private double emaDecay = DEFAULTS.emaDecay();

    @Option(
            names = "--regularizer",
            paramLabel = "NAME=WEIGHT",
            description =
                    "Add a penalty on each view's embeddings to the distance: sigreg or vicreg. May"
                            + " be given for both.")
    private Map<RegularizerKind, Double> regularizers = Map.of();

    /**
     * The objective.
     *
     * @throws ParameterException if an option is out of its range, or does not go with another
     */
    JepaObjective objective() {
        try {
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
            regularizers.forEach(
                    (kind, weight) -> builder.optRegularizer(kind.regularizer(), weight));
            return builder.build();
        } catch (IllegalArgumentException e) {
            throw new ParameterException(command.commandLine(), e.getMessage(), e);
        }
    }

    private static Object setting(String name) {
        return Objects.requireNonNull(SETTINGS.get(name), name);
    }
}
