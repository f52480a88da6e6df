package io.github.dl4jjepa.models.evaluation;

import static org.assertj.core.api.Assertions.assertThat;

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
                    # prediction,       stopped, answer,        exact, content
                    .*(dog).*,          true,    .*(dog).*,     true,  true
                    " .*(dog).*\n",     true,    .*(dog).*,     true,  true
                    .*(dog).*,          true,    ".*(dog).* ",  true,  true
                    .*(dog).*,          false,   .*(dog).*,     true,  true
                    .*(dog).*.*,        true,    .*(dog).*,     false, false
                    .*(dog).*.*,        false,   .*(dog).*,     false, true
                    .*(dog),            false,   .*(dog).*,     false, false
                    .*(Dog).*,          true,    .*(dog).*,     false, false
                    "",                 true,    .*(dog).*,     false, false
                    """)
    void countsAnExpressionAsRightOnlyIfEqual(
            String prediction, boolean stopped, String answer, boolean exact, boolean content) {
        assertThat(task.judge(prediction, stopped, answer))
                .isEqualTo(new Judgment(exact, content, stopped));
    }

    @Test
    void comparesCharactersAndNotTheLinesMatched() {
        assertThat(task.judge("[0-9].*", true, "\\d.*").exactMatch()).isFalse();
    }
}
