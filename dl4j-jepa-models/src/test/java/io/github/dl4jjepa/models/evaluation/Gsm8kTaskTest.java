package io.github.dl4jjepa.models.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jjepa.core.JepaException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class Gsm8kTaskTest {
    private final Task task = Tasks.named("gsm8k");

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    # gold  | prediction               | right
                    1000    | #### 1,000.00            | true
                    1,000   | #### 1000                | true
                    -3      | #### -3                  | true
                    3       | #### -3                  | false
                    -3      | #### 3                   | false
                    -3      | #### \u22123             | true
                    18      | #### $18                 | true
                    -18     | #### -$18                | true
                    -18     | #### $-18                | true
                    18      | #### 18.                 | true
                    18      | ####18                   | true
                    18      | #### 18 dollars          | true
                    15      | #### 1.5                 | false
                    0.50    | #### .5                  | true
                    18      | #### 180                 | false
                    18      | #### about 18            | false
                    18      | The answer is 18         | false
                    18      | #### 17 #### 18          | false
                    18      | ''                       | false
                    18      | e                        | false
                    0       | ####                     | false
                    18      | #### \u0661\u0668        | false
                    """)
    void theNumberAfterTheMarkMustBeEqualHoweverItIsWritten(
            String gold, String prediction, boolean right) {
        assertThat(Examples.judge(task, "Steps.\n#### " + gold, prediction).facts())
                .containsEntry("exact_match", right);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    16 - 3 - 4 = 9, so 9 * 2 = 18.   | true
                    **18**                           | true
                    18 eggs of 20                    | false
                    no number                        | false
                    5-18                             | false
                    """)
    void theLastNumberIsComparedApart(String prediction, boolean right) {
        assertThat(Examples.judge(task, "#### 18", prediction).facts())
                .containsEntry("last_number_match", right)
                .containsEntry("exact_match", false)
                .containsEntry("answered", false);
    }

    @Test
    void aRowWithoutANumberIsRefused() {
        assertThatThrownBy(() -> task.check(Examples.of("How many?", "eighteen")))
                .isInstanceOf(JepaException.class)
                .hasMessageStartingWith("test.jsonl:1: the answer has no number after ####");
    }

    /** B2 of the authors' faults: 22 % of the right answers are longer than their 128 tokens. */
    @Test
    void answersMayBeAsLongAsTheRightOnes() {
        assertThat(task.maxNewTokens()).isEqualTo(512);
    }
}
