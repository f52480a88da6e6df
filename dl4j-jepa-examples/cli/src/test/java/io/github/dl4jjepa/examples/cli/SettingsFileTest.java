package io.github.dl4jjepa.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jjepa.examples.training.TinyModel;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

class SettingsFileTest {
    @TempDir private Path folder;

    private Path model;
    private Path train;
    private String errors = "";

    @BeforeEach
    void writeModelAndPairs() throws IOException {
        model = TinyModel.write(folder.resolve("model"));
        train = TinyModel.writePairs(folder.resolve("train.jsonl"), 8);
    }

    private int run(Object... words) {
        StringWriter err = new StringWriter();
        CommandLine jepa =
                JepaCommand.commandLine()
                        .setOut(new PrintWriter(new StringWriter()))
                        .setErr(new PrintWriter(err));
        List<String> args = new ArrayList<>();
        for (Object word : words) {
            args.add(word.toString());
        }
        int exitCode = JepaCommand.run(jepa, args.toArray(String[]::new));
        errors = err.toString();
        return exitCode;
    }

    private Path settings(String name, String... lines) throws IOException {
        List<String> all = new ArrayList<>();
        all.add("model: " + model);
        all.add("train: [" + train + "]");
        all.add("max-length: 96");
        all.add("max-steps: 2");
        all.addAll(List.of(lines));
        return Files.write(folder.resolve(name), all);
    }

    private static String metrics(Path output, String key) throws IOException {
        List<String> lines = Files.readAllLines(output.resolve("metrics.jsonl"));
        return lines.stream()
                .map(line -> line.replaceAll(".*\"" + key + "\":([^,}]*).*", "$1"))
                .toList()
                .toString();
    }

    @Test
    void aRunIsRepeatedBitForBitFromTheSettingsThatItSaved() throws IOException {
        Path first = folder.resolve("first");
        Path again = folder.resolve("again");
        assertThat(
                        run(
                                "finetune",
                                "--settings",
                                settings(
                                        "run.yaml",
                                        "lambda: 0.5",
                                        "loss-dropout: 0.25",
                                        "learning-rate: 1e-3",
                                        "regularizer: {sigreg: 0.1}",
                                        "distance: info-nce",
                                        "group-by-length: true",
                                        "validation-split: 0.25",
                                        "lora-targets: [q_proj, v_proj]",
                                        "seed: 7"),
                                "--train=" + train + ":2",
                                "--output=" + first))
                .as(errors)
                .isZero();

        assertThat(run("finetune", "--settings", first.resolve("run.yaml"), "--output", again))
                .as(errors)
                .isZero();

        assertThat(again.resolve("adapter_model.safetensors"))
                .hasSameBinaryContentAs(first.resolve("adapter_model.safetensors"));
        assertThat(metrics(again, "loss")).isEqualTo(metrics(first, "loss"));
        assertThat(Files.readString(again.resolve("run.yaml")).replace("again", "first"))
                .isEqualTo(Files.readString(first.resolve("run.yaml")));
    }

    @Test
    void theCommandLineTakesThePlaceOfTheFile() throws IOException {
        Path validation = TinyModel.writePairs(folder.resolve("validation.jsonl"), 3);
        Path file =
                settings("run.yaml", "validation: " + validation, "lambda: 0", "truncate: true");
        Path output = folder.resolve("output");

        assertThat(
                        run(
                                "finetune",
                                "--settings",
                                file,
                                "--output",
                                output,
                                "--max-steps",
                                1,
                                "--validation-split",
                                0.5,
                                "--truncate=false"))
                .as(errors)
                .isZero();

        assertThat(output.resolve("metrics.jsonl")).content().hasLineCount(1);
        assertThat(output.resolve("run.yaml"))
                .content()
                .contains("validation-split: 0.5", "truncate: false", "max-steps: 1")
                .doesNotContain("validation.jsonl");
    }

    @Test
    void jsonHasTheSameMeaning() throws IOException {
        Path yaml = folder.resolve("yaml");
        Path json = folder.resolve("json");
        run("finetune", "--settings", settings("a.yaml", "lambda: 0.5"), "--output", yaml);
        Path file =
                Files.writeString(
                        folder.resolve("a.json"),
                        """
                        {"model": "%s", "train": "%s", "max-length": 96,
                         "max-steps": 2, "lambda": 0.5, "output": "%s"}"""
                                .formatted(model, train, json));

        assertThat(run("finetune", "--settings", file)).as(errors).isZero();

        assertThat(json.resolve("model.safetensors"))
                .hasSameBinaryContentAs(yaml.resolve("model.safetensors"));
    }

