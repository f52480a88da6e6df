package io.github.dl4jjepa.core.objective;

import io.github.dl4jjepa.core.internal.SeededRandom;
import io.github.dl4jjepa.core.iterator.MultiViewBatch;
import java.io.Serializable;
import java.util.List;
import java.util.Objects;
import java.util.Random;

/**
 * An optimizer step, or a part of one, whose gradient is to be computed.
 *
 * @param batches the micro-batches, all with views or all without; the arrays stay the caller's
 * @param weights gamma and lambda; with lambda = 0 there is no JEPA term
 * @param totals labels and pairs of the whole step: those of {@code batches} where these are all of
 *     it, more where they are a part
 * @param seed decides what is drawn at random; the same for all parts of a step
 */
public record StepRequest(List<MultiViewBatch> batches, Weights weights, Totals totals, Seed seed) {
    public StepRequest {
        batches = List.copyOf(batches);
        Objects.requireNonNull(weights, "weights");
        Objects.requireNonNull(totals, "totals");
        Objects.requireNonNull(seed, "seed");
    }

    /**
     * The number of labels and pairs of a whole optimizer step. Its losses are means over them, so
     * whoever computes a part of the step needs them to weigh that part.
     *
     * @param labels labeled tokens of all batches
     * @param pairs pairs that the JEPA term compares in all batches
     */
    public record Totals(long labels, long pairs) implements Serializable {
        public Totals {
            if (labels < 0 || pairs < 0) {
                throw new IllegalArgumentException(
                        "totals must be 0 or more, not "
                                + labels
                                + " labels and "
                                + pairs
                                + " pairs");
            }
        }

        /** The totals of both parts of a step. */
        public Totals plus(Totals other) {
            return new Totals(labels + other.labels, pairs + other.pairs);
        }
    }

    /**
     * What a step draws at random depends on these two alone.
     *
     * @param seed the run's
     * @param step the step, from 1; 0 for an evaluation
     */
    public record Seed(long seed, long step) implements Serializable {
        /** That of evaluations, which are to be compared with each other. */
        static final Seed EVALUATION = new Seed(0, 0);

        Random random(SeededRandom.Use use) {
            return SeededRandom.of(seed, use, step);
        }
    }

    /**
     * The weights of an optimizer step's two losses.
     *
     * @param gamma of the mean cross entropy of a label
     * @param lambda of the JEPA term; 0 leaves it out, and with it its cost
     */
    public record Weights(double gamma, double lambda) implements Serializable {}
}
