package io.github.dl4jjepa.examples.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.iterator.ExampleSplit;
import io.github.dl4jjepa.core.iterator.JsonLinesReader;
import io.github.dl4jjepa.core.objective.JepaObjective;
import io.github.dl4jjepa.core.training.StepMetrics;
import io.github.dl4jjepa.core.training.TrainerListener;
import io.github.dl4jjepa.core.training.TrainingOptions;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.models.chat.ChatModel;
import io.github.dl4jjepa.models.evaluation.Score;
import io.github.dl4jjepa.models.evaluation.TaskEvaluation;
import io.github.dl4jjepa.models.evaluation.Tasks;
import io.github.dl4jjepa.models.finetuning.FineTuning;
import io.github.dl4jjepa.models.finetuning.FineTuningResult;
import io.github.dl4jjepa.models.tokenizer.ModelTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FineTuningTest {
    @TempDir private Path folder;

    private Path model;
    private Path train;

    @BeforeEach
    void writeModelAndPairs() throws IOException {
        model = TinyModel.write(folder.resolve("model"));
        train = TinyModel.writePairs(folder.resolve("train.jsonl"), 22);
    }

    private FineTuning tuning(double lambda, long maxSteps, Path output) {
        return builder(lambda, maxSteps, output).build();
    }

    private FineTuning.Builder builder(double lambda, long maxSteps, Path output) {
        return FineTuning.of(model.toString())
                .setTrain(train)
                .setOutput(output)
                .optValidationSplit(0.1)
                .optObjective(JepaObjective.builder().optLambda(lambda).optLossDropout(0.3).build())
                .optLinearPredictor(true)
                .optPredictors(2)
                .optBatchSize(4)
                .optGroupByLength(true)
                .optGradientCheckpointing(true)
                .optMaxLength(96)
                .optSeed(7)
                .optTraining(training(maxSteps));
    }

    private static TrainingOptions training(long maxSteps) {
        return TrainingOptions.builder()
                .optMaxSteps(maxSteps)
                .optGradientAccumulationSteps(2)
                .optLearningRate(1e-2)
                .optWarmupSteps(2)
                .optWeightDecay(0.1)
                .optEvaluateEvery(3)
                .optCheckpointEvery(2)
                .build();
    }

    private List<ObjectNode> metrics(Path output) throws IOException {
        List<ObjectNode> lines = new ArrayList<>();
        for (String line : Files.readAllLines(output.resolve("metrics.jsonl"))) {
            lines.add((ObjectNode) new ObjectMapper().readTree(line));
        }
        return lines;
    }

    @Test
    void bothLossesFallAndTheFolderAnswers() throws IOException {
        Path output = folder.resolve("out");
        FineTuningResult result = tuning(1, 30, output).run();

        List<ObjectNode> metrics = metrics(output);
        assertThat(metrics).hasSize(30);
        assertThat(metrics.get(29).get("lm_loss").asDouble())
                .isLessThan(0.8 * metrics.get(0).get("lm_loss").asDouble());
        assertThat(metrics.get(29).get("jepa_loss").asDouble())
                .isLessThan(0.5 * metrics.get(0).get("jepa_loss").asDouble());
        assertThat(metrics.get(2).has("validation_loss")).isTrue();
        assertThat(result.steps()).isEqualTo(30);
        assertThat(output)
                .isDirectoryContaining("glob:**config.json")
                .isDirectoryContaining("glob:**run.json");
        try (ModelTokenizer tokenizer = ModelTokenizer.open(output);
                ChatModel chat = ChatModel.open(output.toString())) {
            assertThat(tokenizer.predictorIds()).containsExactly(448, 449);
            assertThat(chat).isNotNull();
        }
    }

    @Test
    void plainTrainingEncodesNoViewsAndAddsNoPredictors() throws IOException {
        Path output = folder.resolve("plain");
        tuning(0, 2, output).run();
        assertThat(metrics(output))
                .allSatisfy(line -> assertThat(line.get("jepa_loss").isNull()).isTrue());
        try (ModelTokenizer tokenizer = ModelTokenizer.open(output)) {
            assertThat(tokenizer.predictorIds()).isEmpty();
        }
    }

    @Test
    void aRunThatWasInterruptedAndResumedEqualsOneThatWasNot() throws IOException {
        Path whole = folder.resolve("whole");
        tuning(1, 12, whole).run();
        Path broken = folder.resolve("broken");
        TrainerListener power =
                new TrainerListener() {
                    @Override
                    public void onStep(StepMetrics metrics) {
                        if (metrics.step() == 7) {
                            throw new IllegalStateException("power cut");
                        }
                    }
                };
        assertThatThrownBy(() -> builder(1, 12, broken).optListener(power).build().run())
                .hasMessage("power cut");

        tuning(1, 12, broken).resume();

        assertThat(broken.resolve("model.safetensors"))
                .hasSameBinaryContentAs(whole.resolve("model.safetensors"));
        List<ObjectNode> expected = metrics(whole);
        List<ObjectNode> actual = metrics(broken);
        expected.forEach(line -> line.remove("seconds"));
        actual.forEach(line -> line.remove("seconds"));
        assertThat(actual).isEqualTo(expected);
    }

    @Test
    void refusesToResumeWithOtherSettingsNamingTheKey() {
        Path output = folder.resolve("out");
        tuning(1, 2, output).run();
        assertThatThrownBy(() -> tuning(0.5, 2, output).resume())
                .isInstanceOf(JepaException.class)
                .hasMessageContainingAll("run.json", "lambda", "1.0", "0.5");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "train.jsonl",
                "model/model.safetensors",
                "model/config.json",
                "model/tokenizer.json",
                "model/tokenizer_config.json"
            })
    void refusesToResumeWithAnEditedFileNamingIt(String edited) throws IOException {
        Path output = folder.resolve("out");
        tuning(1, 2, output).run();
        Path file = folder.resolve(edited);
        byte[] content = Files.readAllBytes(file);
        Files.write(file, Arrays.copyOf(content, content.length + 1));

        assertThatThrownBy(() -> tuning(1, 2, output).resume())
                .isInstanceOf(JepaException.class)
                .hasMessageContainingAll(file.toString(), "has changed", "SHA-256", "run.json");
    }

    @Test
    void refusesToResumeWithoutAFileThatTheRunWasBegunWith() throws IOException {
        Path output = folder.resolve("out");
        tuning(1, 2, output).run();
        Files.delete(model.resolve("tokenizer_config.json"));

        assertThatThrownBy(() -> tuning(1, 2, output).resume())
                .isInstanceOf(JepaException.class)
                .hasMessageContainingAll("run.json", "tokenizer_config.json", "missing");
    }

    @Test
    void resumesWithFilesThatWereMovedOrRenamed() throws IOException {
        Path output = folder.resolve("out");
        tuning(1, 2, output).run();
        train = Files.move(train, folder.resolve("renamed.jsonl"));
        model = Files.move(model, folder.resolve("moved"));

        assertThat(tuning(1, 2, output).resume().steps()).isEqualTo(2);
    }

    @Test
    void resumesARunOfAnEarlierVersionThatKeptNoHashes() throws IOException {
        Path output = folder.resolve("out");
        tuning(1, 2, output).run();
        Path file = output.resolve("run.json");
        ObjectMapper json = new ObjectMapper();
        ObjectNode run = (ObjectNode) json.readTree(file.toFile());
        run.remove("sha256");
        json.writeValue(file.toFile(), run);

        assertThat(tuning(1, 2, output).resume().steps()).isEqualTo(2);
    }

    @Test
    void trainingAgainWithKnownPredictorsKeepsWhatTheyLearnt() throws IOException {
        Path first = folder.resolve("first");
        tuning(1, 2, first).run();
        model = first;
        Path second = folder.resolve("second");
        tuning(1, 2, second).run();
        try (ModelTokenizer tokenizer = ModelTokenizer.open(second)) {
            assertThat(tokenizer.predictorIds()).containsExactly(448, 449);
            assertThat(tokenizer.vocabularySize()).isEqualTo(450);
        }
    }

    @Test
    void pretrainsFromAConfigurationAlone() {
        Path bare = folder.resolve("model-bare");
        FineTuningResult result =
                FineTuning.of(bare.toString())
                        .setTrain(train)
                        .setOutput(folder.resolve("pretrained"))
                        .optConfig(bare.resolve("config.json"))
                        .optBatchSize(4)
                        .optMaxLength(96)
                        .optTraining(training(2))
                        .build()
                        .run();
        assertThat(result.lmLoss()).isPositive();
    }

    @Test
    void answersDuringTrainingComeFromTheWeightsOfTheirStepAndChangeNothing() throws IOException {
        Path output = folder.resolve("output");
        builder(1, 4, output).optGenerateEvery(2, Tasks.named("paraphrase"), 3).build().run();
        Path other = folder.resolve("other");
        builder(1, 4, other).optGenerateEvery(4, Tasks.named("nl-rx"), 3).build().run();

        List<String> lines = Files.readAllLines(output.resolve("generated.jsonl"));
        JsonNode second = new ObjectMapper().readTree(lines.get(0));
        JsonNode last = new ObjectMapper().readTree(lines.get(1));
        assertThat(lines).hasSize(2);
        assertThat(second.path("step").intValue()).isEqualTo(2);
        assertThat(last.path("step").intValue()).isEqualTo(4);
        assertThat(Files.readAllLines(other.resolve("generated.jsonl")))
                .singleElement()
                .asString()
                .startsWith("{\"step\":4,\"examples\":2,\"exact_match\":0.0,");
        List<Example> sample =
                ExampleSplit.of(new JsonLinesReader(train).readAll(), 0.1, 7).validation();
        try (ChatModel model = ChatModel.open(output.toString())) {
            Score score =
                    TaskEvaluation.builder()
                            .setModel(model)
                            .setTask(Tasks.named("paraphrase"))
                            .build()
                            .run(sample);
            double loss = score.measures().get("loss").mean();
            assertThat(last.path("loss").doubleValue()).isCloseTo(loss, within(1e-5));
            assertThat(second.path("loss").doubleValue()).isNotCloseTo(loss, within(1e-3));
        }
        assertThat(metrics(output).stream().map(line -> line.path("loss")))
                .containsExactlyElementsOf(
                        metrics(other).stream().map(line -> line.path("loss")).toList());
    }

    @Test
    void answersDuringTrainingNeedValidationData() {
        FineTuning.Builder builder =
                builder(1, 4, folder.resolve("output"))
                        .optValidationSplit(0)
                        .optGenerateEvery(2, Tasks.named("nl-rx"), 3);
        assertThatThrownBy(builder::build)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("needs validation data");
    }
}
