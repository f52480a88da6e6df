package io.github.dl4jjepa.examples.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.training.StepMetrics;
import io.github.dl4jjepa.core.training.TrainerListener;
import io.github.dl4jjepa.core.training.TrainingOptions;
import io.github.dl4jjepa.core.training.TrainingStoppedException;
import io.github.dl4jjepa.models.finetuning.FineTuning;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What can happen to a run's folder while the run is under way. */
class RunFaultsTest {
    @TempDir private Path folder;
    private Path output;

    @BeforeEach
    void writeModelAndPairs() throws IOException {
        TinyModel.write(folder.resolve("model"));
        TinyModel.writePairs(folder.resolve("train.jsonl"), 22);
        output = folder.resolve("out");
    }

    private FineTuning.Builder run() {
        return FineTuning.of(folder.resolve("model").toString())
                .setTrain(folder.resolve("train.jsonl"))
                .setOutput(output)
                .optMaxLength(96)
                .optTraining(
                        TrainingOptions.builder().optMaxSteps(6).optCheckpointEvery(2).build());
    }

    /** Does something after the third step. */
    private static TrainerListener afterStep3(Runnable action) {
        return new TrainerListener() {
            @Override
            public void onStep(StepMetrics metrics) {
                if (metrics.step() == 3) {
                    action.run();
                }
            }
        };
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> tree = Files.walk(output)) {
            return tree.sorted(Comparator.reverseOrder()).toList();
        }
    }

    private void removeFolder() {
        try {
            for (Path file : files()) {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void makeReadOnly() {
        try {
            files().forEach(file -> file.toFile().setWritable(false));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void aFolderThatIsRemovedEndsTheRunAndIsNotMadeAgain() {
        assertThatThrownBy(() -> run().optListener(afterStep3(this::removeFolder)).build().run())
                .isInstanceOf(JepaException.class)
                .hasMessageContaining(
                        output.resolve("run.json") + ": is missing since the run was begun;");
        assertThat(output).doesNotExist();
    }

    @Test
    void aFolderThatBecomesReadOnlyEndsTheRunAndItsCheckpointIsResumed() throws IOException {
        Path probe = Files.createDirectory(folder.resolve("probe"));
        assumeTrue(
                probe.toFile().setWritable(false) && !Files.isWritable(probe),
                "root may write anywhere");

        assertThatThrownBy(() -> run().optListener(afterStep3(this::makeReadOnly)).build().run())
                .isInstanceOf(JepaException.class)
                .hasMessageContaining(": cannot be written: permission denied.");

        for (Path file : files()) {
            assertThat(file.toFile().setWritable(true)).isTrue();
        }
        assertThat(run().build().resume().steps()).isEqualTo(6);
    }

    @Test
    void aSecondRunInTheSameFolderIsRefusedAndHarmsNothing() {
        assertThatThrownBy(
                        () ->
                                run().optListener(afterStep3(() -> run().build().resume()))
                                        .build()
                                        .run())
                .isInstanceOf(JepaException.class)
                .hasMessageContainingAll(
                        output + ": another run writes into this folder (process ",
                        "wait for its end or stop it, or name another folder");
        assertThat(run().build().resume().steps()).isEqualTo(6);
    }

    @Test
    void aRunThatIsAskedToStopWritesACheckpointAndNoModel() throws IOException {
        AtomicLong asked = new AtomicLong();
        assertThatThrownBy(() -> run().optStop(() -> asked.incrementAndGet() > 3).build().run())
                .isInstanceOf(TrainingStoppedException.class)
                .hasMessage("the training was stopped after step 3 of 6; resume it to continue");
        assertThat(output.resolve("checkpoints")).isDirectoryContaining("glob:**step-000003");
        assertThat(output.resolve("model.safetensors")).doesNotExist();

        assertThat(run().build().resume().steps()).isEqualTo(6);
    }
}
