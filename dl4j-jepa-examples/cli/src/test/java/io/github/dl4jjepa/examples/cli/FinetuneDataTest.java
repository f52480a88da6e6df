package io.github.dl4jjepa.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
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
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** What finetune and pretrain do with data files. */
class FinetuneDataTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir private Path folder;

    private Path model;
    private Path train;
    private final StringWriter err = new StringWriter();

    @BeforeEach
    void writeModelAndPairs() throws IOException {
        model = TinyModel.write(folder.resolve("model"));
        train = TinyModel.writePairs(folder.resolve("train.jsonl"), 8);
    }

    private int jepa(String command, String output, String... options) {
        List<String> args = new ArrayList<>(List.of(command));
        args.addAll(List.of("--output", folder.resolve(output).toString()));
        args.addAll(List.of("--max-length", "96", "--batch-size", "1", "--epochs", "1"));
        args.addAll(List.of(options));
        CommandLine jepa =
                JepaCommand.commandLine()
                        .setOut(new PrintWriter(new StringWriter()))
                        .setErr(new PrintWriter(err));
        return JepaCommand.run(jepa, args.toArray(String[]::new));
    }

    private int finetune(String output, String... options) {
        List<String> args = new ArrayList<>(List.of("--model", model.toString()));
        args.addAll(List.of(options));
        return jepa("finetune", output, args.toArray(String[]::new));
    }

    private int steps(String output) throws IOException {
        return Files.readAllLines(folder.resolve(output).resolve("metrics.jsonl")).size();
    }

    private Path write(String name, String content) throws IOException {
        return Files.writeString(folder.resolve(name), content);
    }

    @Test
    void severalFilesAreTrainedOnInTheirWeightsAndKnownByTheirContent() throws IOException {
        Path table = write("more.csv", "text,code\na vowel,[aeiou]\na digit,[0-9]\n");
        String[] files = {"--train", train + ":0.5", "--train", table + ":3"};
        assertThat(finetune("out", files)).as("%s", err).isZero();

        assertThat(steps("out")).isEqualTo(4 + 6);
        JsonNode run = JSON.readTree(folder.resolve("out/run.json").toFile());
        assertThat(run.path("train")).hasSize(2);
        assertThat(run.path("data").path("weights").toString()).isEqualTo("[0.5,3.0]");
        assertThat(run.path("sha256").has("train")).isTrue();
        assertThat(run.path("sha256").has("train 2")).isTrue();

        assertThat(finetune("out", "--resume", "--train", train + ":0.5", "--train", table + ":2"))
                .isNotZero();
        assertThat(err.toString()).contains("weights = [0.5,3.0], not [0.5,2.0]");
        assertThat(finetune("out", "--resume", "--train", train + ":0.5")).isNotZero();
        assertThat(err.toString()).contains("begun with train 2, which is missing now");
        Files.writeString(table, "text,code\na vowel,[aeiou]\na digit,[0-8]\n");
        assertThat(finetune("out", "--resume", files[0], files[1], files[2], files[3])).isNotZero();
        assertThat(err.toString()).contains(table + ": has changed since the run was begun");
    }

    @Test
    void aRunThatAnEarlierVersionBeganIsResumed() throws IOException {
        assertThat(finetune("out", "--train", train.toString())).as("%s", err).isZero();
        Path file = folder.resolve("out/run.json");
        ObjectNode run = (ObjectNode) JSON.readTree(file.toFile());
        run.remove("data");
        run.put("train", train.toString());
        JSON.writeValue(file.toFile(), run);

        assertThat(finetune("out", "--resume", "--train", train.toString())).as("%s", err).isZero();
        assertThat(finetune("out", "--resume", "--train", train.toString(), "--truncate"))
                .isNotZero();
        assertThat(err.toString()).contains("data.truncate");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "a.csv|question,sql\\na vowel,[aeiou]\\n|--text-field question --code-field sql",
                "a.tsv|prompt\tcompletion\\na vowel\t[aeiou]\\n|",
                "a.json|[{\"instruction\": \"a vowel\", \"output\": \"[aeiou]\"}]|--format alpaca",
                "a.jsonl|{\"q\": \"a vowel\", \"a\": \"x\"}|--prompt-field q --completion-field a",
            })
    void formatsAreChosenByContentOrByOption(String file) throws IOException {
        String[] parts = file.split("\\|", 3);
        Path data = write(parts[0], parts[1].replace("\\n", "\n"));
        List<String> options = new ArrayList<>(List.of("--train", data.toString()));
        if (!parts[2].isEmpty()) {
            options.addAll(List.of(parts[2].split(" ")));
        }
        assertThat(finetune("out", options.toArray(String[]::new))).as("%s", err).isZero();
        assertThat(steps("out")).isEqualTo(1);
    }

    @Test
    void aFormatThatCannotBeToldIsRefusedWithTheOptions() throws IOException {
        Path data = write("a.jsonl", "{\"question\": \"p\", \"answer\": \"c\"}\n");
        assertThat(finetune("out", "--train", data.toString())).isNotZero();
        assertThat(err.toString())
                .contains("a.jsonl:1: the first example has the keys [question, answer]")
                .contains("--prompt-field and --completion-field");
        assertThat(folder.resolve("out")).doesNotExist();
    }

    @Test
    void plainTextTrainsAModelWithoutChatTemplateInBlocks() throws IOException {
        withoutTemplate();
        Path text = write("book.txt", "lines with a vowel and a dog\n".repeat(40));
        assertThat(finetune("out", "--train", text.toString(), "--lambda", "0"))
                .as("%s", err)
                .isZero();
        assertThat(steps("out")).isGreaterThan(2);
    }

    @Test
    void viewsWithoutConversationTrainTheJepaTermAlone() throws IOException {
        withoutTemplate();
        Path pairs =
                write(
                        "pairs.jsonl",
                        "{\"text\": \"a vowel\", \"code\": \"[aeiou]\"}\n"
                                + "{\"text\": \"a digit\", \"code\": \"[0-9]\"}\n");
        assertThat(finetune("out", "--train", pairs.toString(), "--gamma", "0"))
                .as("%s", err)
                .isZero();
        JsonNode step =
                JSON.readTree(Files.readAllLines(folder.resolve("out/metrics.jsonl")).get(0));
        assertThat(step.get("jepa_loss").doubleValue()).isPositive();
    }

    @Test
    void aLongRowIsRefusedUnlessItIsCut() throws IOException {
        Path data =
                write(
                        "long.jsonl",
                        "{\"text\": \"a vowel\", \"code\": \"" + "[aeiou]".repeat(60) + "\"}\n");
        assertThat(finetune("out", "--train", data.toString())).isNotZero();
        assertThat(err.toString()).contains("long.jsonl:1: the row has");
        assertThat(finetune("cut", "--train", data.toString(), "--truncate"))
                .as("%s", err)
                .isZero();
    }

    @Test
    void pretrainingOnPairsAndFinetuningOnLabelsRunsWithTheseCommands() throws IOException {
        Path paraphrases =
                write(
                        "paraphrases.jsonl",
                        "{\"text\": \"a dog with a vowel\", \"code\": \"a vowel with a dog\"}\n"
                                .repeat(4));
        Path reviews =
                write(
                        "reviews.jsonl",
                        "{\"messages\": [{\"role\": \"user\", \"content\": \"a dog\"},"
                                + " {\"role\": \"assistant\", \"content\": \"Bad\"}]}\n");
        assertThat(
                        jepa(
                                "pretrain",
                                "pretrained",
                                "--config",
                                model.resolve("config.json").toString(),
                                "--train",
                                paraphrases.toString()))
                .as("%s", err)
                .isZero();
        model = folder.resolve("pretrained");
        assertThat(finetune("finetuned", "--train", reviews.toString(), "--lambda", "0"))
                .as("%s", err)
                .isZero();
        assertThat(steps("finetuned")).isEqualTo(1);
    }

    private void withoutTemplate() throws IOException {
        Files.deleteIfExists(model.resolve("chat_template.jinja"));
        Path config = model.resolve("tokenizer_config.json");
        ObjectNode settings = (ObjectNode) JSON.readTree(config.toFile());
        settings.remove("chat_template");
        JSON.writeValue(config.toFile(), settings);
    }
}