    @Test
    void pretrainReadsSettingsToo() throws IOException {
        Path config = folder.resolve("model-bare").resolve("config.json");
        Path file =
                Files.write(
                        folder.resolve("pretrain.yaml"),
                        List.of(
                                "config: " + config,
                                "train: " + train,
                                "max-length: 96",
                                "max-steps: 1"));
        Path first = folder.resolve("first");
        Path again = folder.resolve("again");

        assertThat(run("pretrain", "--settings", file, "--output", first)).as(errors).isZero();
        assertThat(run("pretrain", "--settings", first.resolve("run.yaml"), "--output", again))
                .as(errors)
                .isZero();

        assertThat(again.resolve("model.safetensors"))
                .hasSameBinaryContentAs(first.resolve("model.safetensors"));
    }

    @Test
    void anEvaluationSavesItsSettingsBesideItsPredictions() throws IOException {
        Path file =
                Files.write(
                        folder.resolve("evaluate.yaml"),
                        List.of(
                                "model: " + model,
                                "data: " + train,
                                "task: nl-rx",
                                "limit: 2",
                                "max-new-tokens: 3"));
        Path first = folder.resolve("first.jsonl");
        Path again = folder.resolve("again.jsonl");

        assertThat(run("evaluate", "--settings", file, "--output", first)).as(errors).isZero();
        assertThat(
                        run(
                                "evaluate",
                                "--settings",
                                folder.resolve("first.run.yaml"),
                                "--output",
                                again))
                .as(errors)
                .isZero();

        assertThat(again).hasSameBinaryContentAs(first);
    }

    @Test
    void aRunIsResumedWithTheSettingsThatItSaved() throws IOException {
        Path output = folder.resolve("output");
        run("finetune", "--settings", settings("run.yaml", "lambda: 0.5"), "--output", output);

        assertThat(run("finetune", "--resume", "--output", output)).as(errors).isZero();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "lamda: 1 | finetune has no option 'lamda'; did you mean 'lambda'?",
                "learning_rate: 1 | finetune has no option 'learning_rate'; did you mean 'learning-rate'?",
                "colour: red | finetune has no option 'colour'",
                "epochs: four | Invalid value for option '--epochs': 'four' is not an int",
                "epochs: [1, 2] | 'epochs' takes one value, not a list",
                "epochs: {a: 1} | 'epochs' takes one value, not a map",
                "truncate: perhaps | 'perhaps' is not a boolean",
                "distance: far | expected one of",
                "lambda: | 'lambda' has no value",
                "max-steps: 3 | 'max-steps' is set in line 4 already",
                "resume: true | 'resume' belongs on the command line",
                "train: [[a]] | 'train' is set in line 2 already",
            })
    void refusesWhatAnOptionDoesNotTakeWithItsPlace(String line, String message)
            throws IOException {
        Path file = settings("run.yaml", line);

        assertThat(run("finetune", "--settings", file, "--output", folder.resolve("output")))
                .isNotZero();

        assertThat(errors).contains(file + ":5: ", message);
        assertThat(folder.resolve("output")).doesNotExist();
    }

    @ParameterizedTest
    @ValueSource(strings = {"- a\n- b\n", "5", "[1]"})
    void refusesAFileThatIsNoMap(String text) throws IOException {
        Path file = Files.writeString(folder.resolve("run.yaml"), text);

        assertThat(run("finetune", "--settings", file)).isEqualTo(2);

        assertThat(errors).contains(file + ":1: ", "option: value");
    }

    @ParameterizedTest
    @CsvSource({
        "a.yaml, 'train: [1', line 2",
        "a.json, '{\"lambda\": }', a.json:2: Unexpected character"
    })
    void namesTheLineOfAFault(String name, String text, String message) throws IOException {
        Path file = Files.writeString(folder.resolve(name), "\n" + text);

        assertThat(run("finetune", "--settings", file)).isEqualTo(1);

        assertThat(errors).contains(name, message);
    }

    @Test
    void aMapIsTheTextOfAJsonOption() throws IOException {
        Path file = settings("run.yaml", "template-kwargs: {enable_thinking: false}");

        run("finetune", "--settings", file, "--output", folder.resolve("output"));

        assertThat(errors).contains("no variable 'enable_thinking'");
    }

    @Test
    void namesAFileThatIsMissing() {
        assertThat(run("finetune", "--settings", "no.yaml")).isEqualTo(1);

        assertThat(errors).isEqualToIgnoringNewLines("jepa: no.yaml: no such settings file");
    }

    @Test
    void tellsWhatIsRequiredWhereTheFileHasItNot() throws IOException {
        Path file = Files.writeString(folder.resolve("run.yaml"), "# nothing\n");

        assertThat(run("finetune", "--settings", file, "--model", model)).isEqualTo(2);

        assertThat(errors).contains("Missing required options").contains("--train", "--output");
    }
}
