package io.github.dl4jjepa.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.dl4jjepa.examples.training.TinyModel;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

class SweepCommandTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir private Path folder;

    private Path settings;
    private Path output;
    private String out = "";
    private String errors = "";

    @BeforeEach
    void writeModelAndSettings() throws IOException {
        Path model = TinyModel.write(folder.resolve("model"));
        Path train = TinyModel.writePairs(folder.resolve("train.jsonl"), 8);
        output = folder.resolve("sweep");
        settings =
                Files.write(
                        folder.resolve("sweep.yaml"),
                        List.of(
                                "model: " + model,
                                "train: [" + train + "]",
                                "validation: " + train,
                                "max-length: 96",
                                "max-steps: 1",
                                "learning-rate: 1e-2",
                                "grid:",
                                "  lambda: [0.5, 2]",
                                "  predictors: [0, 1]",
                                "  seed: [1, 2]",
                                "also: [{lambda: 0}]"));
    }

    private int run(Object... words) {
        StringWriter err = new StringWriter();
        StringWriter result = new StringWriter();
        CommandLine jepa =
                JepaCommand.commandLine()
                        .setOut(new PrintWriter(result))
                        .setErr(new PrintWriter(new BufferedWriter(err), true)); // as main has it
        List<String> args = new ArrayList<>();
        for (Object word : words) {
            args.add(word.toString());
        }
        int exitCode = JepaCommand.run(jepa, args.toArray(String[]::new));
        out = result.toString();
        errors = err.toString();
        return exitCode;
    }

    private JsonNode result() throws IOException {
        return JSON.readTree(out);
    }

    @Test
    void comparesTheArmsOnTheValidationDataAndDraws() throws IOException {
        assertThat(run("sweep", "--settings", settings, "--output", output)).as(errors).isZero();

        assertThat(result().get("runs").intValue()).isEqualTo(10);
        assertThat(result().get("metric").textValue()).isEqualTo("lm_loss");
        assertThat(result().get("failed")).isEmpty();
        assertThat(result().get("figures").get(0).textValue()).isEqualTo("sweep");
        assertThat(output.resolve("figures"))
                .isDirectoryContaining("glob:**sweep.png")
                .isDirectoryContaining("glob:**sweep.svg");
        assertThat(output.resolve("runs").resolve("lambda=0.5_predictors=1_seed=2"))
                .isDirectoryContaining("glob:**run.yaml")
                .isDirectoryContaining("glob:**result.json");
        assertThat(Files.readAllLines(output.resolve("sweep.csv")))
                .hasSize(6)
                .first()
                .asString()
                .startsWith("lambda,predictors,runs,failed,lm_loss,deviation,plain,difference,p,");
        assertThat(Files.readAllLines(output.resolve("runs.csv"))).hasSize(11);
        assertThat(errors)
                .contains("p (Holm)", "for 4 comparisons", "less is better; the mean of 2 seeds");
    }

    @Test
    void makesOnlyTheRunsThatAreMissing() throws IOException {
        run("sweep", "--settings", settings, "--output", output);
        String before = Files.readString(output.resolve("sweep.csv"));
        Path runs = output.resolve("runs");
        Path kept = runs.resolve("lambda=2_predictors=0_seed=1").resolve("model.safetensors");
        Path missing = runs.resolve("lambda=2_predictors=1_seed=1").resolve("result.json");
        FileTime past = FileTime.fromMillis(1_000_000);
        Files.setLastModifiedTime(kept, past);
        Files.delete(missing);
        Path killedAtItsStart = runs.resolve("lambda=0_seed=2");
        Files.move(killedAtItsStart, folder.resolve("elsewhere"));
        Files.createDirectory(killedAtItsStart);
        Files.writeString(killedAtItsStart.resolve("run.json.tmp"), "{");

        assertThat(run("sweep", "--resume", "--output", output)).as(errors).isZero();

        assertThat(Files.getLastModifiedTime(kept)).isEqualTo(past);
        assertThat(missing).exists();
        assertThat(output.resolve("sweep.csv")).hasContent(before.strip());
    }

    @Test
    void aFinishedRunOfOtherSettingsIsNotTakenOver() {
        run("sweep", "--settings", settings, "--output", output);

        assertThat(run("sweep", "--resume", "--output", output, "--loss-dropout", "0.5"))
                .isEqualTo(1);

        assertThat(errors).contains("run.json", "begun with objective.loss_dropout = 0.0, not 0.5");
    }

    @Test
    void aRunThatDivergesIsKeptAndShown() throws IOException {
        assertThat(
                        run(
                                "sweep",
                                "--settings",
                                settings,
                                "--output",
                                output,
                                "--grid",
                                "learning-rate=1e-3,1e30",
                                "--also=",
                                "--max-steps=4",
                                "--max-grad-norm=0"))
                .isEqualTo(2);
        assertThat(errors).contains("--also: '' is not NAME=VALUE");

        assertThat(
                        run(
                                "sweep",
                                "--settings",
                                settings,
                                "--output",
                                output,
                                "--grid",
                                "learning-rate=1e-3,1e30",
                                "--also",
                                "lambda=0,learning-rate=1e-3",
                                "--max-steps=4",
                                "--max-grad-norm=0"))
                .as(errors)
                .isZero();

        assertThat(result().get("failed").get(0).textValue())
                .isEqualTo("learning-rate=1e30_seed=42");
        assertThat(errors).contains("failed: Step ", "Delete ", "to run it again");
        assertThat(run("sweep", "--resume", "--output", output)).isZero();
        assertThat(result().get("failed")).hasSize(1);
    }

    @Test
    void theTestDataAreScoredOnce() throws IOException {
        Path test = TinyModel.writePairs(folder.resolve("test.jsonl"), 3);
        Object[] sweep = {
            "sweep",
            "--settings",
            settings,
            "--output",
            output,
            "--task",
            "paraphrase",
            "--test",
            test,
            "--grid",
            "lambda=0,1",
            "--also",
            "lambda=3"
        };
        assertThat(run(sweep)).as(errors).isZero();
        assertThat(result().get("metric").textValue()).isEqualTo("loss");
        assertThat(result().get("test").get("loss")).hasSize(1);
        String scores = result().get("test").toString();
        Files.delete(test);

        assertThat(run("sweep", "--resume", "--output", output)).as(errors).isZero();
        assertThat(result().get("test").toString()).isEqualTo(scores);

        Path kept = output.resolve("test.json");
        ObjectNode other = (ObjectNode) JSON.readTree(kept.toFile());
        JSON.writeValue(kept.toFile(), other.put("winner", "lambda=9"));
        assertThat(run("sweep", "--resume", "--output", output)).isEqualTo(1);
        assertThat(errors).contains("test.json: the test data have judged lambda=9 already");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--grid=lamda=1,2 | finetune has no option 'lamda'; did you mean 'lambda'?",
                "--grid=output=a,b | all runs of a sweep have the same --output",
                "--grid=validation-split=0.1,0.2 | all runs of a sweep have the same",
                "--grid=seed=a | 'a' is no seed",
                "--grid=lambda=1,one | 'one' is not a double",
                "--grid=lambda=1,1 | not all different",
                "--grid=loss-dropout=0.1,7 | lossDropout",
                "--also=lambda | 'lambda' is not NAME=VALUE",
                "--also=seed=3 | all settings have the seeds",
                "--test=a.jsonl | test data need a task",
            })
    void refusesASweepThatCannotBeBeforeItsFirstRun(String option, String message) {
        assertThat(run("sweep", "--settings", settings, "--output", output, option)).isEqualTo(2);

        assertThat(errors).contains(message);
        assertThat(output).doesNotExist();
    }

    @Test
    void refusesAMetricThatThereIsNot() {
        assertThat(run("sweep", "--settings", settings, "--output", output, "--metric", "accuracy"))
                .isEqualTo(1);

        assertThat(errors).contains("no metric 'accuracy' among", "lm_loss", "paired_cosine");
    }

    @Test
    void refusesASweepWithoutValidationData() throws IOException {
        Files.writeString(
                settings, Files.readString(settings).replaceFirst("validation: .*", "# none"));

        assertThat(run("sweep", "--settings", settings, "--output", output)).isEqualTo(1);

        assertThat(errors).contains("a sweep compares runs on validation data");
    }

    @Test
    void suggestsALearningRateBeforeTheLossRises() throws IOException {
        assertThat(
                        run(
                                "sweep",
                                "--find-learning-rate",
                                "--settings",
                                settings,
                                "--output",
                                output,
                                "--max-steps=40"))
                .as(errors)
                .isZero();

        assertThat(result().get("learning_rate").doubleValue()).isBetween(1e-4, 0.5);
        assertThat(output)
                .isDirectoryContaining("glob:**learning-rate.png")
                .isDirectoryContaining("glob:**learning-rate.csv");
        assertThat(errors).contains("learning rate", "Steepest fall at");
    }
}
