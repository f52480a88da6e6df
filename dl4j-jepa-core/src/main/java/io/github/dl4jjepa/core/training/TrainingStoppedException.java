package io.github.dl4jjepa.core.training;

import io.github.dl4jjepa.core.JepaException;

/**
 * A training was asked to stop, and did so after a step, whose checkpoint is written. Resumed, it
 * ends as if it had not been stopped.
 */
public final class TrainingStoppedException extends JepaException {
    private static final long serialVersionUID = 1L;

    TrainingStoppedException(long step, long totalSteps) {
        super(
                "the training was stopped after step "
                        + step
                        + " of "
                        + totalSteps
                        + "; resume it to continue");
    }
}
