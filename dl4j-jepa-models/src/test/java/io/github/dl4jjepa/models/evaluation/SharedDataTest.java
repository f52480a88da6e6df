package io.github.dl4jjepa.models.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.github.dl4jjepa.core.view.Example;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The authors' data files, which are not part of this project. Runs where JEPA_DATA names them. */
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
        Path folder = Path.of(Objects.requireNonNullElse(System.getenv("JEPA_DATA"), "no folder"));
        assumeThat(folder)
                .as("set JEPA_DATA to the folder of the authors' data files")
                .isDirectory();
        Task task = Tasks.named(name);
        List<Example> examples = task.examples(folder.resolve(file + ".jsonl")).readAll();
        assertThat(examples).hasSize(rows).allSatisfy(task::check);
    }
}
