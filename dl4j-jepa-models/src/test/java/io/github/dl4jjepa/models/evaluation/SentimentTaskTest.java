package io.github.dl4jjepa.models.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.models.chat.ChatModel;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SentimentTaskTest {
    private final Task task = Tasks.named("yelp");

    private Task.Outcome outcome(String prediction, double... logProbabilities) {
        return new Task.Outcome(
                prediction,
                true,
                Arrays.stream(logProbabilities)
                        .mapToObj(p -> new ChatModel.Likelihood(p, 1, 0))
                        .toList());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    # gold    | prediction              | exact | starts | label
                    Good      | Good                    | true  | true   | true
                    Good      | Good.                   | false | true   | true
                    Good      | The comment is good     | false | false  | true
                    Good      | Very Good               | false | false  | false
                    Very Good | Very Good               | true  | true   | true
                    Very Good | Good                    | false | false  | false
                    Bad       | Badly done              | false | true   | false
                    Bad       | Good or Bad             | false | false  | false
                    Bad       | ''                      | false | false  | false
                    Bad       | B                       | false | false  | false
                    """)
    void theAnswerMustNameTheRightLabelAndNoOther(
            String gold, String prediction, boolean exact, boolean starts, boolean label) {
        assertThat(
                        task.judge(
                                        Examples.of("review", gold),
                                        outcome(prediction, -1, -1, -1, -1, -1))
                                .facts())
                .containsEntry("exact_match", exact)
                .containsEntry("starts_with", starts)
                .containsEntry("label_match", label);
    }

    @Test
    void theMostProbableLabelIsComparedWhateverWasGenerated() {
        Example example = Examples.of("review", "Mediocre");
        assertThat(task.candidates(example).stream().map(Answers::gold))
                .containsExactly("Very Good", "Good", "Mediocre", "Bad", "Very Bad");
        assertThat(task.judge(example, outcome("Bad", -2, -3, -1, -4, -5)).facts())
                .containsEntry("likelihood_match", true);
        assertThat(task.judge(example, outcome("Mediocre", -1, -3, -2, -4, -5)).facts())
                .containsEntry("likelihood_match", false);
    }

    @Test
    void aRowWithAnotherLabelIsRefused() {
        assertThatThrownBy(
                        () -> Tasks.named("rotten-tomatoes").check(Examples.of("r", "Very Good")))
                .isInstanceOf(JepaException.class)
                .hasMessageStartingWith(
                        "test.jsonl:1: the answer is not one of the labels "
                                + List.of("Good", "Bad"));
    }
}
