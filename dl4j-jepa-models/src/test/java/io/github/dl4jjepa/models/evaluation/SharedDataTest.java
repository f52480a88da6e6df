package io.github.dl4jjepa.models.evaluation;

import static io.github.dl4jjepa.core.SharedData.data;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jjepa.core.view.Example;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The authors' data files, where they are; they are not part of this project. */
class SharedDataTest {
    @ParameterizedTest
    @CsvSource({
        "nl-rx, synth_train, 8000",
        "nl-rx, synth_test, 2000",
        "nl-rx, turk_train, 8000",
        "nl-rx, turk_test, 2000",
        "gsm8k, gsm8k_test, 1319",
        "rotten-tomatoes, rotten_tomatoes_train, 8530",
        "rotten-tomatoes, rotten_tomatoes_test, 1066",
        "yelp, yelp_test, 2000",
        "nq-open, nq_open_train, 8000",
        "nq-open, nq_open_test, 1769",
        "hellaswag, hellaswag_test, 2000"
    })
    void everyRowCanBeJudged(String name, String file, int rows) {
        Task task = Tasks.named(name);
        List<Example> examples = task.examples(data(file + ".jsonl")).readAll();
        assertThat(examples).hasSize(rows).allSatisfy(task::check);
    }
}
