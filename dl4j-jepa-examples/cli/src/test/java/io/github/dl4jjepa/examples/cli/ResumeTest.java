package io.github.dl4jjepa.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/**
 * Runs of earlier versions, killed after their third step, and what a resumed run may have
 * otherwise.
 *
 * <p>The folders of {@code src/test/resources/runs} were written by {@code jepa finetune --model
 * model --train train.jsonl --max-steps 1000000 --checkpoint-every 3 --max-length 96 --batch-size 2
 * --schedule constant --learning-rate 1e-3}, of the commits d97baca (no hashes) and fea97be.
 */
class ResumeTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir private Path folder;

    private String errors = "";

    @BeforeEach
    void copyRuns() throws IOException, URISyntaxException {
        Path runs = Path.of(Objects.requireNonNull(ResumeTest.class.getResource("/runs")).toURI());
        try (Stream<Path> files = Files.walk(runs)) {
            for (Path file : files.toList()) {
                Path copy = folder.resolve(runs.relativize(file).toString());
                if (Files.isDirectory(file)) {
                    Files.createDirectories(copy);
                } else {
                    Files.copy(file, copy);
                }
            }
        }
        // It is known by its paths.
        Path run = folder.resolve("0.1.0-without-hashes").resolve("run.json");
        ObjectNode begun = (ObjectNode) JSON.readTree(run.toFile());
        begun.put("model", folder.resolve("model").toString());
        begun.put("train", folder.resolve("train.jsonl").toString());
        JSON.writeValue(run.toFile(), begun);
    }

    private int resume(String run, String... options) {
        List<String> args =
                new ArrayList<>(
                        List.of(
                                "finetune",
                                "--resume",
                                "--output=" + folder.resolve(run),
                                "--model=" + folder.resolve("model"),
                                "--train=" + folder.resolve("train.jsonl"),
                                "--max-length=96",
                                "--batch-size=2",
                                "--schedule=constant",
                                "--learning-rate=1e-3"));
        args.addAll(List.of(options));
        return run(args);
    }

    private int run(List<String> args) {
        StringWriter err = new StringWriter();
        CommandLine jepa =
                JepaCommand.commandLine()
                        .setOut(new PrintWriter(new StringWriter()))
                        .setErr(new PrintWriter(err));
        int exitCode = JepaCommand.run(jepa, args.toArray(String[]::new));
        errors = err.toString();
        return exitCode;
    }

    private List<JsonNode> metrics(String run) throws IOException {
        List<JsonNode> lines = new ArrayList<>();
        for (String line : Files.readAllLines(folder.resolve(run).resolve("metrics.jsonl"))) {
            lines.add(JSON.readTree(line));
        }
        return lines;
    }

    @ParameterizedTest
    @ValueSource(strings = {"0.1.0", "0.1.0-without-hashes"})
    void aRunOfAnEarlierVersionContinues(String run) throws IOException {
        assertThat(resume(run, "--max-steps=6")).as(errors).isZero();

        List<JsonNode> metrics = metrics(run);
        assertThat(metrics.stream().map(line -> line.get("step").intValue()))
                .containsExactly(1, 2, 3, 4, 5, 6);
        assertThat(metrics.get(5).get("lm_loss").doubleValue())
                .isLessThan(metrics.get(0).get("lm_loss").doubleValue());
        assertThat(folder.resolve(run)).isDirectoryContaining("glob:**model.safetensors");
    }

    @ParameterizedTest
    @CsvSource({
        "--epochs=9 --max-steps=0",
        "--compute-budget=1e8 --max-steps=0",
        "--max-steps=5 --evaluate-every=2",
        "--max-steps=5 --checkpoint-every=5",
    })
    void itsCourseMayDiffer(String options) {
        assertThat(resume("0.1.0", options.split(" "))).as(errors).isZero();
    }

    @ParameterizedTest
    @CsvSource({
        "--group-by-length, group_by_length = false",
        "--lambda=2, objective.lambda = 1.0",
        "--seed=1, seed = 42",
        "--predictors=2, views.predictors = 1",
        "--warmup=2, training.warmup_steps = 0",
        "--train-on=all-assistant, data.train_on",
        "--text-field=english, data.fields.TEXT",
    })
    void whatDecidesTheResultMayNot(String option, String named) {
        assertThat(resume("0.1.0", "--max-steps=5", option)).isEqualTo(1);

        assertThat(errors).contains("run.json", "begun with " + named);
    }

    @Test
    void aRunIsNotCutShorterThanItIs() {
        assertThat(resume("0.1.0", "--max-steps=2")).isEqualTo(1);

        assertThat(errors).contains("has taken 3 steps already, more than the 2", "--max-steps");
    }

    @Test
    void anEditedDataFileIsRefusedByItsName() throws IOException {
        Path train = folder.resolve("train.jsonl");
        Files.writeString(train, Files.readString(train).replaceFirst("lines", "words"));

        assertThat(resume("0.1.0", "--max-steps=5")).isEqualTo(1);

        assertThat(errors).contains(train + ": has changed since the run was begun", "SHA-256");
    }

    @Test
    void aRunOfALaterVersionIsRefusedWithThatVersion() throws IOException {
        Path run = folder.resolve("0.1.0").resolve("run.json");
        ObjectNode begun = (ObjectNode) JSON.readTree(run.toFile());
        begun.put("format", 99).putObject("versions").put("dl4j_jepa", "7.0");
        JSON.writeValue(run.toFile(), begun);

        assertThat(resume("0.1.0", "--max-steps=5")).isEqualTo(1);

        assertThat(errors)
                .contains("run.json: has format 99, of a later version of dl4j-jepa (7.0)");
    }

    @Test
    void aRunSaysWhereItComesFrom() throws IOException {
        Path commit = Files.createDirectories(folder.resolve("snapshots")).resolve("5e".repeat(20));
        Files.move(folder.resolve("model"), commit);
        Path output = folder.resolve("output");

        assertThat(
                        run(
                                List.of(
                                        "finetune",
                                        "--model=" + commit,
                                        "--train=" + folder.resolve("train.jsonl"),
                                        "--max-length=96",
                                        "--max-steps=1",
                                        "--output=" + output)))
                .as(errors)
                .isZero();

        JsonNode run = JSON.readTree(output.resolve("run.json").toFile());
        assertThat(run.get("format").intValue()).isEqualTo(1);
        assertThat(run.get("model_revision").textValue()).isEqualTo("5e".repeat(20));
        assertThat(run.get("versions").get("nd4j").textValue()).isEqualTo("1.0.0-M2.1");
        assertThat(run.get("versions").get("backend").textValue()).startsWith("CPU");
        assertThat(run.get("versions").properties()).hasSize(6);
        assertThat(run.get("sha256").properties().stream().map(entry -> entry.getKey()))
                .containsExactly(
                        "train",
                        "tokenizer.json",
                        "tokenizer_config.json",
                        "config.json",
                        "model.safetensors");
    }
}
