package io.github.dl4jjepa.core.training;

/** Follows a training: a progress bar, a metrics file. */
public interface TrainerListener {
    /**
     * The training begins or goes on.
     *
     * @param totalSteps optimizer steps of the whole training, those before a resumption included
     * @param state where it begins: {@link TrainerState#START} or the checkpoint's state
     */
    default void onStart(long totalSteps, TrainerState state) {}

    /** An optimizer step was taken; its checkpoint, if there is to be one, is not yet written. */
    default void onStep(StepMetrics metrics) {}

    /** Questions were answered with the weights after the last step. */
    default void onSamples(GeneratedSamples samples) {}

    /** A checkpoint was written. */
    default void onCheckpoint(TrainerState state) {}

    /** The training is done. Not called when an exception ends it. */
    default void onEnd(TrainingSummary summary) {}
}
