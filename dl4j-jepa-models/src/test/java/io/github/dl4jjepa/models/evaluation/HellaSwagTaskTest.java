package io.github.dl4jjepa.models.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.models.chat.ChatModel;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HellaSwagTaskTest {
    private final Task task = Tasks.named("hellaswag");
    private final Example example =
            Examples.of("Take\nstock.\nA) one\nB) two words\nC) three\nD) four", "B");

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    B                          | B
                    B)                         | B
                    (B) two words              | B
                    B.                         | B
                    B) two; not C              | B
                    The best ending is B.      | B
                    B is the best ending       | B
                    A is the best ending       | A
                    Answer: D                  | D
                    A good one is C            | C
                    Either A or B              | ''
                    b                          | ''
                    Because                    | ''
                    ''                         | ''
                    """)
    void findsTheLetterOfAnAnswer(String answer, String letter) {
        assertThat(HellaSwagTask.letter(answer)).isEqualTo(letter);
    }

    @Test
    void comparesLettersUnderTheWholePromptAndEndingsUnderTheContext() {
        List<Example> candidates = task.candidates(example);
        assertThat(candidates.stream().map(Answers::gold))
                .containsExactly("A", "B", "C", "D", "one", "two words", "three", "four");
        assertThat(candidates.subList(0, 4))
                .allMatch(c -> Answers.question(c).equals(Answers.question(example)));
        assertThat(candidates.subList(4, 8))
                .allMatch(c -> Answers.question(c).equals("Take\nstock."));
    }

    @Test
    void anEndingMayBeTheMostProbableOneAsAWholeOrByItsTokens() {
        List<ChatModel.Likelihood> likelihoods = new ArrayList<>();
        for (double letter : new double[] {-3, -1, -2, -4}) {
            likelihoods.add(new ChatModel.Likelihood(letter, 1, -9));
        }
        likelihoods.add(new ChatModel.Likelihood(-5, 1, -9));
        likelihoods.add(new ChatModel.Likelihood(-6, 4, -9));
        likelihoods.add(new ChatModel.Likelihood(-7, 1, -9));
        likelihoods.add(new ChatModel.Likelihood(-8, 1, -9));

        assertThat(task.judge(example, new Task.Outcome("C", true, likelihoods)).facts())
                .containsEntry("letter_match", false)
                .containsEntry("letter_likelihood_match", true)
                .containsEntry("ending_likelihood_match", false)
                .containsEntry("ending_likelihood_per_token_match", true);
    }

    @Test
    void aPromptWithoutFourEndingsIsRefused() {
        assertThatThrownBy(() -> task.check(Examples.of("Take stock.\nA) one\nB) two", "A")))
                .isInstanceOf(JepaException.class)
                .hasMessageStartingWith("test.jsonl:1: the user's turn must be a context and four");
    }
}
