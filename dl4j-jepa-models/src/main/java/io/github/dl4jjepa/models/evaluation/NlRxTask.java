package io.github.dl4jjepa.models.evaluation;

import io.github.dl4jjepa.core.view.Example;

/**
 * NL-RX (SYNTH and TURK), from natural language to a regular expression, scored as the authors of
 * LLM-JEPA do: the expression must be equal, character for character, once blanks around it are
 * removed. Another expression that matches the same lines is wrong.
 *
 * <p>{@code starts_with} is the measure of the paper's Table 2, for models that have not learnt to
 * stop; {@code contains} allows text before the expression, too. {@code content_match} is {@code
 * starts_with} for predictions that were cut off at the limit of tokens, and {@code exact_match}
 * for others; so a model that writes the expression and does not know how to stop can be told from
 * one that does not know the expression.
 */
final class NlRxTask implements Task {
    @Override
    public String name() {
        return "nl-rx";
    }

    @Override
    public int maxNewTokens() {
        return 128;
    }

    @Override
    public Task.Judgment judge(Example example, Task.Outcome outcome) {
        String expected = Answers.gold(example).strip();
        String actual = outcome.prediction().strip();
        boolean equal = actual.equals(expected);
        return Task.Judgment.NONE
                .with("exact_match", equal)
                .with("content_match", equal || !outcome.stopped() && actual.startsWith(expected))
                .with("starts_with", actual.startsWith(expected))
                .with("contains", actual.contains(expected))
                .with("stopped", outcome.stopped());
    }
}
