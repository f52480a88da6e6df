package io.github.dl4jjepa.core.objective;

/**
 * Lambda as the ratio of gradients: every so many steps lambda is set such that the JEPA term's
 * gradient on the decoder's layers is {@code ratio} times as long as the language model's. The step
 * that measures costs one backward pass more, and one more array per weight while it lasts.
 *
 * @param ratio the gradient norm of lambda times the JEPA term, divided by that of gamma times the
 *     language-model loss
 * @param every steps from one measurement to the next
 */
public record Calibration(double ratio, int every) {
    /** Steps from one measurement to the next, unless said otherwise. */
    public static final int DEFAULT_EVERY = 100;

    public Calibration {
        if (!(ratio > 0) || Double.isInfinite(ratio)) {
            throw new IllegalArgumentException("ratio must be above 0, not " + ratio);
        }
        if (every < 1) {
            throw new IllegalArgumentException("every must be 1 step or more, not " + every);
        }
    }
}
