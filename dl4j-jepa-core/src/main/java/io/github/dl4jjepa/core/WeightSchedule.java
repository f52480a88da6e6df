package io.github.dl4jjepa.core;

import io.github.dl4jjepa.core.internal.OptionName;

/**
 * How the learning rate, or another weight, runs over the training, after a linear warm-up from 0:
 * the schedules of Hugging Face's {@code transformers.optimization}, step for step.
 */
public enum WeightSchedule {
    /** Stays at the learning rate: {@code get_constant_schedule_with_warmup}. */
    CONSTANT {
        @Override
        double decay(long step, long steps) {
            return 1;
        }
    },

    /** Falls to 0 in a straight line: {@code get_linear_schedule_with_warmup}. */
    LINEAR {
        @Override
        double decay(long step, long steps) {
            return (double) (steps - step) / Math.max(1, steps);
        }
    },

    /** Falls to 0 along half a cosine: {@code get_cosine_schedule_with_warmup}. */
    COSINE {
        @Override
        double decay(long step, long steps) {
            return 0.5 * (1 + Math.cos(Math.PI * ((double) step / Math.max(1, steps))));
        }
    };

    /** The name as the command line has it: {@code linear}. */
    @Override
    public String toString() {
        return OptionName.of(this);
    }

    /**
     * What the learning rate is multiplied with at an optimizer step.
     *
     * @param step the step, from 0
     * @param warmupSteps steps of warm-up; the factor is 0 at the first of them
     * @param totalSteps steps of the whole training, warm-up included
     * @return a number from 0 to 1
     */
    public double factor(long step, long warmupSteps, long totalSteps) {
        if (step < warmupSteps) {
            return (double) step / warmupSteps;
        }
        return Math.max(0, decay(step - warmupSteps, totalSteps - warmupSteps));
    }

    /**
     * The factor after the warm-up.
     *
     * @param step steps since the warm-up's end
     * @param steps steps from the warm-up's end to the training's
     */
    abstract double decay(long step, long steps);
}
