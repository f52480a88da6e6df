package io.github.dl4jjepa.models.evaluation;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.iterator.ExampleFile;
import io.github.dl4jjepa.core.iterator.ExampleSource;
import io.github.dl4jjepa.core.view.Example;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * A data set's questions, and how the answers to them are judged.
 *
 * <p>{@link Tasks} finds implementations by {@link java.util.ServiceLoader}: name yours in {@code
 * META-INF/services/io.github.dl4jjepa.models.evaluation.Task}. An implementation is immutable and
 * may be shared between threads.
 */
public interface Task {
    /** The name that the command line knows the task by. */
    String name();

    /**
     * The questions of a file, each with the right answer as its last turn, and with its views.
     *
     * @param data a file of any {@link io.github.dl4jjepa.core.iterator.ExampleFormat}, unless the
     *     task reads another
     */
    default ExampleSource examples(Path data) {
        return new ExampleFile(data);
    }

    /**
     * Checks that an example can be judged. Called for each example before anything is generated.
     *
     * @throws JepaException if it cannot; the message names {@link Example#source()}
     */
    default void check(Example example) {}

    /**
     * The largest number of tokens of an answer; 0 if the task generates none, but compares {@link
     * #candidates} only.
     */
    int maxNewTokens();

    /** Texts that end an answer besides the model's own end of turn; none by default. */
    default List<String> stopStrings() {
        return List.of();
    }

    /**
     * Answers whose likelihood the task looks at; none by default.
     *
     * @param example a question with the right answer
     * @return conversations that end with an answer each
     */
    default List<Example> candidates(Example example) {
        return List.of();
    }

    /**
     * Judges what a model makes of an example.
     *
     * @param example a question with the right answer
     * @param outcome the generated answer, and the likelihoods of {@link #candidates}
     * @return a judgment with the same metrics for each example
     */
    Judgment judge(Example example, Outcome outcome);

    /** What a reader of the result must know; empty by default. */
    default Optional<String> note() {
        return Optional.empty();
    }
}
