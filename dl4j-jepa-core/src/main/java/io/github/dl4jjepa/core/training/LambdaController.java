package io.github.dl4jjepa.core.training;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.objective.Calibration;
import io.github.dl4jjepa.core.objective.GradientSource;
import io.github.dl4jjepa.core.objective.JepaObjective;
import io.github.dl4jjepa.core.objective.Losses;
import io.github.dl4jjepa.core.objective.StepRequest;
import io.github.dl4jjepa.core.parameters.Parameter;
import io.github.dl4jjepa.core.parameters.ParameterSet;
import java.util.Set;

/** The weight of the JEPA term from step to step: fixed, scheduled, dropped or calibrated. */
final class LambdaController {
    private final GradientSource source;
    private final JepaObjective objective;
    private final long seed;

    /**
     * @param seed decides which steps drop the JEPA term
     */
    LambdaController(GradientSource source, long seed) {
        this.source = source;
        this.objective = source.objective();
        this.seed = seed;
    }

    /** The losses of a step, and the lambda that makes its gradients the ones asked for. */
    record CalibratedLosses(Losses losses, double lambda) {}

    /** Whether a step has the JEPA term. */
    boolean hasJepaTerm(long step) {
        return objective.hasJepaTerm(seed, step);
    }

    /**
     * Lambda at the step after a state, unless that step calibrates it.
     *
     * @param totalSteps steps of the whole training
     */
    double lambda(TrainerState state, long totalSteps) {
        long step = state.step() + 1;
        if (!hasJepaTerm(step)) {
            return 0;
        }
        return objective.calibration().isPresent()
                ? state.lambda()
                : objective.lambda(step, totalSteps);
    }

    /** Whether the step after a state measures lambda. */
    boolean calibrates(TrainerState state) {
        return hasJepaTerm(state.step() + 1)
                && objective
                        .calibration()
                        .filter(
                                calibration ->
                                        state.lambda() == 0
                                                || state.step() % calibration.every() == 0)
                        .isPresent();
    }

    /**
     * Computes the gradients of a step, and lambda by those of the layers.
     *
     * @param step the step's batches; its weights are not used
     * @param gradients the step's are added to them
     * @throws JepaException if the JEPA term has no gradient on the layers
     */
    CalibratedLosses calibrate(StepRequest step, Gradients gradients) {
        ParameterSet trained = source.parameters().trainable();
        Set<String> layers = trained.of(Parameter.Group.LAYER, Parameter.Group.ADAPTER).names();
        source.accumulate(weighted(step, objective.gamma(), 0), gradients);
        try (Gradients jepaGradients = new Gradients(trained.arrays())) {
            Losses losses = source.accumulate(weighted(step, 0, 1), jepaGradients);
            double jepaNorm = jepaGradients.norm(layers::contains);
            if (jepaNorm == 0) {
                throw new JepaException(
                        "Step "
                                + step.seed().step()
                                + ": the JEPA term has no gradient on the decoder's layers, so"
                                + " lambda cannot be calibrated by it; give lambda, or pairs of"
                                + " views that differ");
            }
            double lambda =
                    objective.calibration().map(Calibration::ratio).orElseThrow()
                            * gradients.norm(layers::contains)
                            / jepaNorm;
            gradients.addScaled(jepaGradients, lambda);
            return new CalibratedLosses(losses, lambda);
        }
    }

    private static StepRequest weighted(StepRequest step, double gamma, double lambda) {
        return new StepRequest(
                step.batches(), new StepRequest.Weights(gamma, lambda), step.totals(), step.seed());
    }
}
