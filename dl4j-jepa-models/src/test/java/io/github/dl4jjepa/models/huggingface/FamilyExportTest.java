package io.github.dl4jjepa.models.huggingface;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.dl4jjepa.models.Fixtures;
import io.github.dl4jjepa.models.decoder.DecoderConfig;
import io.github.dl4jjepa.models.decoder.TransformerDecoder;
import io.github.dl4jjepa.models.internal.family.ConfigJson;
import io.github.dl4jjepa.models.internal.family.DecoderFamily;
import io.github.dl4jjepa.models.safetensors.SafetensorsCheckpoint;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Import and export of every family. */
class FamilyExportTest {
    @ParameterizedTest
    @MethodSource("io.github.dl4jjepa.models.Fixtures#familiesAndPartialLongRope")
    void anExportIsTheImportBitForBit(String family, @TempDir Path folder) {
        CheckpointFolder source = CheckpointFolder.open(Fixtures.model(family));
        TransformerDecoder decoder = DecoderLoader.load(source);
        Path target = folder.resolve("export");
        CheckpointExporter.builder()
                .setSource(source)
                .build()
                .export(decoder.parameters().arrays(), target);

        SafetensorsCheckpoint stored = source.weights();
        SafetensorsCheckpoint exported = CheckpointFolder.open(target).weights();
        assertThat(exported.tensors().keySet()).isEqualTo(stored.tensors().keySet());
        stored.tensors()
                .keySet()
                .forEach(
                        name ->
                                assertThat(exported.read(name).equalsWithEps(stored.read(name), 0))
                                        .as(name)
                                        .isTrue());
        ObjectNode config = CheckpointFolder.open(target).config();
        source.config()
                .properties()
                .forEach(
                        entry -> {
                            if (!entry.getKey().endsWith("dtype")) {
                                assertThat(config.get(entry.getKey())).isEqualTo(entry.getValue());
                            }
                        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama-untied", "gemma2", "phi", "gpt2", "openelm"})
    void aGrownVocabularyLeavesTheRestAsItWas(String family, @TempDir Path folder) {
        CheckpointFolder source = CheckpointFolder.open(Fixtures.model(family));
        TransformerDecoder decoder = DecoderLoader.load(source, 302);
        decoder.initializeTokens(List.of(300, 301));
        Path target = folder.resolve("export");
        CheckpointExporter.builder()
                .setSource(source)
                .optVocabularySize(302)
                .build()
                .export(decoder.parameters().arrays(), target);
        TransformerDecoder grown = DecoderLoader.load(CheckpointFolder.open(target));
        assertThat(grown.vocabularySize()).isEqualTo(302);
        String name = grown.config().names().embedding();
        INDArray before = source.weights().read(name);
        INDArray after = grown.parameters().array(name);
        assertThat(after.get(NDArrayIndex.interval(0, 300), NDArrayIndex.all()).dup())
                .isEqualTo(before);
        assertThat(after.getRow(301).distance2(before.mean(0))).isLessThan(1e-5);
    }

    @ParameterizedTest
    @MethodSource("io.github.dl4jjepa.models.Fixtures#families")
    void noKeyOfAConfigurationGoesUnnoticed(String family) {
        ObjectNode config = CheckpointFolder.open(Fixtures.model(family)).config();
        config.put("some_new_multiplier", 2);
        ConfigJson json = new ConfigJson(config, "config.json");
        DecoderFamily.of(json).configuration(json);
        assertThat(DecoderLoader.unreadKeys(json)).containsExactly("some_new_multiplier");
    }

    @Test
    void theGeluOfGemmasFirstFilesIsTheTanhForm() {
        ObjectNode config = CheckpointFolder.open(Fixtures.model("gemma")).config();
        config.remove("hidden_activation");
        config.put("hidden_act", "gelu");
        ConfigJson json = new ConfigJson(config, "config.json");
        assertThat(DecoderFamily.of(json).configuration(json).feedForward().activation())
                .isEqualTo(DecoderConfig.HiddenActivation.GELU_TANH);
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama", "gpt2", "openelm"})
    void readsNamesWithoutThePrefixOfTheModel(String family, @TempDir Path folder)
            throws IOException {
        CheckpointFolder source = CheckpointFolder.open(Fixtures.copy(family, folder));
        TransformerDecoder decoder = DecoderLoader.load(source);
        Map<String, INDArray> bare = new LinkedHashMap<>();
        decoder.parameters()
                .arrays()
                .forEach((name, array) -> bare.put(name.substring(name.indexOf('.') + 1), array));
        if (family.equals("gpt2")) {
            bare.put("h.0.attn.bias", Nd4j.ones(DataType.FLOAT, 1, 1, 4, 4)); // the causal mask
        }
        Path target = folder.resolve("bare");
        CheckpointExporter.builder().setSource(source).build().export(bare, target);
        TransformerDecoder again = DecoderLoader.load(CheckpointFolder.open(target));
        assertThat(again.parameters().arrays()).isEqualTo(decoder.parameters().arrays());
    }
}
