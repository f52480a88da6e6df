package io.github.dl4jjepa.models.evaluation;

import io.github.dl4jjepa.models.chat.Likelihood;
import java.util.List;

/**
 * What a model makes of one example.
 *
 * @param prediction the generated answer, without the end-of-turn token; empty if the task
 *     generates nothing
 * @param stopped whether generation ended by itself, not at the limit of tokens
 * @param likelihoods how probable the task's candidates are, in their order
 */
public record Outcome(String prediction, boolean stopped, List<Likelihood> likelihoods) {
    public Outcome {
        likelihoods = List.copyOf(likelihoods);
    }

    /** The outcome of a task without candidates. */
    public Outcome(String prediction, boolean stopped) {
        this(prediction, stopped, List.of());
    }
}
