package io.github.dl4jjepa.examples.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.objective.Calibration;
import io.github.dl4jjepa.core.objective.JepaObjective;
import io.github.dl4jjepa.core.objective.TargetMode;
import io.github.dl4jjepa.core.training.StepMetrics;
import io.github.dl4jjepa.core.training.TrainerListener;
import io.github.dl4jjepa.core.training.TrainingOptions;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.Message;
import io.github.dl4jjepa.models.chat.ChatModel;
import io.github.dl4jjepa.models.decoder.TransformerDecoder;
import io.github.dl4jjepa.models.finetuning.FineTuning;
import io.github.dl4jjepa.models.huggingface.CheckpointFolder;
import io.github.dl4jjepa.models.huggingface.DecoderLoader;
import io.github.dl4jjepa.models.huggingface.LoraMerge;
import io.github.dl4jjepa.models.lora.LoraOptions;
import io.github.dl4jjepa.models.safetensors.Dtype;
import io.github.dl4jjepa.models.safetensors.SafetensorsCheckpoint;
import io.github.dl4jjepa.models.tokenizer.ModelTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LoraFineTuningTest {
    @TempDir private Path folder;

    private Path model;
    private Path train;

    @BeforeEach
    void writeModelAndPairs() throws IOException {
        model = TinyModel.write(folder.resolve("model"));
        train = TinyModel.writePairs(folder.resolve("train.jsonl"), 22);
    }

    private FineTuning.Builder builder(Path from, long maxSteps, Path output) {
        return FineTuning.of(from.toString())
                .setTrain(train)
                .setOutput(output)
                .optObjective(
                        JepaObjective.builder()
                                .optLambda(1)
                                .optTarget(TargetMode.EMA)
                                .optCalibration(new Calibration(0.5, 4))
                                .build())
                .optPredictors(2)
                .optGradientCheckpointing(true)
                .optSeed(7)
                .optTraining(
                        TrainingOptions.builder()
                                .optMaxSteps(maxSteps)
                                .optGradientAccumulationSteps(2)
                                .optLearningRate(3e-2)
                                .optCheckpointEvery(2)
                                .build());
    }

    private FineTuning.Builder lora(long maxSteps, Path output) {
        return builder(model, maxSteps, output)
                .optLora(LoraOptions.builder().optRank(4).optDropout(0.1).build());
    }

    private static List<JsonNode> metrics(Path output) throws IOException {
        List<JsonNode> lines = new ArrayList<>();
        for (String line : Files.readAllLines(output.resolve("metrics.jsonl"))) {
            lines.add(new ObjectMapper().readTree(line));
        }
        return lines;
    }

    private static double languageModelLoss(Path output, int step) throws IOException {
        return metrics(output).get(step - 1).get("lm_loss").asDouble();
    }

    @Test
    void theLossesFallAndTheFolderHoldsAnAdapter() throws IOException {
        Path output = folder.resolve("out");
        lora(30, output).build().run();
        // Nothing but the adapter of a random model is trained.
        assertThat(languageModelLoss(output, 30)).isLessThan(languageModelLoss(output, 1) - 0.2);
        assertThat(output)
                .isDirectoryContaining("glob:**adapter_config.json")
                .isDirectoryNotContaining("glob:**model.safetensors.index.json")
                .isDirectoryNotContaining("glob:**/config.json");
        assertThat(output.resolve("model.safetensors")).doesNotExist();
        TransformerDecoder decoder = DecoderLoader.load(CheckpointFolder.open(output));
        assertThat(decoder.adapter().tokenRows().values()).containsOnly(List.of(448, 449));
        try (ModelTokenizer tokenizer = ModelTokenizer.open(output);
                ChatModel chat = ChatModel.open(output.toString())) {
            assertThat(tokenizer.predictorIds()).containsExactly(448, 449);
            assertThat(chat).isNotNull();
        }
    }

    @Test
    void checkpointsHoldTheAdapterAlone() throws IOException {
        Path output = folder.resolve("out");
        lora(2, output).build().run();
        Path checkpoint = output.resolve("checkpoints").resolve("step-000002");
        TransformerDecoder decoder = DecoderLoader.load(CheckpointFolder.open(checkpoint));
        assertThat(
                        SafetensorsCheckpoint.open(checkpoint.resolve("adapter_model.safetensors"))
                                .tensors()
                                .keySet())
                .isEqualTo(decoder.parameters().trainable().names());
        assertThat(checkpoint.resolve("model.safetensors")).doesNotExist();
    }

    @Test
    void aRunThatWasInterruptedAndResumedEqualsOneThatWasNot() throws IOException {
        Path whole = folder.resolve("whole");
        lora(9, whole).build().run();
        Path broken = folder.resolve("broken");
        TrainerListener power =
                new TrainerListener() {
                    @Override
                    public void onStep(StepMetrics metrics) {
                        if (metrics.step() == 5) {
                            throw new IllegalStateException("power cut");
                        }
                    }
                };
        assertThatThrownBy(() -> lora(9, broken).optListener(power).build().run())
                .hasMessage("power cut");
        lora(9, broken).build().resume();
        assertThat(broken.resolve("adapter_model.safetensors"))
                .hasSameBinaryContentAs(whole.resolve("adapter_model.safetensors"));
    }

    @Test
    void anAdapterIsTrainedFurther() throws IOException {
        Path first = folder.resolve("first");
        lora(20, first).build().run();
        Path second = folder.resolve("second");
        builder(first, 20, second).build().run();
        assertThat(languageModelLoss(second, 1)).isLessThan(languageModelLoss(first, 1) - 0.1);
        CheckpointFolder again = CheckpointFolder.open(second);
        assertThat(again.path().toRealPath()).isEqualTo(model.toRealPath());
        assertThat(again.adapter().orElseThrow().loraOptions().rank()).isEqualTo(4);
    }

    @Test
    void aNewAdapterOnAnAdapterIsRefusedWithTheWayOut() {
        Path first = folder.resolve("first");
        lora(1, first).build().run();
        assertThatThrownBy(
                        () ->
                                builder(first, 1, folder.resolve("second"))
                                        .optLora(LoraOptions.builder().build())
                                        .build()
                                        .run())
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("is an adapter")
                .hasMessageContaining("jepa merge");
    }

    @Test
    void targetsThatTheModelDoesNotHaveAreRefusedBeforeAnythingIsWritten() {
        Path output = folder.resolve("out");
        assertThatThrownBy(
                        () ->
                                builder(model, 1, output)
                                        .optLora(LoraOptions.builder().optTargets("query").build())
                                        .build()
                                        .run())
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("\"query\"");
        assertThat(output).doesNotExist();
    }

    @Test
    void aMergedModelAnswersAsTheAdapterDoes() {
        Path output = folder.resolve("out");
        lora(20, output).build().run();
        Path merged = folder.resolve("merged");
        LoraMerge.merge(CheckpointFolder.open(output), Dtype.F32, merged);
        List<Example> questions =
                List.of(
                        Example.conversation(
                                "test", List.of(new Message(Message.USER, "lines with a digit"))));
        try (ChatModel adapter = ChatModel.open(output.toString());
                ChatModel whole = ChatModel.open(merged.toString())) {
            assertThat(whole.answer(questions, 8).get(0).text())
                    .isEqualTo(adapter.answer(questions, 8).get(0).text());
        }
        assertThatThrownBy(
                        () ->
                                LoraMerge.merge(
                                        CheckpointFolder.open(merged),
                                        Dtype.F32,
                                        folder.resolve("again")))
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("holds no adapter");
    }
}
