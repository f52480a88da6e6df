package io.github.dl4jjepa.core.objective;

import java.io.Serializable;

/**
 * The parts of the objective over some batches, as sums, so that those of several micro-batches can
 * be added.
 *
 * @param languageModelSum cross entropy in nats, summed over labeled tokens
 * @param labels how many labeled tokens were summed
 * @param jepaSum distance, summed over pairs
 * @param pairs how many pairs were summed
 */
public record Losses(double languageModelSum, long labels, double jepaSum, long pairs)
        implements Serializable {
    /** Nothing summed yet. */
    public static final Losses NONE = new Losses(0, 0, 0, 0);

    /** The sums of both. */
    public Losses plus(Losses other) {
        return new Losses(
                languageModelSum + other.languageModelSum,
                labels + other.labels,
                jepaSum + other.jepaSum,
                pairs + other.pairs);
    }

    /** Mean cross entropy of a labeled token, in nats. */
    public double languageModel() {
        return languageModelSum / labels;
    }

    /** Mean distance of a pair; NaN where no views were compared. */
    public double jepa() {
        return pairs == 0 ? Double.NaN : jepaSum / pairs;
    }

    /**
     * The objective's value: gamma times the language-model loss plus lambda times the JEPA term.
     */
    public double total(StepRequest.Weights weights) {
        double jepaTerm = pairs == 0 ? 0 : weights.lambda() * jepa();
        return weights.gamma() * languageModel() + jepaTerm;
    }
}
