package io.github.dl4jjepa.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.dl4jjepa.core.iterator.JsonLinesReader;
import io.github.dl4jjepa.core.iterator.MultiViewBatch;
import io.github.dl4jjepa.core.objective.JepaObjective;
import io.github.dl4jjepa.core.objective.TrainingGraph;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.LanguageModelLayout;
import io.github.dl4jjepa.core.view.TokenizedExample;
import io.github.dl4jjepa.examples.training.TinyModel;
import io.github.dl4jjepa.models.chat.ChatModel;
import io.github.dl4jjepa.models.huggingface.CheckpointFolder;
import io.github.dl4jjepa.models.huggingface.PretrainedModel;
import io.github.dl4jjepa.models.tokenizer.ChatExampleEncoder;
import io.github.dl4jjepa.models.tokenizer.ChatTemplate;
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

class EvaluateCommandTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir private Path folder;
    private Path model;
    private Path data;
    private Path output;

    @BeforeEach
    void write() throws IOException {
        model = TinyModel.write(folder.resolve("model"));
        data = TinyModel.writePairs(folder.resolve("pairs.jsonl"), 9);
        output = folder.resolve("predictions.jsonl");
    }

    private record Ran(int exit, String out, String err) {
        JsonNode json() throws IOException {
            assertThat(exit).as(err).isZero();
            return JSON.readTree(out);
        }
    }

    private Ran run(String... options) {
        StringWriter out = new StringWriter();
        StringWriter errors = new StringWriter();
        List<String> args =
                new ArrayList<>(
                        List.of(
                                "evaluate",
                                "--model",
                                model.toString(),
                                "--data",
                                data.toString(),
                                "--batch-size",
                                "1"));
        args.addAll(List.of(options));
        int exit =
                JepaCommand.run(
                        JepaCommand.commandLine()
                                .setOut(new PrintWriter(out, true))
                                .setErr(new PrintWriter(errors, true)),
                        args.toArray(String[]::new));
        return new Ran(exit, out.toString(), errors.toString());
    }

    private Ran evaluate(String... more) {
        List<String> options =
                new ArrayList<>(
                        List.of(
                                "--task",
                                "nl-rx",
                                "--max-new-tokens",
                                "6",
                                "--output",
                                output.toString()));
        options.addAll(List.of(more));
        return run(options.toArray(String[]::new));
    }

    @Test
    void printsSharesWithTheirIntervalsAndKeepsEveryOutputInTheOrderOfTheData() throws IOException {
        JsonNode result = evaluate().json();

        assertThat(result.path("examples").intValue()).isEqualTo(9);
        for (String metric : List.of("exact_match", "content_match", "stopped", "starts_with")) {
            double share = result.path(metric).doubleValue();
            JsonNode interval = result.path("confidence_95").path(metric);
            assertThat(share)
                    .isBetween(interval.path(0).doubleValue(), interval.path(1).doubleValue());
        }
        List<Example> examples = new JsonLinesReader(data).readAll();
        List<String> lines = Files.readAllLines(output);
        assertThat(lines).hasSize(9);
        for (int i = 0; i < 9; i++) {
            JsonNode line = JSON.readTree(lines.get(i));
            assertThat(line.path("source").textValue()).isEqualTo(examples.get(i).source());
            assertThat(line.has("prediction") && line.has("exact_match")).isTrue();
        }
        assertThat(folder.resolve("predictions.jsonl.unfinished.json")).doesNotExist();
    }

    @Test
    void anEvaluationThatBrokeOffIsContinuedAndGivesTheSameResult() throws IOException {
        JsonNode whole = evaluate().json();
        List<String> lines = Files.readAllLines(output);
        Files.delete(output);
        Path settings = folder.resolve("predictions.jsonl.unfinished.json");
        breakOff(settings, lines);

        JsonNode resumed = evaluate("--resume").json();

        assertThat(Files.readAllLines(output)).isEqualTo(lines);
        assertThat(resumed.path("confidence_95")).isEqualTo(whole.path("confidence_95"));
        assertThat(settings).doesNotExist();
        assertThat(evaluate("--resume").err()).contains("is not an unfinished evaluation");
        assertThat(evaluate().err()).contains("exists already; name a new file");
    }

    /** Leaves what a killed process leaves: the settings, whole lines, and half of one. */
    private void breakOff(Path settings, List<String> lines) throws IOException {
        Path killed = folder.resolve("killed.jsonl");
        List<String> names =
                List.of("--task", "nl-rx", "--max-new-tokens", "6", "--output", killed.toString());
        // A folder in the place of the file: the settings are written, then nothing can be.
        Files.createDirectories(folder.resolve("killed.jsonl.tmp"));
        assertThat(run(names.toArray(String[]::new)).exit()).isNotZero();
        Files.move(folder.resolve("killed.jsonl.unfinished.json"), settings);
        Files.writeString(
                output, lines.get(7) + "\n" + lines.get(2) + "\n" + lines.get(4).substring(0, 30));
    }

    @Test
    void anEvaluationIsNotContinuedWithOtherSettings() throws IOException {
        List<String> lines = List.of("{}", "{}", "{}", "{}", "{}" + " ".repeat(40), "", "", "{}");
        breakOff(folder.resolve("predictions.jsonl.unfinished.json"), lines);

        assertThat(
                        run(
                                        "--task",
                                        "nl-rx",
                                        "--max-new-tokens",
                                        "7",
                                        "--output",
                                        output.toString(),
                                        "--resume")
                                .err())
                .contains("was begun with another maximum of new tokens");
        assertThat(evaluate("--resume", "--limit", "3").err())
                .contains("was begun with another prompts");
        assertThat(evaluate().err()).contains("or resume the evaluation that wrote it");
    }

    /** B3 of the authors' faults: prompts were cut to the number of new tokens. */
    @Test
    void aPromptIsNeverCutButRefusedBeforeAnythingIsGenerated() throws IOException {
        String longest = "word ".repeat(4000);
        Files.writeString(
                data,
                Files.readString(data)
                        + "{\"messages\":[{\"role\":\"user\",\"content\":\""
                        + longest
                        + "\"},{\"role\":\"assistant\",\"content\":\"x\"}]}\n");

        Ran ran = evaluate();

        assertThat(ran.exit()).isNotZero();
        assertThat(ran.err()).contains(data + ":10: the prompt has", "exceeds the model's");
        assertThat(output).doesNotExist();
    }

    /** B1 of the authors' faults: generation stopped at the tokenizer's end token only. */
    @Test
    void generationStopsAtTheTemplatesEndOfTurnToo() throws IOException {
        Files.writeString(model.resolve("generation_config.json"), "{\"eos_token_id\": 5}");
        try (ChatModel chat = ChatModel.open(model.toString());
                PretrainedModel opened =
                        PretrainedModel.open(
                                CheckpointFolder.open(model), ChatTemplate.Options.DEFAULT)) {
            assertThat(chat.generationDefaults().endTokenIds())
                    .contains(5, opened.encoder(100).endOfTurnId());
        }
    }

    @Test
    void theLossOfParaphrasesIsThatOfTheTraining() throws IOException {
        double ours = run("--task", "paraphrase").json().path("loss").doubleValue();

        try (PretrainedModel opened =
                PretrainedModel.open(CheckpointFolder.open(model), ChatTemplate.Options.DEFAULT)) {
            ChatExampleEncoder encoder = opened.encoder(200);
            List<TokenizedExample> examples =
                    new JsonLinesReader(data).readAll().stream().map(encoder::encode).toList();
            try (TrainingGraph graph =
                            new TrainingGraph(
                                    opened.loadDecoder(),
                                    JepaObjective.builder().optLambda(0).build());
                    MultiViewBatch batch =
                            MultiViewBatch.of(
                                    examples, new LanguageModelLayout(), encoder.padId())) {
                assertThat(ours).isCloseTo(graph.evaluate(batch).languageModel(), within(1e-5));
            }
        }
    }

    @Test
    void aTaskThatGeneratesNothingDoesNotBeginToWhenToldANumberOfTokens() throws IOException {
        run("--task", "paraphrase", "--max-new-tokens", "5", "--output", output.toString()).json();
        assertThat(Files.readAllLines(output))
                .hasSize(9)
                .allMatch(line -> line.contains("\"prediction\":\"\""));
    }

    @Test
    void aTaskMayBeDeclaredInYamlOrJson() throws IOException {
        Files.writeString(
                data, "{\"q\": \"a vowel\", \"a\": \"yes\"}\n{\"q\": \"dog\", \"a\": \"no\"}\n");
        Path yaml = folder.resolve("vowels.yaml");
        Files.writeString(
                yaml,
                """
                name: vowels
                prompt: "Is {q} one?"
                answer: "{a}"
                scorer: [exact, likelihood]
                choices: ["yes", "no"]
                max_new_tokens: 3
                """);
        JsonNode result = run("--task", yaml.toString()).json();
        assertThat(result.path("task").textValue()).isEqualTo("vowels");
        assertThat(result.path("likelihood_match").isNumber()).isTrue();

        Path json = folder.resolve("vowels.json");
        Files.writeString(json, "{\"name\": \"vowels\",\n\"prompt\": oops}");
        assertThat(run("--task", json.toString()).err()).contains("vowels.json, line 2, column ");
    }

    @Test
    void optionsThatDoNotFitAreRefused() {
        assertThat(run("--task", "nl-rx", "--resume").err()).contains("--resume needs --output");
        assertThat(run("--task", "nl-rx", "--databases", folder.toString()).err())
                .contains("--databases belongs to the task spider, not nl-rx");
        assertThat(run("--task", "nlrx").err()).contains("there is no task 'nlrx'", "spider");
    }
}
