package io.github.dl4jjepa.models.evaluation;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.models.chat.ChatModel;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reviews with labels: Rotten Tomatoes and Yelp.
 *
 * <p>{@code label_match}: the answer names the right label as a word, and no other; {@code Very
 * Good} does not name {@code Good}. {@code likelihood_match}: the right label is the most probable
 * one. {@code starts_with} is the authors' measure.
 */
final class SentimentTask implements Task {
    private final String name;
    private final List<String> labels;
    private final Pattern pattern;

    /**
     * @param name the task's name
     * @param labels all labels
     */
    SentimentTask(String name, List<String> labels) {
        this.name = name;
        this.labels = List.copyOf(labels);
        // Of labels that begin alike the longest one is found.
        List<String> longestFirst = new ArrayList<>(labels);
        longestFirst.sort(Comparator.comparingInt(String::length).reversed());
        pattern =
                Pattern.compile(
                        "(?<![\\p{L}\\p{N}])("
                                + String.join(
                                        "|", longestFirst.stream().map(Pattern::quote).toList())
                                + ")(?![\\p{L}\\p{N}])",
                        Pattern.CASE_INSENSITIVE);
    }

    /** Rotten Tomatoes: good or bad. */
    static SentimentTask rottenTomatoes() {
        return new SentimentTask("rotten-tomatoes", List.of("Good", "Bad"));
    }

    /** Yelp: five grades. */
    static SentimentTask yelp() {
        return new SentimentTask(
                "yelp", List.of("Very Good", "Good", "Mediocre", "Bad", "Very Bad"));
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public int maxNewTokens() {
        return 32;
    }

    @Override
    public void check(Example example) {
        if (!labels.contains(Answers.gold(example).strip())) {
            throw new JepaException(
                    example.source()
                            + ": the answer is not one of the labels "
                            + labels
                            + "; correct the line, or choose another task");
        }
    }

    @Override
    public List<Example> candidates(Example example) {
        return labels.stream().map(label -> Answers.withAnswer(example, label)).toList();
    }

    @Override
    public Task.Judgment judge(Example example, Task.Outcome outcome) {
        String expected = Answers.gold(example).strip();
        String actual = outcome.prediction().strip();
        int best = Answers.best(outcome.likelihoods(), ChatModel.Likelihood::logProbability);
        return Task.Judgment.NONE
                .with("exact_match", actual.equals(expected))
                .with("starts_with", actual.startsWith(expected))
                .with("label_match", named(actual).equals(Set.of(lower(expected))))
                .with("likelihood_match", labels.get(best).equals(expected))
                .with("stopped", outcome.stopped());
    }

    private Set<String> named(String answer) {
        Set<String> named = new TreeSet<>();
        Matcher matcher = pattern.matcher(answer);
        while (matcher.find()) {
            named.add(lower(matcher.group(1)));
        }
        return named;
    }

    private static String lower(String text) {
        return text.toLowerCase(Locale.ROOT);
    }
}
