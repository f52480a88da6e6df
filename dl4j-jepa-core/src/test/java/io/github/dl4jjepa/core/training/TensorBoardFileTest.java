package io.github.dl4jjepa.core.training;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The golden file was read back by PyPI's tensorboard: see {@code
 * src/test/python/read_tensorboard.py}, which wrote {@code tensorboard.json} beside it.
 */
class TensorBoardFileTest {
    @TempDir private Path folder;

    private void write(TrainerState start, int first, int last) {
        Clock clock = Clock.fixed(Instant.parse("2026-11-26T22:00:00.500Z"), ZoneOffset.UTC);
        TensorBoardFile events = new TensorBoardFile(folder, clock);
        events.onStart(3, start);
        for (int i = first; i <= last; i++) {
            events.onStep(
                    CsvMetricsFileTest.step(
                            i,
                            i == 1 ? Double.NaN : 0.25,
                            i == 2 ? Optional.of(new MeanLosses(1.5, 0.5, 2)) : Optional.empty()));
        }
        events.onSamples(
                new TrainerListener.Samples(
                        last,
                        Map.of("exact_match", 0.5),
                        List.of(
                                new TrainerListener.Samples.Answer(
                                        "Wie hei\u00dft\ndas *hier*?", "<b>a</b>", "b"))));
    }

    private Path written() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.toList().get(0);
        }
    }

    @Test
    void writesTheBytesThatTensorBoardHasRead() throws IOException {
        write(TrainerState.START, 1, 3);

        assertThat(written().getFileName().toString())
                .startsWith("events.out.tfevents.1795730400.")
                .endsWith("." + ProcessHandle.current().pid());
        assertThat(Files.readAllBytes(written()))
                .isEqualTo(
                        TensorBoardFileTest.class
                                .getResourceAsStream("/training/tensorboard.tfevents")
                                .readAllBytes());
    }
}
