package io.github.dl4jjepa.models.evaluation;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.Example;
import java.util.Arrays;
import java.util.List;

/**
 * NQ-Open, questions with short answers. A row's right answers are separated by semicolons; any of
 * them counts. Compared are words in lower case, without punctuation and articles, as SQuAD's
 * evaluation does.
 *
 * <p>{@code exact_match}: the answer is a right one. {@code gold_in_answer}: a right one's words
 * are among the answer's, which is the paper's measure. (The authors' code looks for the answer in
 * the right one, so that an empty answer counts.)
 */
final class NqOpenTask implements Task {
    @Override
    public String name() {
        return "nq-open";
    }

    @Override
    public int maxNewTokens() {
        return 64;
    }

    @Override
    public void check(Example example) {
        if (golds(Answers.gold(example)).isEmpty()) {
            throw new JepaException(
                    example.source() + ": there is no right answer; correct or remove the line");
        }
    }

    @Override
    public Task.Judgment judge(Example example, Task.Outcome outcome) {
        return judge(Task.Judgment.NONE, Answers.gold(example), outcome.prediction())
                .with("stopped", outcome.stopped());
    }

    /** Adds what is found out of an answer. */
    static Task.Judgment judge(Task.Judgment judgment, String expected, String prediction) {
        String actual = Answers.normalized(prediction);
        List<String> golds = golds(expected);
        return judgment.with("exact_match", golds.contains(actual))
                .with(
                        "gold_in_answer",
                        golds.stream().anyMatch(gold -> Answers.containsWords(actual, gold)));
    }

    private static List<String> golds(String answer) {
        return Arrays.stream(answer.split(";"))
                .map(Answers::normalized)
                .filter(gold -> !gold.isEmpty())
                .toList();
    }
}
