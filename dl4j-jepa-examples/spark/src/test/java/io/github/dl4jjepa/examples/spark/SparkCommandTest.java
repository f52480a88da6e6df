package io.github.dl4jjepa.examples.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatNoException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.examples.training.TinyModel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
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
import org.junit.jupiter.params.provider.CsvSource;

/** The main classes in processes of their own, as spark-submit starts them. */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "Hadoop needs winutils.exe on Windows")
@EnabledForJreRange(max = JRE.JAVA_21, disabledReason = "Spark 3.5 does not run on it")
class SparkCommandTest {
    @TempDir private Path folder;

    private Path model;
    private Path pairs;

    @BeforeEach
    void writeModelAndPairs() throws IOException {
        model = TinyModel.write(folder.resolve("model"));
        pairs = TinyModel.writePairs(folder.resolve("pairs.jsonl"), 6);
    }

    @Test
    void thisVersionOfSparkIsAccepted() {
        assertThatNoException().isThrownBy(() -> SparkCommand.requireVersions("3.5.9", "2.12.18"));
    }

    @ParameterizedTest
    @CsvSource({"3.4.4, 2.12.17", "3.50.0, 2.12.18", "4.0.1, 2.13.16", "3.5.9, 2.13.8"})
    void anotherSparkOrScalaIsRefusedWithBothVersions(String spark, String scala) {
        assertThatThrownBy(() -> SparkCommand.requireVersions(spark, scala))
                .isInstanceOf(JepaException.class)
                .hasMessageStartingWith(
                        "this jar is for Spark 3.5 with Scala 2.12, not for Spark "
                                + spark
                                + " with Scala "
                                + scala);
    }

    @Test
    void aStepHasAsManyPartsAsTasksRunAtOnce() {
        try (JavaSparkContext context =
                new JavaSparkContext(
                        new SparkConf()
                                .setMaster("local[4]")
                                .setAppName("test")
                                .set("spark.ui.enabled", "false")
                                .set("spark.driver.host", "127.0.0.1")
                                .set("spark.driver.bindAddress", "127.0.0.1")
                                .set("spark.task.cpus", "2"))) {
            assertThat(new SparkFineTune.Options().partitions(context)).isEqualTo(2);
        }
    }

    @Test
    void settingsAndTheirDataMayBeNamedByUris() throws Exception {
        Path settings =
                Files.writeString(
                        folder.resolve("settings.yaml"),
                        String.join(
                                "\n",
                                "model: " + model,
                                "train:",
                                "  - " + pairs.toUri() + ":0.5",
                                "max-steps: 1",
                                "batch-size: 2",
                                "learning-rate: 1e-3"));
        Path output = folder.resolve("out");

        String log =
                run(
                        SparkFineTune.class,
                        "--settings",
                        settings.toUri().toString(),
                        "--output",
                        output.toString());

        assertThat(output.resolve("model.safetensors")).as(log).exists();
        assertThat(output.resolve("run.yaml")).content().contains(pairs.toUri() + ":0.5");
    }

    @Test
    void evaluatePrintsAndKeepsWhatOneMachineDoes() throws Exception {
        Path output = folder.resolve("predictions.jsonl");

        String log =
                run(
                        SparkEvaluate.class,
                        "--model",
                        model.toString(),
                        "--data",
                        pairs.toString(),
                        "--task",
                        "nl-rx",
                        "--max-new-tokens",
                        "4",
                        "--batch-size",
                        "1",
                        "--output",
                        output.toString());

        assertThat(log).contains("{\"task\":\"nl-rx\",\"examples\":6,\"exact_match\":");
        assertThat(output).content().hasLineCount(6);
    }

    /** Runs a main class on {@code local[2]}; returns what it prints. */
    private String run(Class<?> main, String... args) throws Exception {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(argument -> argument.startsWith("--add-opens"))
                .forEach(command::add);
        command.addAll(
                List.of(
                        "-Dspark.master=local[2]",
                        "-Dspark.ui.enabled=false",
                        "-Dspark.driver.host=127.0.0.1",
                        "-Dspark.driver.bindAddress=127.0.0.1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        main.getName()));
        command.addAll(List.of(args));
        Path log = folder.resolve("log");
        Process process =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(log.toFile())
                        .start();
        assertThat(process.waitFor()).as(() -> read(log)).isZero();
        return read(log);
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
