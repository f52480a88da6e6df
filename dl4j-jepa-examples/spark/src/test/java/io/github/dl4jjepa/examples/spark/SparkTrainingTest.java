package io.github.dl4jjepa.examples.spark;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.training.TrainerListener;
import io.github.dl4jjepa.core.training.TrainerState;
import io.github.dl4jjepa.examples.spark.TrainedRun.Kind;
import io.github.dl4jjepa.examples.training.TinyModel;
import io.github.dl4jjepa.models.finetuning.FineTuning;
import io.github.dl4jjepa.models.finetuning.RunReplica;
import io.github.dl4jjepa.models.internal.Versions;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.commons.lang3.SerializationUtils;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.EnabledForJreRange;
import org.junit.jupiter.api.condition.JRE;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The same training in this process, and by tasks of Spark within it. */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "Hadoop needs winutils.exe on Windows")
@EnabledForJreRange(max = JRE.JAVA_21, disabledReason = "Spark 3.5 does not run on it")
class SparkTrainingTest {
    @TempDir private Path folder;

    private Path model;
    private Path train;

    @BeforeEach
    void writeModelAndPairs() throws IOException {
        model = TinyModel.write(folder.resolve("model"));
        train = TinyModel.writePairs(folder.resolve("train.jsonl"), 14);
    }

    private static JavaSparkContext context(String master) {
        return new JavaSparkContext(
                new SparkConf()
                        .setMaster(master)
                        .setAppName("test")
                        .set("spark.ui.enabled", "false")
                        .set("spark.driver.host", "127.0.0.1")
                        .set("spark.driver.bindAddress", "127.0.0.1"));
    }

    private FineTuning.Builder builder(Kind kind, Path output) {
        return TrainedRun.builder(kind, model, train, output);
    }

    private TrainedRun run(Kind kind, String master) {
        Path output = folder.resolve(master);
        try (JavaSparkContext context = context(master)) {
            return TrainedRun.of(
                    builder(kind, output).optGradientSource(onSpark(context, Long.MAX_VALUE)),
                    output);
        }
    }

    private static FineTuning.GradientSources onSpark(JavaSparkContext context, long limit) {
        return (graph, replica) -> new SparkGradientSource(context, graph, replica, 2, limit);
    }

    /** Rounding apart; and two runs with the same partitions to the last bit. */
    @ParameterizedTest
    @EnumSource
    void sparkTrainsAsOneMachineDoes(Kind kind) {
        Path output = folder.resolve("alone");
        TrainedRun alone = TrainedRun.of(builder(kind, output), output);
        TrainedRun one = run(kind, "local[1]");
        TrainedRun two = run(kind, "local[2]");
        one.assertCloseTo(alone);
        two.assertIs(one);
    }

    @Test
    void anExecutorWithoutTheModelSaysWhereItIs() {
        assertThatThrownBy(() -> runSabotaged(() -> move(model, folder.resolve("elsewhere"))))
                .isInstanceOf(JepaException.class)
                .hasMessageStartingWith("Executor driver on 127.0.0.1: ")
                .hasMessageContaining(model.toString())
                .hasMessageContaining("Every executor reads the model itself");
    }

    @Test
    void anExecutorWithOtherWeightsIsRefused() {
        assertThatThrownBy(() -> runSabotaged(() -> change(model.resolve("model.safetensors"))))
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("model.safetensors differs here from the one");
    }

    @Test
    void anExecutorWithAJarOfAnotherVersionIsRefused() {
        try (JavaSparkContext context = context("local[2]")) {
            FineTuning tuning =
                    builder(Kind.COSINE_LORA, folder.resolve("out"))
                            .optGradientSource(
                                    (graph, replica) ->
                                            onSpark(context, Long.MAX_VALUE)
                                                    .create(graph, ofAnotherVersion(replica)))
                            .build();
            assertThatThrownBy(tuning::run)
                    .isInstanceOf(JepaException.class)
                    .hasMessageContaining("the run was begun with dl4j-jepa 9.")
                    .hasMessageContaining("give both the same jar");
        }
    }

    /** As it would come from a driver of another version, with its version written over. */
    private static RunReplica ofAnotherVersion(RunReplica replica) {
        String bytes = new String(SerializationUtils.serialize(replica), ISO_8859_1);
        String version = "dl4j-jepa " + Versions.jepa();
        assertThat(bytes).contains(version);
        return SerializationUtils.deserialize(
                bytes.replace(version, "dl4j-jepa 9" + Versions.jepa().substring(1))
                        .getBytes(ISO_8859_1));
    }

    /** Lets something happen between the driver's reading of the model and the executors'. */
    private void runSabotaged(Runnable sabotage) {
        try (JavaSparkContext context = context("local[2]")) {
            builder(Kind.COSINE_LORA, folder.resolve("out"))
                    .optGradientSource(onSpark(context, Long.MAX_VALUE))
                    .optListener(
                            new TrainerListener() {
                                @Override
                                public void onStart(long totalSteps, TrainerState state) {
                                    sabotage.run();
                                }
                            })
                    .build()
                    .run();
        }
    }

    private static void move(Path from, Path to) {
        try {
            Files.move(from, to);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void change(Path file) {
        try {
            byte[] bytes = Files.readAllBytes(file);
            bytes[bytes.length - 1] ^= 1;
            Files.write(file, bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void moreWeightsThanTheLimitAreRefusedBeforeTraining() {
        Path output = folder.resolve("out");
        try (JavaSparkContext context = context("local[2]")) {
            FineTuning tuning =
                    builder(Kind.COSINE, output)
                            .optGradientSource(onSpark(context, 10_000))
                            .build();
            assertThatThrownBy(tuning::run)
                    .isInstanceOf(JepaException.class)
                    .hasMessageContaining("more than the broadcastLimit")
                    .hasMessageContaining("train an adapter (loraRank), or raise it");
        }
        assertThat(output).doesNotExist();
    }
}
