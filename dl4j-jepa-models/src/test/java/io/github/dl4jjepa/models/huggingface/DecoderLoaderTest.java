package io.github.dl4jjepa.models.huggingface;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.models.Fixtures;
import io.github.dl4jjepa.models.decoder.RotaryEmbedding;
import io.github.dl4jjepa.models.decoder.TransformerDecoder;
import io.github.dl4jjepa.models.safetensors.Dtype;
import io.github.dl4jjepa.models.safetensors.SafetensorsCheckpoint;
import io.github.dl4jjepa.models.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class DecoderLoaderTest {
    private static final String EMBEDDING = "model.embed_tokens.weight";

    @TempDir private Path folder;

    @BeforeEach
    void copyAModel() {
        Fixtures.copy("llama", folder);
    }

    private TransformerDecoder load() {
        return DecoderLoader.load(CheckpointFolder.open(folder));
    }

    private void changeConfig(Consumer<ObjectNode> change) throws IOException {
        ObjectMapper json = new ObjectMapper();
        Path file = folder.resolve("config.json");
        ObjectNode config = (ObjectNode) json.readTree(file.toFile());
        change.accept(config);
        json.writeValue(file.toFile(), config);
    }

    private void changeTensors(Consumer<Map<String, INDArray>> change) throws IOException {
        SafetensorsCheckpoint stored = SafetensorsCheckpoint.open(folder);
        Map<String, INDArray> tensors = new LinkedHashMap<>();
        stored.tensors().keySet().forEach(name -> tensors.put(name, stored.read(name)));
        change.accept(tensors);
        Files.delete(folder.resolve("model.safetensors"));
        SafetensorsWriter.writeCheckpoint(folder, tensors, Dtype.F32, Long.MAX_VALUE);
    }

    @Test
    void refusesAMissingTensorByName() throws IOException {
        changeTensors(tensors -> tensors.remove("model.layers.1.mlp.up_proj.weight"));
        assertThatThrownBy(this::load)
                .isInstanceOf(JepaException.class)
                .hasMessageContainingAll(
                        folder.toString(), "model.layers.1.mlp.up_proj.weight", "missing");
    }

    @Test
    void refusesATensorThatIsLeftOver() throws IOException {
        changeTensors(
                tensors ->
                        tensors.put(
                                "model.layers.0.self_attn.q_proj.bias",
                                Nd4j.zeros(DataType.FLOAT, 48)));
        assertThatThrownBy(this::load)
                .isInstanceOf(JepaException.class)
                .hasMessageContainingAll("model.layers.0.self_attn.q_proj.bias", "left over");
    }

    @Test
    void refusesATensorOfAnotherShape() throws IOException {
        changeConfig(config -> config.put("intermediate_size", 81));
        assertThatThrownBy(this::load)
                .isInstanceOf(JepaException.class)
                .hasMessageContainingAll("model.layers.0.mlp.gate_proj.weight", "80", "81");
    }

    @Test
    void leavesOutTheRotaryBuffersOfOldCheckpoints() throws IOException {
        changeTensors(
                tensors ->
                        tensors.put(
                                "model.layers.0.self_attn.rotary_emb.inv_freq",
                                Nd4j.zeros(DataType.FLOAT, 4)));
        assertThat(load().parameters().arrays())
                .doesNotContainKey("model.layers.0.self_attn.rotary_emb.inv_freq");
    }

    @Test
    void acceptsATiedHeadStoredTwiceButNotAnother() throws IOException {
        changeTensors(tensors -> tensors.put("lm_head.weight", tensors.get(EMBEDDING).dup()));
        assertThat(load().parameters().arrays()).doesNotContainKey("lm_head.weight");
        changeTensors(tensors -> tensors.get("lm_head.weight").putScalar(0, 7));
        assertThatThrownBy(this::load)
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("tie_word_embeddings");
    }

    @ParameterizedTest(name = "{0} = {1}")
    @CsvSource(
            delimiter = '|',
            value = {
                "model_type | \"t5\" | llama",
                "hidden_act | \"relu6\" | silu",
                "hidden_size | \"wide\" | positive integer",
                "hidden_size | null | missing",
                "num_attention_heads | 0 | positive integer",
                "num_key_value_heads | 4 | divide",
                "head_dim | 7 | even",
                "rms_norm_eps | true | number",
                "tie_word_embeddings | 1 | true or false",
                "rope_parameters | {\"rope_type\": \"spiral\", \"factor\": 2} | llama3",
                "rope_parameters | {\"rope_type\": \"longrope\", \"short_factor\": [1], \"long_factor\": [1]} | pairs",
                "rope_parameters | {\"rope_type\": \"linear\"} | factor",
                "rope_parameters | 7 | object"
            })
    void refusesAConfigurationItCannotFollowNamingFileAndKey(String key, String value, String part)
            throws IOException {
        ObjectMapper json = new ObjectMapper();
        changeConfig(
                config -> {
                    try {
                        config.set(key, json.readTree(value));
                    } catch (IOException e) {
                        throw new AssertionError(e);
                    }
                });
        assertThatThrownBy(this::load)
                .isInstanceOf(JepaException.class)
                .hasMessageContainingAll(folder.resolve("config.json").toString(), key, part);
    }

    @Test
    void readsHeadDimAndKeyValueHeadsFromTheOtherKeysWhereTheyAreAbsent() throws IOException {
        changeConfig(config -> config.remove(List.of("head_dim", "num_key_value_heads")));
        var config = DecoderLoader.config(CheckpointFolder.open(folder));
        assertThat(config.headDim()).isEqualTo(8);
        assertThat(config.keyValueHeads(0)).isEqualTo(6);
    }

    @Test
    void linearRopeDividesPositions() throws IOException {
        changeConfig(
                config ->
                        config.putObject("rope_parameters")
                                .put("rope_type", "linear")
                                .put("factor", 4)
                                .put("rope_theta", 500));
        assertThat(DecoderLoader.config(CheckpointFolder.open(folder)).positions())
                .isEqualTo(new RotaryEmbedding(500, new RotaryEmbedding.Linear(4)));
    }

    @ParameterizedTest
    @CsvSource({"llama, 1", "llama-untied, 2"})
    void newTokensBeginAsTheMeanOfTheOthers(String model, int matrices) {
        Fixtures.copy(model, folder);
        TransformerDecoder stored = load();
        TransformerDecoder grown = DecoderLoader.load(CheckpointFolder.open(folder), 302);
        grown.initializeTokens(List.of(300, 301));
        List<String> grownNames =
                grown.parameters().names().stream()
                        .filter(name -> grown.parameters().array(name).size(0) == 302)
                        .toList();
        assertThat(grownNames).hasSize(matrices);
        for (String name : grownNames) {
            float[][] before = stored.parameters().array(name).toFloatMatrix();
            float[][] after = grown.parameters().array(name).toFloatMatrix();
            for (int i = 0; i < 300; i++) {
                assertThat(after[i]).containsExactly(before[i]);
            }
            for (int column = 0; column < before[0].length; column++) {
                double mean = 0;
                for (float[] row : before) {
                    mean += row[column] / 300.0;
                }
                assertThat((double) after[300][column])
                        .isCloseTo(mean, org.assertj.core.api.Assertions.within(1e-6));
                assertThat(after[301][column]).isEqualTo(after[300][column]);
            }
        }
    }

    @Test
    void exportAfterImportIsBitForBitTheSame(@TempDir Path other) throws IOException {
        Path target = other.resolve("exported");
        CheckpointExporter.builder()
                .setSource(CheckpointFolder.open(folder))
                .build()
                .export(load().parameters().arrays(), target);
        SafetensorsCheckpoint before = SafetensorsCheckpoint.open(folder);
        SafetensorsCheckpoint after = SafetensorsCheckpoint.open(target);
        assertThat(after.tensors().keySet()).isEqualTo(before.tensors().keySet());
        before.tensors()
                .keySet()
                .forEach(
                        name ->
                                assertThat(after.read(name).data().asFloat())
                                        .containsExactly(before.read(name).data().asFloat()));
    }
}
