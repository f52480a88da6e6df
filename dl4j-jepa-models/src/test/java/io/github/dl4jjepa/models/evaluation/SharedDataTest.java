package io.github.dl4jjepa.models.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.dl4jjepa.core.view.Example;
import java.nio.file.Files;
import java.nio.file.Path;
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

    /** A file of the folder {@code shared/data} beside a checkout; skips the test without it. */
    private static Path data(String name) {
        String named = System.getenv("JEPA_SHARED");
        Path shared = named == null ? null : Path.of(named);
        for (Path p = Path.of("").toAbsolutePath();
                shared == null && p != null;
                p = p.getParent()) {
            if (Files.isDirectory(p.resolve("shared/data"))) {
                shared = p.resolve("shared");
            }
        }
        assumeTrue(
                shared != null && Files.exists(shared.resolve("data").resolve(name)),
                "skipped: no folder 'shared' with data beside this checkout; name one with"
                        + " JEPA_SHARED");
        return shared.resolve("data").resolve(name);
    }
}
