package io.github.dl4jjepa.examples.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.iterator.Pairing;
import io.github.dl4jjepa.core.objective.DistanceKind;
import io.github.dl4jjepa.core.objective.InfoNce;
import io.github.dl4jjepa.core.training.StepMetrics;
import io.github.dl4jjepa.core.training.TrainingListener;
import io.github.dl4jjepa.core.training.TrainingOptions;
import io.github.dl4jjepa.core.view.LayoutKind;
import io.github.dl4jjepa.core.view.ViewOptions;
import io.github.dl4jjepa.models.tokenizer.Tokenizer;
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

class TrainingJobTest {
    private static final ViewSettings VIEWS =
            new ViewSettings(
                    2,
                    false,
                    ViewOptions.PredictorPlacement.AFTER,
                    ViewOptions.Direction.FORWARD,
                    ViewOptions.TextView.IN_CONTEXT,
                    ViewOptions.Pooling.LAST_TOKEN,
                    LayoutKind.SHARED_PREFIX,
                    Pairing.MATCHED);

    private static final TrainingListener NOBODY = new TrainingListener() {};

    @TempDir private Path folder;

    private Path model;
    private Path train;

    @BeforeEach
    void writeModelAndPairs() throws IOException {
        model = TinyModel.write(folder.resolve("model"));
        train = TinyModel.writePairs(folder.resolve("train.jsonl"), 22);
    }

    private TrainingSettings settings(double lambda, long maxSteps) {
        return new TrainingSettings(
                model.toString(),
                TemplateSettings.DEFAULT,
                null,
                train,
                null,
                0.1,
                ObjectiveSettings.of(DistanceKind.COSINE, lambda, InfoNce.DEFAULT_TEMPERATURE, 0.3),
                true,
                VIEWS,
                4,
                true,
                true,
                96,
                7,
                TrainingOptions.builder()
                        .optMaxSteps(maxSteps)
                        .optAccumulate(2)
                        .optLearningRate(1e-2)
                        .optWarmupSteps(2)
                        .optWeightDecay(0.1)
                        .optEvaluateEvery(3)
                        .optCheckpointEvery(2)
                        .build());
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
        TrainingResult result = new TrainingJob(settings(1, 30), output).run(false, NOBODY);

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
        try (Tokenizer tokenizer = Tokenizer.open(output);
                ChatModel chat = ChatModel.open(output.toString())) {
            assertThat(tokenizer.predictorIds()).containsExactly(448, 449);
            assertThat(chat).isNotNull();
        }
    }

    @Test
    void plainTrainingEncodesNoViewsAndAddsNoPredictors() throws IOException {
        Path output = folder.resolve("plain");
        new TrainingJob(settings(0, 2), output).run(false, NOBODY);
        assertThat(metrics(output))
                .allSatisfy(line -> assertThat(line.get("jepa_loss").isNull()).isTrue());
        try (Tokenizer tokenizer = Tokenizer.open(output)) {
            assertThat(tokenizer.predictorIds()).isEmpty();
        }
    }

    @Test
    void aRunThatWasInterruptedAndResumedEqualsOneThatWasNot() throws IOException {
        Path whole = folder.resolve("whole");
        new TrainingJob(settings(1, 12), whole).run(false, NOBODY);
        Path broken = folder.resolve("broken");
        TrainingListener power =
                new TrainingListener() {
                    @Override
                    public void onStep(StepMetrics metrics) {
                        if (metrics.step() == 7) {
                            throw new IllegalStateException("power cut");
                        }
                    }
                };
        assertThatThrownBy(() -> new TrainingJob(settings(1, 12), broken).run(false, power))
                .hasMessage("power cut");

        new TrainingJob(settings(1, 12), broken).run(true, NOBODY);

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
        new TrainingJob(settings(1, 2), output).run(false, NOBODY);
        assertThatThrownBy(() -> new TrainingJob(settings(0.5, 2), output).run(true, NOBODY))
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
        new TrainingJob(settings(1, 2), output).run(false, NOBODY);
        Path file = folder.resolve(edited);
        byte[] content = Files.readAllBytes(file);
        Files.write(file, Arrays.copyOf(content, content.length + 1));

        assertThatThrownBy(() -> new TrainingJob(settings(1, 2), output).run(true, NOBODY))
                .isInstanceOf(JepaException.class)
                .hasMessageContainingAll(file.toString(), "has changed", "SHA-256", "run.json");
    }

    @Test
    void refusesToResumeWithoutAFileThatTheRunWasBegunWith() throws IOException {
        Path output = folder.resolve("out");
        new TrainingJob(settings(1, 2), output).run(false, NOBODY);
        Files.delete(model.resolve("tokenizer_config.json"));

        assertThatThrownBy(() -> new TrainingJob(settings(1, 2), output).run(true, NOBODY))
                .isInstanceOf(JepaException.class)
                .hasMessageContainingAll("run.json", "tokenizer_config.json", "missing");
    }

    @Test
    void resumesWithFilesThatWereMovedOrRenamed() throws IOException {
        Path output = folder.resolve("out");
        new TrainingJob(settings(1, 2), output).run(false, NOBODY);
        train = Files.move(train, folder.resolve("renamed.jsonl"));
        model = Files.move(model, folder.resolve("moved"));

        assertThat(new TrainingJob(settings(1, 2), output).run(true, NOBODY).steps()).isEqualTo(2);
    }

    @Test
    void resumesARunOfAnEarlierVersionThatKeptNoHashes() throws IOException {
        Path output = folder.resolve("out");
        new TrainingJob(settings(1, 2), output).run(false, NOBODY);
        Path file = output.resolve("run.json");
        ObjectMapper json = new ObjectMapper();
        ObjectNode run = (ObjectNode) json.readTree(file.toFile());
        run.remove("sha256");
        json.writeValue(file.toFile(), run);

        assertThat(new TrainingJob(settings(1, 2), output).run(true, NOBODY).steps()).isEqualTo(2);
    }

    @Test
    void trainingAgainWithKnownPredictorsKeepsWhatTheyLearnt() throws IOException {
        Path first = folder.resolve("first");
        new TrainingJob(settings(1, 2), first).run(false, NOBODY);
        model = first;
        Path second = folder.resolve("second");
        new TrainingJob(settings(1, 2), second).run(false, NOBODY);
        try (Tokenizer tokenizer = Tokenizer.open(second)) {
            assertThat(tokenizer.predictorIds()).containsExactly(448, 449);
            assertThat(tokenizer.vocabularySize()).isEqualTo(450);
        }
    }

    @Test
    void pretrainsFromAConfigurationAlone() {
        TrainingSettings finetune = settings(1, 2);
        TrainingSettings pretrain =
                new TrainingSettings(
                        folder.resolve("model-bare").toString(),
                        TemplateSettings.DEFAULT,
                        folder.resolve("model-bare/config.json"),
                        train,
                        null,
                        0,
                        ObjectiveSettings.cosine(1),
                        false,
                        VIEWS,
                        4,
                        false,
                        false,
                        96,
                        7,
                        finetune.training());
        TrainingResult result =
                new TrainingJob(pretrain, folder.resolve("pretrained")).run(false, NOBODY);
        assertThat(result.lmLoss()).isPositive();
    }
}
