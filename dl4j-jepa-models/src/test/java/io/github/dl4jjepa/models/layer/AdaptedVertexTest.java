package io.github.dl4jjepa.models.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jjepa.core.iterator.MultiDataSetForm;
import io.github.dl4jjepa.core.iterator.MultiViewBatch;
import io.github.dl4jjepa.core.objective.DistanceKind;
import io.github.dl4jjepa.core.objective.StepRequest;
import io.github.dl4jjepa.core.objective.TrainingGraph;
import io.github.dl4jjepa.core.view.LayoutKind;
import io.github.dl4jjepa.models.Fixtures;
import io.github.dl4jjepa.models.decoder.TransformerDecoder;
import io.github.dl4jjepa.models.huggingface.CheckpointFolder;
import io.github.dl4jjepa.models.huggingface.DecoderLoader;
import io.github.dl4jjepa.models.lora.Lora;
import io.github.dl4jjepa.models.lora.LoraOptions;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.util.ModelSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.Sgd;

/** An adapter in a Deeplearning4j network. */
class AdaptedVertexTest {
    private static final double RATE = 0.1;
    private static final LoraOptions OPTIONS = LoraOptions.builder().optRank(3).build();

    private static MultiDataSet batch() {
        return (MultiDataSet)
                DropInTest.iterator(LayoutKind.SHARED_PREFIX)
                        .optForm(MultiDataSetForm.PACKED)
                        .build()
                        .next();
    }

    private static DecoderVertex vertex(Path folder) {
        return DecoderVertex.load(
                CheckpointFolder.open(folder), DropInTest.VOCABULARY + 2, OPTIONS, 1);
    }

    private static ComputationGraph network(DecoderVertex vertex) {
        return DropInTest.network(DataType.FLOAT, DistanceKind.COSINE, new Adam(1e-2), vertex);
    }

    private static Map<String, INDArray> parameters(ComputationGraph network) {
        Map<String, INDArray> copies = new LinkedHashMap<>();
        network.getVertex("decoder")
                .paramTable(false)
                .forEach((name, array) -> copies.put(name.replace('-', '_'), array.dup()));
        return copies;
    }

    @Test
    void aStepChangesTheAdapterAsOurGradientsSay() {
        CheckpointFolder folder = CheckpointFolder.open(Fixtures.model("llama-untied"));
        ComputationGraph network =
                DropInTest.network(
                        DataType.DOUBLE,
                        DistanceKind.COSINE,
                        new Sgd(RATE),
                        DecoderVertex.load(folder, DropInTest.VOCABULARY, OPTIONS, 1));
        Map<String, INDArray> before = parameters(network);
        network.fit(batch());

        TransformerDecoder loaded = DecoderLoader.load(folder);
        Map<String, INDArray> inDouble = new LinkedHashMap<>();
        loaded.parameters()
                .arrays()
                .forEach((name, array) -> inDouble.put(name, array.castTo(DataType.DOUBLE)));
        TransformerDecoder decoder =
                Lora.attach(
                        new TransformerDecoder(loaded.config(), inDouble), OPTIONS, List.of(), 1);
        Map<String, INDArray> gradients = new LinkedHashMap<>();
        try (TrainingGraph graph =
                        new TrainingGraph(decoder, DropInTest.objective(DistanceKind.COSINE));
                MultiViewBatch rows =
                        DropInTest.iterator(LayoutKind.SHARED_PREFIX).build().nextBatch()) {
            graph.accumulate(
                    graph.wholeStep(
                            List.of(rows),
                            new StepRequest.Weights(1, DropInTest.LAMBDA),
                            new StepRequest.Seed(0, 1)),
                    (name, gradient) -> gradients.put(name, gradient.dup()));
        }
        Map<String, INDArray> after = parameters(network);
        assertThat(after.keySet())
                .containsExactlyInAnyOrderElementsOf(decoder.parameters().trainable().names());
        gradients.forEach(
                (name, gradient) ->
                        assertThat(
                                        before.get(name)
                                                .sub(gradient.mul(RATE))
                                                .distance2(after.get(name)))
                                .as(name)
                                .isLessThan(1e-9));
        assertThat(gradients.values())
                .anyMatch(gradient -> gradient.norm2Number().doubleValue() > 0.1);
    }

    @Test
    void aNetworkIsSavedWithoutItsBase(@TempDir Path folder) throws IOException {
        Path base = Fixtures.copy("llama-untied", folder.resolve("base"));
        ComputationGraph network = network(vertex(base));
        assertThat(ComputationGraphConfiguration.fromJson(network.getConfiguration().toJson()))
                .isEqualTo(network.getConfiguration());
        network.fit(batch());
        File file = folder.resolve("network.zip").toFile();
        ModelSerializer.writeModel(network, file, true);
        ComputationGraph loaded = ModelSerializer.restoreComputationGraph(file);
        assertThat(loaded.score(batch())).isEqualTo(network.score(batch()));
        loaded.fit(batch());
        network.fit(batch());
        assertThat(loaded.params()).isEqualTo(network.params());
        assertThat(parameters(network).keySet())
                .allMatch(name -> name.startsWith("base_model.model."))
                .contains(
                        "base_model.model.model.embed_tokens.token_adapter.trainable_tokens_delta");
    }

    @Test
    void aNetworkThatIsSavedWithItsBaseNeedsNoFolderAndLeavesTheBaseAsItIs(@TempDir Path folder)
            throws IOException {
        Path base = Fixtures.copy("llama-untied", folder.resolve("base"));
        ComputationGraph network = network(vertex(base).withBaseSaved());
        Map<String, INDArray> before = parameters(network);
        network.fit(batch());
        network.fit(batch());
        Map<String, INDArray> after = parameters(network);
        assertThat(after).containsKey("model.embed_tokens.weight");
        // The rows of the new tokens, which the batch does not have, stay too.
        before.forEach(
                (name, array) ->
                        assertThat(after.get(name).equals(array))
                                .as(name)
                                .isEqualTo(!name.contains(".lora_")));
        File file = folder.resolve("network.zip").toFile();
        ModelSerializer.writeModel(network, file, true);
        for (String name : List.of("config.json", "model.safetensors")) {
            Files.delete(base.resolve(name));
        }
        ComputationGraph loaded = ModelSerializer.restoreComputationGraph(file);
        assertThat(loaded.score(batch())).isEqualTo(network.score(batch()));
    }

    @Test
    void bothWaysToSaveTrainAlike() {
        Path folder = Fixtures.model("llama-untied");
        ComputationGraph without = network(vertex(folder));
        ComputationGraph with = network(vertex(folder).withBaseSaved());
        without.fit(batch());
        with.fit(batch());
        Map<String, INDArray> all = parameters(with);
        parameters(without).forEach((name, array) -> assertThat(all.get(name)).isEqualTo(array));
    }

    @Test
    void dropoutIsRefused() {
        assertThatThrownBy(
                        () ->
                                DecoderVertex.load(
                                        CheckpointFolder.open(Fixtures.model("llama-untied")),
                                        DropInTest.VOCABULARY,
                                        LoraOptions.builder().optDropout(0.1).build(),
                                        1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("FineTuning");
    }
}
