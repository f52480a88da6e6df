package io.github.dl4jjepa.models.huggingface;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.decoder.Decoder;
import io.github.dl4jjepa.core.internal.samediff.Arena;
import io.github.dl4jjepa.core.internal.samediff.GradientFunction;
import io.github.dl4jjepa.core.internal.samediff.Graphs;
import io.github.dl4jjepa.core.ops.Ops;
import io.github.dl4jjepa.models.Fixtures;
import io.github.dl4jjepa.models.decoder.TransformerDecoder;
import io.github.dl4jjepa.models.lora.Lora;
import io.github.dl4jjepa.models.lora.LoraOptions;
import io.github.dl4jjepa.models.safetensors.Dtype;
import io.github.dl4jjepa.models.safetensors.SafetensorsCheckpoint;
import io.github.dl4jjepa.models.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Adapters that peft has made (src/test/python/adapter_goldens.py). */
class AdapterFolderTest {
    private static final Path ADAPTERS = Path.of("src/test/resources/adapters");

    /** For adapter_goldens.py to check. */
    private static final Path EXPORTED = Path.of("target/adapters");

    private static final String[] CASES = {
        "llama-patterns",
        "mistral-untied-tokens",
        "phi3-fused",
        "gpt2-transposed",
        "gemma-tokens",
        "phi-all"
    };

    static String[] cases() {
        return CASES;
    }

    /** The logits of a decoder, and the gradients that the golden ones were computed with. */
    private static INDArray run(
            TransformerDecoder decoder, INDArray ids, Map<String, INDArray> gradients) {
        SameDiff graph = Graphs.create();
        int[][] rows = ids.toIntMatrix();
        int[][] positions = new int[rows.length][rows[0].length];
        for (int[] row : positions) {
            java.util.Arrays.setAll(row, i -> i);
        }
        Map<String, INDArray> inputs = new LinkedHashMap<>();
        inputs.put("ids", Nd4j.createFromArray(rows));
        inputs.put("positions", Nd4j.createFromArray(positions));
        inputs.put("segments", Nd4j.createFromArray(new int[rows.length][rows[0].length]));
        List<SDVariable> placeholders = new ArrayList<>();
        inputs.keySet()
                .forEach(name -> placeholders.add(graph.placeHolder(name, DataType.INT32, -1, -1)));
        SDVariable hidden =
                decoder.hiddenStates(
                        graph,
                        new Decoder.TokenInputs(
                                placeholders.get(0),
                                placeholders.get(1),
                                placeholders.get(2),
                                placeholders.get(2)));
        SDVariable logits = decoder.logits(hidden).rename("logits");
        SDVariable weighted =
                Ops.multiplyConstant(
                        logits,
                        graph.constant(
                                Nd4j.linspace(DataType.FLOAT, -1, 2.0 / 299, 300).reshape(1, 300)));
        graph.setLossVariables(Ops.multiply(weighted, weighted).sum().rename("loss").name());
        List<INDArray> result = new ArrayList<>();
        try (Arena arena = new Arena(DataType.FLOAT);
                GradientFunction function =
                        new GradientFunction(
                                graph,
                                decoder.parameters().trainable().names(),
                                List.of("logits"),
                                arena,
                                List.of())) {
            function.run(
                    inputs,
                    (name, gradient) -> gradients.put(name, gradient.dup()),
                    (name, value) -> result.add(value.dup()));
        }
        return result.get(0);
    }

    private static double relative(INDArray actual, INDArray expected) {
        INDArray golden = expected.castTo(DataType.DOUBLE);
        return actual.castTo(DataType.DOUBLE).reshape(golden.shape()).distance2(golden)
                / golden.norm2Number().doubleValue();
    }

    @ParameterizedTest
    @org.junit.jupiter.params.provider.MethodSource("cases")
    void anAdapterOfPeftComputesWhatPeftComputes(String name) {
        SafetensorsCheckpoint golden =
                SafetensorsCheckpoint.open(ADAPTERS.resolve(name).resolve("golden.safetensors"));
        TransformerDecoder decoder =
                DecoderLoader.load(CheckpointFolder.open(ADAPTERS.resolve(name)));
        Map<String, INDArray> gradients = new LinkedHashMap<>();
        INDArray logits = run(decoder, golden.read("input_ids"), gradients);
        assertThat(relative(logits, golden.read("logits"))).isLessThan(1e-5);
        assertThat(golden.tensors()).hasSize(gradients.size() + 2);
        gradients.forEach(
                (parameter, gradient) ->
                        assertThat(relative(gradient, golden.read("grad." + parameter)))
                                .as(parameter)
                                .isLessThan(1e-4));
    }

