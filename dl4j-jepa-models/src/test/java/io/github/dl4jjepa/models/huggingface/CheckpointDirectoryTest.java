package io.github.dl4jjepa.models.huggingface;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.training.StepMetrics;
import io.github.dl4jjepa.core.training.TrainerState;
import io.github.dl4jjepa.models.safetensors.Dtype;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class CheckpointDirectoryTest {
    @TempDir Path folder;
    private Path root;
    private CheckpointDirectory checkpoints;

    @BeforeEach
    void buildTheSource() {
        root = folder.resolve("checkpoints");
        ModelFolder.whole(folder.resolve("source"));
        checkpoints = keeping(1);
    }

    private CheckpointDirectory keeping(int kept) {
        return new CheckpointDirectory(
                root,
                CheckpointExporter.builder()
                        .setSource(CheckpointFolder.open(folder.resolve("source")))
                        .optDtype(Dtype.BF16)
                        .optVocabularySize(4)
                        .build(),
                kept);
    }

    private static TrainerState state(long step, long bestStep) {
        return new TrainerState(
                step,
                1,
                3,
                bestStep,
                0.1 + 0.2,
                4,
                new StepMetrics.Cost(50, 70, 1.5e15, 1.0 / 3),
                0.7,
                5);
    }

    private static Map<String, INDArray> moments(float value) {
        return Map.of("embed.m", Nd4j.valueArrayOf(new long[] {4, 3}, value, DataType.FLOAT));
    }

    /** Saves weights and optimizer state that tell the step. */
    private void save(long step, long bestStep) {
        checkpoints.save(state(step, bestStep), ModelFolder.weights(step), moments(step));
    }

    private void assertRestores(long step, long bestStep) {
        Map<String, INDArray> weights = ModelFolder.weights(-1);
        Map<String, INDArray> moments = moments(-1);

        assertThat(checkpoints.restoreLast(weights, moments)).contains(state(step, bestStep));
        assertThat(weights).isEqualTo(ModelFolder.weights(step));
        assertThat(moments).isEqualTo(moments(step));
    }

    private String[] content() throws IOException {
        try (Stream<Path> entries = Files.list(root)) {
            return entries.map(entry -> entry.getFileName().toString())
                    .sorted()
                    .toArray(String[]::new);
        }
    }

    private void assertHolds(String... names) throws IOException {
        assertThat(content()).containsExactlyInAnyOrder(names);
    }

    private void assertRefused(String... message) {
        assertThatExceptionOfType(JepaException.class)
                .isThrownBy(() -> checkpoints.restoreLast(ModelFolder.weights(-1), moments(-1)))
                .withMessageContainingAll(message);
    }

    private static void copy(Path from, Path to) throws IOException {
        Files.createDirectory(to);
        try (Stream<Path> files = Files.list(from)) {
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(file.getFileName()));
            }
        }
    }

    @Test
    void hasNothingBeforeTheFirstCheckpoint() {
        assertThat(checkpoints.restoreLast(ModelFolder.weights(1), moments(1))).isEmpty();
        assertThat(checkpoints.last()).isEmpty();
        assertThat(checkpoints.best()).isEmpty();
        assertThat(root).doesNotExist();
    }

    @Test
    void restoresWhatItSavedBitForBitInPlace() {
        INDArray odd =
                Nd4j.createFromArray(Float.MIN_VALUE, -0f, Float.NaN, Float.MAX_VALUE, 1f / 3);
        checkpoints.save(state(40, 20), Map.of("odd", odd), Map.of());
        INDArray target = Nd4j.zeros(DataType.FLOAT, 5);

        Optional<TrainerState> restored = checkpoints.restoreLast(Map.of("odd", target), Map.of());

        assertThat(restored).contains(state(40, 20));
        for (int i = 0; i < 5; i++) {
            assertThat(Float.floatToRawIntBits(target.getFloat(i)))
                    .isEqualTo(Float.floatToRawIntBits(odd.getFloat(i)));
        }
    }

    @ParameterizedTest
    @ValueSource(
            doubles = {Double.POSITIVE_INFINITY, 0, 3, Double.MIN_VALUE, Double.MAX_VALUE, 1.0 / 3})
    void keepsEveryLossExactly(double loss) {
        TrainerState state =
                new TrainerState(
                        Long.MAX_VALUE / 100, 2, 1, 0, loss, 0, StepMetrics.Cost.NONE, 0, 0);
        checkpoints.save(state, Map.of(), Map.of());
        assertThat(checkpoints.restoreLast(Map.of(), Map.of())).contains(state);
    }

    @Test
    void writesCheckpointsThatAreModelFoldersInFullPrecision() throws IOException {
        save(40, 40);

        CheckpointFolder checkpoint = checkpoints.last().orElseThrow();
        assertThat(checkpoint.path()).isEqualTo(root.resolve("step-000040"));
        assertThat(checkpoint.config().path("dtype").textValue()).isEqualTo("float32");
        assertThat(checkpoint.config().path("vocab_size").intValue()).isEqualTo(4);
        assertThat(checkpoint.tokenizerFile()).exists();
        assertThat(checkpoint.weights().tensor("embed").dtype()).isEqualTo(Dtype.F32);
        assertThat(root.resolve("checkpoints.json"))
                .content()
                .isEqualToIgnoringWhitespace(
                        "{\"last\": \"step-000040\", \"best\": \"step-000040\"}");
        assertThat(root.resolve("step-000040").resolve("trainer_state.json"))
                .content()
                .isEqualToIgnoringWhitespace(
                        "{\"step\": 40, \"epoch\": 1, \"batch\": 3, \"best_step\": 40,"
                                + " \"tokens\": 50, \"padded_tokens\": 70, \"flops\": 1.5E15,"
                                + " \"seconds\": 0.3333333333333333, \"lambda\": 0.7,"
                                + " \"evaluations_since_best\": 4, \"skipped_steps\": 5,"
                                + " \"best_value\": 0.30000000000000004}");
    }

    @Test
    void keepsTheLastAndTheBest() throws IOException {
        save(10, 0);
        assertHolds("checkpoints.json", "step-000010");
        assertThat(checkpoints.best()).isEmpty();

        save(20, 20);
        assertHolds("checkpoints.json", "step-000020");

        save(30, 20);
        save(40, 20);
        assertHolds("checkpoints.json", "step-000020", "step-000040");
        assertThat(checkpoints.best().orElseThrow().path()).hasFileName("step-000020");
        assertRestores(40, 20);

        save(50, 50);
        assertHolds("checkpoints.json", "step-000050");
    }

    @Test
    void keepsAsManyOfTheLastAsItWasToldAndTheBest() throws IOException {
        checkpoints = keeping(2);
        for (int step = 10; step <= 50; step += 10) {
            save(step, 20);
        }
        assertHolds("checkpoints.json", "step-000020", "step-000040", "step-000050");
        assertRestores(50, 20);
    }

    @Test
    void aRunThatWentBackToAnEarlierCheckpointDropsTheLaterOnes() throws IOException {
        checkpoints = keeping(3);
        save(10, 0);
        save(20, 0);
        save(30, 0);
        Files.writeString(root.resolve("checkpoints.json"), "{\"last\": \"step-000010\"}");

        save(15, 0);

        assertHolds("checkpoints.json", "step-000010", "step-000015");
    }

    @Test
    void aCheckpointThatCannotBeNamedTheLastLeavesTheOneBefore() throws IOException {
        save(10, 10);
        // A folder is in the way of the file.
        Path inTheWay = Files.createDirectory(root.resolve("checkpoints.json.partial"));
        Files.createFile(inTheWay.resolve("file"));

        assertThatExceptionOfType(JepaException.class)
                .isThrownBy(() -> save(20, 10))
                .withMessageContainingAll(
                        "checkpoints: the checkpoint of step 20 cannot be written",
                        "step-000010 is whole: mend the cause and resume from it.")
                .withMessageNotContaining("Exception");
        assertRestores(10, 10);
    }

    @Test
    void resumesACheckpointOfRelease010() throws IOException {
        save(40, 20);
        Path file = root.resolve("step-000040").resolve("trainer_state.json");
        Files.writeString(
                file,
                Files.readString(file)
                        .replace("best_value", "best_loss")
                        .replaceAll("\\s*\"(evaluations_since_best|skipped_steps)\".*", ""));

        assertThat(checkpoints.restoreLast(ModelFolder.weights(-1), moments(-1)))
                .map(TrainerState::bestValue)
                .contains(0.1 + 0.2);
    }

    @Test
    void savesTheSameStepAgain() throws IOException {
        save(40, 20);
        checkpoints.save(state(40, 40), ModelFolder.weights(41), moments(40));
        assertHolds("checkpoints.json", "step-000040-2");
        assertThat(checkpoints.best().orElseThrow().weights().read("norm"))
                .isEqualTo(ModelFolder.weights(41).get("norm"));

        save(40, 40);
        assertHolds("checkpoints.json", "step-000040");
        assertRestores(40, 40);
    }

    @Test
    void leavesOtherFilesAlone() throws IOException {
        save(10, 0);
        Files.writeString(root.resolve("notes.txt"), "mine");
        Files.createDirectory(root.resolve("step-by-step"));
        Files.createDirectory(root.resolve("mine.partial"));

        save(20, 0);

        assertHolds("checkpoints.json", "step-000020", "notes.txt", "step-by-step", "mine.partial");
    }

    @Test
    void survivesAKillWhileTheWeightsAreWritten() throws IOException {
        save(10, 10);
        Path partial = Files.createDirectory(root.resolve("step-000020.partial"));
        Files.writeString(partial.resolve("model.safetensors"), "half a file");

        assertRestores(10, 10);
        save(20, 10);
        assertHolds("checkpoints.json", "step-000010", "step-000020");
        assertRestores(20, 10);
    }

    @Test
    void survivesAKillBeforeTheCheckpointIsNamedTheLast() throws IOException {
        save(10, 10);
        byte[] pointer = Files.readAllBytes(root.resolve("checkpoints.json"));
        save(20, 10);
        Files.write(root.resolve("checkpoints.json"), pointer);

        assertRestores(10, 10);
        save(15, 10);
        assertHolds("checkpoints.json", "step-000010", "step-000015");
    }

    @Test
    void survivesAKillBeforeTheFirstCheckpointIsNamedTheLast() throws IOException {
        save(10, 10);
        Files.delete(root.resolve("checkpoints.json"));

        assertRestores(10, 10);
        assertThat(checkpoints.best()).isPresent();
        save(20, 10);
        assertHolds("checkpoints.json", "step-000010", "step-000020");
    }

    @Test
    void survivesAKillWhileThePointerIsWritten() throws IOException {
        save(10, 10);
        Files.writeString(root.resolve("checkpoints.json.partial"), "{\"last\": \"st");

        assertRestores(10, 10);
        save(20, 20);
        assertHolds("checkpoints.json", "step-000020");
    }

    @Test
    void survivesAKillBeforeOlderCheckpointsAreRemoved() throws IOException {
        save(10, 10);
        copy(root.resolve("step-000010"), root.resolve("step-000005"));

        assertRestores(10, 10);
        save(20, 10);
        assertHolds("checkpoints.json", "step-000010", "step-000020");
    }

    @Test
    void aFailedSaveLeavesTheOneBefore() throws IOException {
        save(10, 10);
        Map<String, INDArray> wrong = Map.of("a", Nd4j.ones(DataType.DOUBLE, 2));

        assertThatThrownBy(() -> checkpoints.save(state(20, 20), ModelFolder.weights(20), wrong))
                .isInstanceOf(IllegalArgumentException.class);

        assertRestores(10, 10);
        save(20, 20);
        assertHolds("checkpoints.json", "step-000020");
    }

    @Test
    void withoutAPointerTheLatestStepIsTheLast() throws IOException {
        save(999_999, 999_999);
        save(1_000_000, 999_999);
        Files.delete(root.resolve("checkpoints.json"));

        assertRestores(1_000_000, 999_999);
        assertThat(checkpoints.best().orElseThrow().path()).hasFileName("step-999999");
    }

    @ParameterizedTest
    @ValueSource(strings = {"model.safetensors", "optimizer.safetensors"})
    void refusesTruncatedArraysByName(String name) throws IOException {
        save(40, 20);
        try (RandomAccessFile file =
                new RandomAccessFile(root.resolve("step-000040").resolve(name).toFile(), "rw")) {
            file.setLength(file.length() - 1);
        }
        assertRefused("step-000040", name, "damaged", "checkpoints.json", "begin anew");
    }

    @ParameterizedTest
    @ValueSource(strings = {"model.safetensors", "optimizer.safetensors", "trainer_state.json"})
    void refusesAMissingFileByName(String name) throws IOException {
        save(40, 20);
        Files.delete(root.resolve("step-000040").resolve(name));
        assertRefused("step-000040", name, "begin anew");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"step\": 40 | \"step\": 4e1          | \"step\"",
                "\"step\": 40 | \"step\": -1           | \"step\"",
                "\"epoch\": 1 | \"epoch\": 2147483648  | \"epoch\"",
                "\"epoch\": 1 | \"era\": 1             | \"epoch\"",
                "0.30000000000000004 | \"low\"         | \"best_value\"",
                "\"flops\": 1.5E15 | \"flops\": -1     | \"flops\"",
                "\"tokens\": 50 | \"tokens\": 5.5      | \"tokens\"",
                "\"epoch\": 1, | \"epoch\": 1          | line 4"
            })
    void refusesADamagedStateByName(String text, String by, String place) throws IOException {
        save(40, 20);
        Path file = root.resolve("step-000040").resolve("trainer_state.json");
        Files.writeString(file, Files.readString(file).replace(text, by));
        assertRefused("trainer_state.json", place, "damaged", "begin anew");
    }

    @Test
    void refusesADamagedPointer() throws IOException {
        save(40, 20);
        Files.writeString(root.resolve("checkpoints.json"), "{");
        assertRefused("checkpoints.json, line 1", "Remove the file");
    }

    @ParameterizedTest
    @ValueSource(strings = {"{}", "{\"last\": \"step-000041\"}", "{\"last\": \"../source\"}"})
    void refusesAPointerToNothing(String pointer) throws IOException {
        save(40, 20);
        Files.writeString(root.resolve("checkpoints.json"), pointer);
        assertRefused("checkpoints.json", "not in this folder", "Remove the file");
    }

    @Test
    void refusesACheckpointOfAnotherModelAndChangesNothing() {
        save(40, 20);
        Map<String, INDArray> weights = ModelFolder.weights(-1);
        weights.put("norm", Nd4j.ones(DataType.FLOAT, 5));

        assertThatExceptionOfType(JepaException.class)
                .isThrownBy(() -> checkpoints.restoreLast(weights, moments(-1)))
                .withMessageContainingAll("\"norm\"", "[3]", "[5]", "another model");
        assertThat(weights.get("embed")).isEqualTo(ModelFolder.weights(-1).get("embed"));

        weights.remove("norm");
        assertThatExceptionOfType(JepaException.class)
                .isThrownBy(() -> checkpoints.restoreLast(weights, moments(-1)))
                .withMessageContainingAll("\"norm\"", "not of this run");

        assertThatExceptionOfType(JepaException.class)
                .isThrownBy(
                        () ->
                                checkpoints.restoreLast(
                                        ModelFolder.weights(-1),
                                        Map.of("embed.v", Nd4j.ones(DataType.FLOAT, 4, 3))))
                .withMessageContainingAll("optimizer.safetensors", "\"embed.m\"");
    }
}
