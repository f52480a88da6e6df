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
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CsvMetricsFileTest {
    private static final TrainerState THIRD_STEP =
            new TrainerState(3, 0, 3, 0, Double.POSITIVE_INFINITY, 0, StepMetrics.Cost.NONE, 0, 0);

    @TempDir private Path folder;
    private Path file;
    private CsvMetricsFile metrics;

    @BeforeEach
    void setUp() {
        file = folder.resolve("metrics.csv");
        metrics = new CsvMetricsFile(file);
    }

    static StepMetrics step(long step, double jepa, Optional<MeanLosses> validation) {
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

    private void writeSteps(int steps) {
        metrics.onStart(steps, TrainerState.START);
        for (int i = 1; i <= steps; i++) {
            metrics.onStep(step(i, 0.25, Optional.empty()));
        }
    }

    @Test
    void writesARowPerStepWithEmptyCellsForWhatTheStepHasNot() throws IOException {
        metrics.onStart(2, TrainerState.START);
        metrics.onStep(step(1, Double.NaN, Optional.empty()));
        metrics.onStep(step(2, 0.25, Optional.of(new MeanLosses(1.5, 0.5, 2))));

        assertThat(Files.readAllLines(file))
                .satisfiesExactly(
                        header ->
                                assertThat(header)
                                        .startsWith(
                                                "step,epoch,lm_loss,jepa_loss,loss,lambda,"
                                                        + "learning_rate,grad_norm,tokens,"
                                                        + "padded_tokens,flops,seconds,"
                                                        + "validation_lm_loss,validation_jepa_loss,"
                                                        + "validation_loss,"
                                                        + "validation_paired_cosine,"),
                        first ->
                                assertThat(first)
                                        .startsWith(
                                                "1,0.25,2.0,,3.0,0.5,2.0E-5,0.75,120,160,2.5E9,1.5"
                                                        + ",,,,,"),
                        second ->
                                assertThat(second)
                                        .startsWith(
                                                "2,0.5,2.0,0.25,3.0,0.5,2.0E-5,0.75,120,160,2.5E9"
                                                        + ",1.5,1.5,0.5,2.0,,"));
    }

    @Test
    void dropsTheStepsAfterTheCheckpoint() throws IOException {
        writeSteps(5);
        String fiveSteps = Files.readString(file);

        metrics.onStart(5, THIRD_STEP);
        assertThat(file).content().hasLineCount(4);
        metrics.onStep(step(4, 0.25, Optional.empty()));
        metrics.onStep(step(5, 0.25, Optional.empty()));

        assertThat(file).hasContent(fiveSteps);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 5, 40, 80})
    void dropsALastRowThatWasCutOff(int missing) throws IOException {
        writeSteps(12);
        String text = Files.readString(file);
        Files.writeString(file, text.substring(0, text.length() - missing));

        metrics.onStart(12, THIRD_STEP);

        assertThat(Files.readAllLines(file)).isEqualTo(text.lines().limit(4).toList());
    }

    @Test
    void refusesAFileThatIsNotItsOwn() throws IOException {
        Files.writeString(file, "text,code\na,b\n");

        assertThatThrownBy(() -> metrics.onStart(5, TrainerState.START))
                .isInstanceOf(JepaException.class)
                .hasMessageContaining(file + ", line 1 does not name the columns");
        assertThat(file).hasContent("text,code\na,b\n");
    }
}
