package io.github.dl4jjepa.core.training;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

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
    default void onSamples(Samples samples) {}

    /** A checkpoint was written. */
    default void onCheckpoint(TrainerState state) {}

    /** The training is done. Not called when an exception ends it. */
    default void onEnd(TrainingSummary summary) {}

    /**
     * What a model under training answers.
     *
     * @param step the step whose weights it has
     * @param scores of all answers, by the names of the task's metrics
     * @param answers some of the answers, to be looked at
     */
    record Samples(long step, Map<String, Double> scores, List<Answer> answers) {
        public Samples {
            scores = Collections.unmodifiableMap(new LinkedHashMap<>(scores));
            answers = List.copyOf(answers);
        }

        /**
         * An answer.
         *
         * @param question what was asked
         * @param answer what was generated
         * @param expected the right answer
         */
        public record Answer(String question, String answer, String expected) {}
    }
}
