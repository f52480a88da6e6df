package io.github.dl4jjepa.core.objective;

import io.github.dl4jjepa.core.internal.SeededRandom;
import java.io.Serializable;
import java.util.Random;

/**
 * What a step draws at random depends on these two alone.
 *
 * @param seed the run's
 * @param step the step, from 1; 0 for an evaluation
 */
public record StepSeed(long seed, long step) implements Serializable {
    /** That of evaluations, which are to be compared with each other. */
    static final StepSeed EVALUATION = new StepSeed(0, 0);

    Random random(SeededRandom.Use use) {
        return SeededRandom.of(seed, use, step);
    }
}
