package io.github.dl4jjepa.models.evaluation;

/**
 * NL-RX (SYNTH and TURK), from natural language to a regular expression, scored as the authors of
 * LLM-JEPA do: the expression must be equal, character for character, once blanks around it are
 * removed. Another expression that matches the same lines is wrong.
 *
 * <p>A prediction that was cut off at the limit of tokens has the right content if it begins with
 * the answer; so a model that writes the expression and does not know how to stop can be told from
 * one that does not know the expression.
 */
public final class NlRxTask implements Task {
    @Override
    public String name() {
        return "nl-rx";
    }

    @Override
    public Judgment judge(String prediction, boolean stopped, String answer) {
        String expected = answer.strip();
        String actual = prediction.strip();
        boolean equal = actual.equals(expected);
        return new Judgment(equal, equal || !stopped && actual.startsWith(expected), stopped);
    }
}
