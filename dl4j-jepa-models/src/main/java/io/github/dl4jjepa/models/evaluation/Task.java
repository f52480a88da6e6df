package io.github.dl4jjepa.models.evaluation;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.iterator.ExampleFile;
import io.github.dl4jjepa.core.iterator.ExampleSource;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.models.chat.ChatModel;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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

    /**
     * What a task finds out about one outcome, by the names of its metrics.
     *
     * <p>Immutable; instances may be shared between threads.
     *
     * @param facts what is true or false of the outcome; {@link Score} reports the share of true
     *     ones
     * @param measures other numbers; {@link Score} reports their mean
     */
    public record Judgment(Map<String, Boolean> facts, Map<String, Measure> measures) {
        /** Nothing found out yet. */
        public static final Judgment NONE = new Judgment(Map.of(), Map.of());

        public Judgment {
            facts = Collections.unmodifiableMap(new LinkedHashMap<>(facts));
            measures = Collections.unmodifiableMap(new LinkedHashMap<>(measures));
        }

        /** This judgment and one more fact. */
        public Judgment with(String metric, boolean fact) {
            Map<String, Boolean> more = new LinkedHashMap<>(facts);
            more.put(metric, fact);
            return new Judgment(more, measures);
        }

        /** This judgment and one more measure. */
        public Judgment with(String metric, Measure measure) {
            Map<String, Measure> more = new LinkedHashMap<>(measures);
            more.put(metric, measure);
            return new Judgment(facts, more);
        }
    }

    /**
     * A sum, and what it is divided by for a mean.
     *
     * @param sum the sum, such as the loss of all tokens
     * @param weight the number of things added, such as tokens
     */
    public record Measure(double sum, double weight) {
        /** Both of two measures together. */
        public Measure plus(Measure other) {
            return new Measure(sum + other.sum, weight + other.weight);
        }

        /** The mean; NaN where the weight is 0. */
        public double mean() {
            return sum / weight;
        }
    }

    /**
     * What a model makes of one example.
     *
     * @param prediction the generated answer, without the end-of-turn token; empty if the task
     *     generates nothing
     * @param stopped whether generation ended by itself, not at the limit of tokens
     * @param likelihoods how probable the task's candidates are, in their order
     */
    public record Outcome(
            String prediction, boolean stopped, List<ChatModel.Likelihood> likelihoods)
            implements Serializable {
        public Outcome {
            likelihoods = List.copyOf(likelihoods);
        }

        /** The outcome of a task without candidates. */
        public Outcome(String prediction, boolean stopped) {
            this(prediction, stopped, List.of());
        }
    }
}
