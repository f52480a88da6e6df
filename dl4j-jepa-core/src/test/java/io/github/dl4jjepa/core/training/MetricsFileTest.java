package io.github.dl4jjepa.core.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jjepa.core.JepaException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MetricsFileTest {
    @TempDir private Path folder;
    private Path file;
    private MetricsFile metrics;

    @BeforeEach
    void setUp() {
        file = folder.resolve("metrics.jsonl");
        metrics = new MetricsFile(file);
    }

    @Test
    void writesALinePerStep() {
        metrics.onStart(4, TrainerState.START);
        metrics.onStep(step(1, Double.NaN, Optional.empty()));
        metrics.onStep(step(2, 0.25, Optional.of(new MeanLosses(1.5, 0.5, 2))));

        assertThat(file)
                .hasContent(
                        """
                        {"step":1,"epoch":0.25,"lm_loss":2.0,"jepa_loss":null,"loss":3.0,\
                        "lambda":0.5,"learning_rate":2.0E-5,"grad_norm":0.75,"tokens":120,"padded_tokens":160,\
                        "flops":2.5E9,"seconds":1.5}
                        {"step":2,"epoch":0.5,"lm_loss":2.0,"jepa_loss":0.25,"loss":3.0,\
                        "lambda":0.5,"learning_rate":2.0E-5,"grad_norm":0.75,"tokens":120,"padded_tokens":160,\
                        "flops":2.5E9,"seconds":1.5,\
                        "validation_lm_loss":1.5,"validation_jepa_loss":0.5,"validation_loss":2.0}
                        """);
    }

    @Test
    void dropsTheStepsAfterTheCheckpoint() throws IOException {
        writeSteps(5);
        String fiveSteps = Files.readString(file);

        metrics.onStart(
                5,
                new TrainerState(
                        3, 0, 3, 0, Double.POSITIVE_INFINITY, 0, StepMetrics.Cost.NONE, 0, 0));
        assertThat(file).content().hasLineCount(3);
        metrics.onStep(step(4, 0.25, Optional.empty()));
        metrics.onStep(step(5, 0.25, Optional.empty()));

        assertThat(file).hasContent(fiveSteps);
        assertThat(folder).isDirectoryContaining(path -> path.equals(file));
        assertThat(folder.toFile().list()).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 40, 100})
    void dropsALastLineThatWasCutOff(int missing) throws IOException {
        writeSteps(4);
        String text = Files.readString(file);
        Files.writeString(file, text.substring(0, text.length() - missing));

        metrics.onStart(
                5,
                new TrainerState(
                        3, 0, 3, 0, Double.POSITIVE_INFINITY, 0, StepMetrics.Cost.NONE, 0, 0));
        metrics.onStep(step(4, 0.25, Optional.empty()));

        assertThat(file).hasContent(text);
    }

    @Test
    void startsAnew() {
        writeSteps(5);

        metrics.onStart(5, TrainerState.START);

        assertThat(file).isEmptyFile();
    }

    @ParameterizedTest
    @ValueSource(strings = {"not JSON", "{\"step\":", "{\"steps\":1}", "[1]", ""})
    void refusesAFileThatIsNotItsOwn(String line) throws IOException {
        writeSteps(1);
        String text = Files.readString(file);
        Files.writeString(file, text + line + "\n" + text);

        assertThatThrownBy(() -> metrics.onStart(5, TrainerState.START))
                .isInstanceOf(JepaException.class)
                .hasMessageContaining(file + ", line 2 is not the metrics of a step");
        assertThat(file).hasContent(text + line + "\n" + text);
    }

    @Test
    void namesTheFileItCannotWrite() {
        MetricsFile nowhere = new MetricsFile(folder.resolve("missing/metrics.jsonl"));

        assertThatThrownBy(() -> nowhere.onStep(step(1, 0, Optional.empty())))
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("missing/metrics.jsonl");
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void saysThatTheDiskIsFull() throws IOException {
        Files.createSymbolicLink(file, Path.of("/dev/full"));

        assertThatThrownBy(() -> metrics.onStep(step(1, 0, Optional.empty())))
                .isInstanceOf(JepaException.class)
                .hasMessage(
                        file
                                + ": cannot be written: No space left on device. The last checkpoint"
                                + " is whole: mend the cause and resume the run.");
    }

    @Test
    void aSkippedStepIsMarkedAndItsInfiniteNumbersAreNull() {
        metrics.onStep(
                new StepMetrics(
                        1,
                        0.25,
                        new MeanLosses(Double.NaN, 0.5, Double.NaN),
                        0.5,
                        2e-5,
                        Double.POSITIVE_INFINITY,
                        new StepMetrics.Cost(120, 160, 2.5e9, 1.5),
                        true,
                        Optional.empty(),
                        Optional.empty()));

        assertThat(file)
                .content()
                .contains("\"lm_loss\":null", "\"grad_norm\":null", "\"skipped\":true");
    }

    private void writeSteps(int steps) {
        metrics.onStart(steps, TrainerState.START);
        for (int i = 1; i <= steps; i++) {
            metrics.onStep(step(i, 0.25, Optional.empty()));
        }
    }

    private static StepMetrics step(long step, double jepa, Optional<MeanLosses> validation) {
        return new StepMetrics(
                step,
                step * 0.25,
                new MeanLosses(2, jepa, 3),
                0.5,
                2e-5,
                0.75,
                new StepMetrics.Cost(120, 160, 2.5e9, 1.5),
                false,
                validation,
                Optional.empty());
    }
}