    @ParameterizedTest
    @org.junit.jupiter.params.provider.MethodSource("cases")
    void anExportedAdapterIsThatOfPeft(String name) throws IOException {
        CheckpointFolder source = CheckpointFolder.open(ADAPTERS.resolve(name));
        TransformerDecoder decoder = DecoderLoader.load(source);
        Path target = EXPORTED.resolve(name);
        delete(target);
        exporter(source, decoder).export(decoder.parameters().trainable().arrays(), target);

        SafetensorsCheckpoint stored = source.adapter().orElseThrow().weights();
        SafetensorsCheckpoint exported =
                SafetensorsCheckpoint.open(target.resolve("adapter_model.safetensors"));
        assertThat(exported.tensors().keySet()).isEqualTo(stored.tensors().keySet());
        stored.tensors()
                .keySet()
                .forEach(
                        tensor ->
                                assertThat(exported.read(tensor))
                                        .as(tensor)
                                        .isEqualTo(stored.read(tensor)));
        CheckpointFolder again = CheckpointFolder.open(target);
        assertThat(again.path().toRealPath()).isEqualTo(source.path().toRealPath());
        assertThat(DecoderLoader.load(again).adapter()).isEqualTo(decoder.adapter());
    }

    static AdapterExporter exporter(CheckpointFolder source, TransformerDecoder decoder) {
        return new AdapterExporter(
                decoder,
                source.adapter().orElseThrow().loraOptions(),
                source,
                CheckpointExporter.builder().setSource(source).build());
    }

    private static void delete(Path folder) throws IOException {
        if (Files.exists(folder)) {
            DurableFiles.delete(folder);
        }
    }

    /** A copy of an adapter, with its base, to be changed. */
    private static Path copy(String name, Path folder) throws IOException {
        Path target = Files.createDirectories(folder.resolve("adapter"));
        for (String file : List.of("adapter_config.json", "adapter_model.safetensors")) {
            Files.copy(ADAPTERS.resolve(name).resolve(file), target.resolve(file));
        }
        edit(
                target,
                config ->
                        config.put(
                                "base_model_name_or_path",
                                Fixtures.model(name.split("-")[0]).toAbsolutePath().toString()));
        return target;
    }

