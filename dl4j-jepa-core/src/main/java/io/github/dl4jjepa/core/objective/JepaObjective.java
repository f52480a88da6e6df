package io.github.dl4jjepa.core.objective;

import io.github.dl4jjepa.core.SeededRandom;
import java.util.Objects;

/**
 * What is minimised: {@code L = gamma * L_LM + lambda * d(Pred(Enc(Text)), Enc(Code))} (LLM-JEPA,
 * arXiv 2509.14252, equation 2).
 *
 * <p>L_LM is the mean cross entropy over labelled tokens, the JEPA term the mean distance over
 * pairs. Gradients flow into both views. With lambda = 0 the views are not encoded at all: plain
 * fine-tuning at its plain cost.
 *
 * @param gamma weight of the language-model loss; the paper's is 1
 * @param lambda weight of the JEPA term; the paper searches 0.5, 1, 2 and 4
 * @param distance the d of the JEPA term
 * @param lossDropout the fraction of optimiser steps, from 0 up to but not including 1, that leave
 *     the JEPA term out and cost what a plain step costs (section 5.2, LD); the paper's rule of
 *     thumb is to keep {@code lambda * (1 - lossDropout)}
 */
public record JepaObjective(double gamma, double lambda, Distance distance, double lossDropout) {
    public JepaObjective {
        Objects.requireNonNull(distance, "distance");
        requireWeight("gamma", gamma);
        requireWeight("lambda", lambda);
        if (gamma == 0 && lambda == 0) {
            throw new IllegalArgumentException(
                    "gamma and lambda are both 0: there is nothing to minimise");
        }
        if (!(lossDropout >= 0 && lossDropout < 1)) {
            throw new IllegalArgumentException(
                    "lossDropout must lie in 0..1, 1 excluded, not " + lossDropout);
        }
        if (gamma == 0 && lossDropout > 0) {
            throw new IllegalArgumentException(
                    "gamma is 0: a step that drops the JEPA term would minimise nothing");
        }
    }

    /**
     * The paper's objective: gamma = 1, the cosine distance and no loss dropout.
     *
     * @param lambda weight of the JEPA term; 0 for plain fine-tuning
     */
    public static JepaObjective cosine(double lambda) {
        return new JepaObjective(1, lambda, new CosineDistance(), 0);
    }

    /** Whether the objective looks at the views. */
    public boolean comparesViews() {
        return lambda > 0;
    }

    /**
     * Whether an optimiser step looks at the views, or drops the JEPA term.
     *
     * @param seed decides, with the step alone, which steps do
     * @param step the step, from 1
     */
    public boolean comparesViews(long seed, long step) {
        return comparesViews()
                && (lossDropout == 0
                        || SeededRandom.of(seed, SeededRandom.Use.LOSS_DROPOUT, step).nextDouble()
                                >= lossDropout);
    }

    private static void requireWeight(String name, double value) {
        if (!(value >= 0) || Double.isInfinite(value)) {
            throw new IllegalArgumentException(name + " must be a number from 0 up, not " + value);
        }
    }
}
