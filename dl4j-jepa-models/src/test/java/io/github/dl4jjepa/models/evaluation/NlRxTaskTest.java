package io.github.dl4jjepa.models.evaluation;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NlRxTaskTest {
    private final Task task = Tasks.named("nl-rx");

    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '"',
            textBlock =
                    """
                    # prediction,       stopped, answer,        exact, content, starts, contains
                    .*(dog).*,          true,    .*(dog).*,     true,  true,    true,   true
                    " .*(dog).*\n",     true,    .*(dog).*,     true,  true,    true,   true
                    .*(dog).*,          true,    ".*(dog).* ",  true,  true,    true,   true
                    .*(dog).*,          false,   .*(dog).*,     true,  true,    true,   true
                    .*(dog).*.*,        true,    .*(dog).*,     false, false,   true,   true
                    .*(dog).*.*,        false,   .*(dog).*,     false, true,    true,   true
                    .*(dog),            false,   .*(dog).*,     false, false,   false,  false
                    .*(Dog).*,          true,    .*(dog).*,     false, false,   false,  false
                    "It is .*(dog).*",  true,    .*(dog).*,     false, false,   false,  true
                    "",                 true,    .*(dog).*,     false, false,   false,  false
                    """)
    void countsAnExpressionAsRightOnlyIfEqual(
            String prediction,
            boolean stopped,
            String answer,
            boolean exact,
            boolean content,
            boolean starts,
            boolean contains) {
        assertThat(
                        task.judge(
                                        Examples.of("lines", answer),
                                        new Task.Outcome(prediction, stopped))
                                .facts())
                .isEqualTo(
                        Map.of(
                                "exact_match", exact,
                                "content_match", content,
                                "starts_with", starts,
                                "contains", contains,
                                "stopped", stopped));
    }

    @Test
    void comparesCharactersAndNotTheLinesMatched() {
        assertThat(Examples.judge(task, "\\d.*", "[0-9].*").facts())
                .containsEntry("exact_match", false);
    }
}
