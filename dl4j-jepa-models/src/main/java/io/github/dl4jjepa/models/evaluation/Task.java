package io.github.dl4jjepa.models.evaluation;

/** A data set's way to judge a generated answer. */
public interface Task {
    /** The name that the command line knows the task by. */
    String name();

    /**
     * Judges one generated answer.
     *
     * @param prediction what was generated, without the end-of-turn token
     * @param stopped whether generation ended with the end-of-turn token, not at the limit of
     *     tokens
     * @param answer the answer of the data set
     */
    Judgment judge(String prediction, boolean stopped, String answer);
}
