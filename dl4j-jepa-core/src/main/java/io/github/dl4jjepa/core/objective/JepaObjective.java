package io.github.dl4jjepa.core.objective;

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
 */
public record JepaObjective(double gamma, double lambda, Distance distance) {
    public JepaObjective {
        Objects.requireNonNull(distance, "distance");
        requireWeight("gamma", gamma);
        requireWeight("lambda", lambda);
        if (gamma == 0 && lambda == 0) {
            throw new IllegalArgumentException(
                    "gamma and lambda are both 0: there is nothing to minimise");
        }
    }

    /**
     * The paper's objective: gamma = 1 and the cosine distance.
     *
     * @param lambda weight of the JEPA term; 0 for plain fine-tuning
     */
    public static JepaObjective cosine(double lambda) {
        return new JepaObjective(1, lambda, new CosineDistance());
    }

    /** Whether the objective looks at the views. */
    public boolean comparesViews() {
        return lambda > 0;
    }

    private static void requireWeight(String name, double value) {
        if (!(value >= 0) || Double.isInfinite(value)) {
            throw new IllegalArgumentException(name + " must be a number from 0 up, not " + value);
        }
    }
}
