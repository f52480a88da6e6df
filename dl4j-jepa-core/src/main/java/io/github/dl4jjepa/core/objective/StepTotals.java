package io.github.dl4jjepa.core.objective;

import java.io.Serializable;

/**
 * The number of labels and pairs of a whole optimizer step. Its losses are means over them, so
 * whoever computes a part of the step needs them to weigh that part.
 *
 * @param labels labeled tokens of all batches
 * @param pairs pairs that the JEPA term compares in all batches
 */
public record StepTotals(long labels, long pairs) implements Serializable {
    public StepTotals {
        if (labels < 0 || pairs < 0) {
            throw new IllegalArgumentException(
                    "totals must be 0 or more, not " + labels + " labels and " + pairs + " pairs");
        }
    }

    /** The totals of both parts of a step. */
    public StepTotals plus(StepTotals other) {
        return new StepTotals(labels + other.labels, pairs + other.pairs);
    }
}