    private static void edit(Path adapter, java.util.function.Consumer<ObjectNode> change)
            throws IOException {
        Path file = adapter.resolve("adapter_config.json");
        ObjectNode config = JsonFiles.read(file, "");
        change.accept(config);
        Files.write(file, JsonFiles.toBytes(config));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "peft_type | \"IA3\"",
                "task_type | \"SEQ_CLS\"",
                "use_dora | true",
                "bias | \"all\"",
                "bias | \"lora_only\"",
                "lora_bias | true",
                "modules_to_save | [\"lm_head\"]",
                "layers_to_transform | [0]",
                "layer_replication | [[0, 1]]",
                "target_parameters | [\"mlp.experts\"]",
                "init_lora_weights | \"pissa\"",
                "alora_invocation_tokens | [5]",
                "use_qalora | true",
                "some_future_setting | {\"a\": 1}"
            })
    void whatIsNotSupportedIsRefusedByFileAndKey(String key, String value, @TempDir Path folder)
            throws IOException {
        Path adapter = copy("llama-patterns", folder);
        edit(
                adapter,
                config -> {
                    try {
                        config.set(
                                key,
                                new com.fasterxml.jackson.databind.ObjectMapper().readTree(value));
                    } catch (IOException e) {
                        throw new AssertionError(e);
                    }
                });
        assertThatThrownBy(() -> CheckpointFolder.open(adapter))
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("adapter_config.json")
                .hasMessageContaining("\"" + key + "\"")
                .hasMessageContaining("not supported")
                .hasMessageContaining("merge_and_unload");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "r | \"four\" | not a whole number",
                "r | 0 | the rank must be 1 or more",
                "lora_alpha | null | not a number",
                "target_modules | null | no module is adapted",
                "target_modules | \"q_proj(\" | not a regular expression",
                "trainable_token_indices | 5 | neither a list nor an object",
                "trainable_token_indices | [3, 3] | there twice",
                "trainable_token_indices | {\"norm\": [3]} | names the module",
                "target_modules | [\"q_proj\", \"lm_head\"] | not supported",
                "r | 5 | has the shape"
            })
    void aDamagedConfigurationIsRefused(
            String key, String value, String message, @TempDir Path folder) throws IOException {
        Path adapter = copy("llama-patterns", folder);
        edit(
                adapter,
                config -> {
                    try {
                        config.set(
                                key,
                                new com.fasterxml.jackson.databind.ObjectMapper().readTree(value));
                    } catch (IOException e) {
                        throw new AssertionError(e);
                    }
                });
        assertThatThrownBy(() -> DecoderLoader.load(CheckpointFolder.open(adapter)))
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("adapter")
                .hasMessageContaining(message);
    }

    @Test
    void aPickleIsRefused(@TempDir Path folder) throws IOException {
        Path adapter = copy("llama-patterns", folder);
        Files.move(
                adapter.resolve("adapter_model.safetensors"), adapter.resolve("adapter_model.bin"));
        assertThatThrownBy(() -> DecoderLoader.load(CheckpointFolder.open(adapter)))
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("adapter_model.bin, a pickle");
    }

    @Test
    void wholeWeightsInAnAdapterAreRefused(@TempDir Path folder) throws IOException {
        Path adapter = copy("llama-patterns", folder);
        Path file = adapter.resolve("adapter_model.safetensors");
        SafetensorsCheckpoint stored = SafetensorsCheckpoint.open(file);
        Map<String, INDArray> tensors = new LinkedHashMap<>();
        stored.tensors().keySet().forEach(name -> tensors.put(name, stored.read(name)));
        tensors.put(
                "base_model.model.model.embed_tokens.weight", Nd4j.zeros(DataType.FLOAT, 300, 48));
        Files.delete(file);
        SafetensorsWriter.writeFile(file, tensors, Dtype.F32);
        assertThatThrownBy(() -> DecoderLoader.load(CheckpointFolder.open(adapter)))
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("base_model.model.model.embed_tokens.weight")
                .hasMessageContaining("whole weights are not supported");
    }

    @Test
    void anAdapterOnAnotherBaseIsRefused() {
        assertThatThrownBy(
                        () ->
                                DecoderLoader.load(
                                        CheckpointFolder.of(
                                                ADAPTERS.resolve("llama-patterns").toString(),
                                                Fixtures.model("qwen3").toString())))
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("adapter_model.safetensors")
                .hasMessageContaining("--base");
    }

    @Test
    void aBaseThatIsNotThereIsNamedWithTheWayToGiveAnother(@TempDir Path folder)
            throws IOException {
        Path adapter = copy("llama-patterns", folder);
        edit(adapter, config -> config.put("base_model_name_or_path", "./no/such/base"));
        assertThatThrownBy(() -> CheckpointFolder.open(adapter))
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("peft adapter of ./no/such/base")
                .hasMessageContaining("--base");
        CheckpointFolder given =
                CheckpointFolder.of(adapter.toString(), Fixtures.model("llama").toString());
        assertThat(DecoderLoader.load(given).adapter().scalings()).hasSize(14);
    }

    @Test
    void aBaseForAModelThatIsNoAdapterIsRefused() {
        String llama = Fixtures.model("llama").toString();
        assertThatThrownBy(() -> CheckpointFolder.of(llama, llama))
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("holds no adapter");
    }

    @ParameterizedTest
    @ValueSource(ints = {300, 303})
    void tokensBeyondTheBasesVocabularyHaveRowsInTheAdapterAlone(
            int vocabulary, @TempDir Path folder) {
        CheckpointFolder source = CheckpointFolder.open(Fixtures.model("llama"));
        TransformerDecoder adapted =
                Lora.attach(
                        DecoderLoader.load(source, vocabulary),
                        LoraOptions.builder().optRank(2).build(),
                        vocabulary == 300 ? List.of() : List.of(300, 302),
                        1);
        Path target = folder.resolve("adapter");
        new AdapterExporter(
                        adapted,
                        LoraOptions.builder().optRank(2).build(),
                        source,
                        CheckpointExporter.builder().setSource(source).build())
                .export(adapted.parameters().trainable().arrays(), target);
        TransformerDecoder again = DecoderLoader.load(CheckpointFolder.open(target));
        assertThat(again.vocabularySize()).isEqualTo(vocabulary);
        again.parameters()
                .forEach(
                        parameter ->
                                assertThat(parameter.array())
                                        .as(parameter.name())
                                        .isEqualTo(adapted.parameters().array(parameter.name())));
    }
}
