package io.github.dl4jjepa.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jjepa.models.finetuning.TrainingFile;
import java.nio.file.Path;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.TypeConversionException;

class TrainingFileConverterTest {
    @ParameterizedTest
    @CsvSource({
        "a.jsonl, a.jsonl, 1",
        "a.jsonl:0.5, a.jsonl, 0.5",
        "a.jsonl:3, a.jsonl, 3",
        "a.jsonl:.25, a.jsonl, 0.25",
        "dir/b.csv:2, dir/b.csv, 2",
        "C:\\data\\a.jsonl, C:\\data\\a.jsonl, 1",
        "C:\\data\\a.jsonl:0.5, C:\\data\\a.jsonl, 0.5",
        "C:5, C:5, 1",
        "C:5:0.5, C:5, 0.5",
        "log:7:1, log:7, 1",
        "a:b, a:b, 1",
    })
    void aNumberAfterTheLastColonIsTheWeight(String argument, String file, double weight) {
        assertThat(new TrainingFileConverter().convert(argument))
                .isEqualTo(new TrainingFile(Path.of(file), weight));
    }

    @ParameterizedTest
    @ValueSource(strings = {"a.jsonl:0", "a.jsonl:0.0", "a.jsonl:1001"})
    void aWeightOutOfRangeIsRefused(String argument) {
        assertThatThrownBy(() -> new TrainingFileConverter().convert(argument))
                .isInstanceOf(TypeConversionException.class)
                .hasMessageContaining("a.jsonl: the weight must be above 0");
    }
}
