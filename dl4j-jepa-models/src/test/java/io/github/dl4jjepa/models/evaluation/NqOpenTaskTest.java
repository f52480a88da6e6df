package io.github.dl4jjepa.models.evaluation;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class NqOpenTaskTest {
    private final Task task = Tasks.named("nq-open");

    /** B4 of the authors' faults: a part of the right answer counted as right. */
    @ParameterizedTest
    @ValueSource(strings = {"", " ", "e", ".", "the", "York", "ew Yor"})
    void aPartOfTheRightAnswerIsWrong(String prediction) {
        assertThat(Examples.judge(task, "New York", prediction).facts())
                .containsEntry("exact_match", false)
                .containsEntry("gold_in_answer", false);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    # gold                              | prediction                      | exact | in answer
                    New York                            | New York                        | true  | true
                    New York                            | the new york.                   | true  | true
                    New York                            | It is New York City             | false | true
                    Nine                                | Nineteen                        | false | false
                    9                                   | 1999                            | false | false
                    6 geese a-laying; maids a-milking   | Maids a-milking!                | true  | true
                    759; 527                            | 527                             | true  | true
                    November 16, 2018;November\u00a016,\u00a02018 | November 16 2018      | true  | true
                    October\u00a029,\u00a01993          | October 29, 1993                | true  | true
                    Beyonc\u00e9                        | Beyonce\u0301                   | true  | true
                    Beyonc\u00e9                        | Beyonce                         | false | false
                    Der Stra\u00dfenfeger               | der stra\u00dfenfeger           | true  | true
                    The The                             | The The                         | true  | true
                    A                                   | A                               | true  | true
                    \u6771\u4eac                        | \u6771\u4eac                    | true  | true
                    """)
    void anyRightAnswerCountsInAnyCaseAndWithOrWithoutArticles(
            String gold, String prediction, boolean exact, boolean inAnswer) {
        assertThat(Examples.judge(task, gold, prediction).facts())
                .containsEntry("exact_match", exact)
                .containsEntry("gold_in_answer", inAnswer);
    }
}
