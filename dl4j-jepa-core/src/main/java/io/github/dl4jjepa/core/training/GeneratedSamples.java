package io.github.dl4jjepa.core.training;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a model under training answers.
 *
 * @param step the step whose weights it has
 * @param scores of all answers, by the names of the task's metrics
 * @param answers some of the answers, to be looked at
 */
public record GeneratedSamples(long step, Map<String, Double> scores, List<Answer> answers) {
    public GeneratedSamples {
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
