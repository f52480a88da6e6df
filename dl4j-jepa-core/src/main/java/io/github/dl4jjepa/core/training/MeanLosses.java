package io.github.dl4jjepa.core.training;

import io.github.dl4jjepa.core.objective.Losses;
import io.github.dl4jjepa.core.objective.StepRequest;

/**
 * The losses as they are reported: means over the labels and pairs of a step or of a data set.
 *
 * @param languageModel mean cross entropy of a labeled token, in nats
 * @param jepa mean distance of a pair; NaN where no views were compared
 * @param total the objective's value: gamma times the first plus, where views were compared, lambda
 *     times the second
 */
public record MeanLosses(double languageModel, double jepa, double total) {
    static MeanLosses of(Losses losses, StepRequest.Weights weights) {
        return new MeanLosses(losses.languageModel(), losses.jepa(), losses.total(weights));
    }
}
