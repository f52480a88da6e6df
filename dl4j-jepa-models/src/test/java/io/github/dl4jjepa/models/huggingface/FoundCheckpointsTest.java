package io.github.dl4jjepa.models.huggingface;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.models.Fixtures;
import io.github.dl4jjepa.models.decoder.TransformerDecoder;
import io.github.dl4jjepa.models.huggingface.RawTensors.Raw;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Checkpoints as other tools write them and people have them. */
class FoundCheckpointsTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String EMBEDDING = "model.embed_tokens.weight";
    private static final String HEAD = "lm_head.weight";
    private static final String BUFFER = "model.layers.1.self_attn.rotary_emb.inv_freq";
    private static final String POINTER =
            "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab\nsize 12345\n";

    @TempDir private Path folder;
    private Path weights;

    @BeforeEach
    void copyAModel() {
        copy("llama");
        weights = folder.resolve("model.safetensors");
    }

    private void copy(String family) {
        Fixtures.copy(family, folder);
    }

    private TransformerDecoder load() {
        return DecoderLoader.load(CheckpointFolder.open(folder));
    }

    private void assertLoadsAs(String family) {
        TransformerDecoder expected =
                DecoderLoader.load(CheckpointFolder.open(Fixtures.model(family)));
        TransformerDecoder found = load();
        assertThat(found.parameters().names()).isEqualTo(expected.parameters().names());
        found.parameters()
                .arrays()
                .forEach(
                        (name, array) ->
                                assertThat(array.data().asFloat())
                                        .as(name)
                                        .containsExactly(
                                                expected.parameters()
                                                        .array(name)
                                                        .data()
                                                        .asFloat()));
    }

    private void assertRefused(String... parts) {
        assertThatThrownBy(this::load)
                .isInstanceOf(JepaException.class)
                .hasMessageContainingAll(parts);
    }

    private void changeConfig(Consumer<ObjectNode> change) throws IOException {
        Path file = folder.resolve("config.json");
        ObjectNode config = (ObjectNode) JSON.readTree(file.toFile());
        change.accept(config);
        JSON.writeValue(file.toFile(), config);
    }

    private void changeTensors(Consumer<Map<String, Raw>> change) throws IOException {
        Map<String, Raw> tensors = RawTensors.read(weights);
        change.accept(tensors);
        RawTensors.write(weights, tensors);
    }

    private void rename(UnaryOperator<String> name) throws IOException {
        Map<String, Raw> renamed = new LinkedHashMap<>();
        RawTensors.read(weights).forEach((old, raw) -> renamed.put(name.apply(old), raw));
        RawTensors.write(weights, renamed);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"quantization_config\": {\"quant_method\": \"bitsandbytes\", \"load_in_4bit\": true}} | bitsandbytes",
                "{\"quantization_config\": {\"load_in_8bit\": true}} | bitsandbytes",
                "{\"quantization_config\": {\"quant_method\": \"gptq\", \"bits\": 4}} | gptq",
                "{\"quantization_config\": {\"quant_method\": \"awq\"}} | awq",
                "{\"quantization_config\": {\"quant_method\": \"fp8\"}} | fp8",
                "{\"quantization_config\": {\"quant_method\": \"compressed-tensors\"}} | compressed-tensors",
                "{\"quantization_config\": {\"quant_method\": \"not yet invented\"}} | not yet invented",
                "{\"quantization_config\": {\"bits\": 4}} | unknown",
                "{\"compression_config\": {\"format\": \"pack-quantized\"}} | compressed-tensors",
                "{\"quantization\": {\"group_size\": 64, \"bits\": 4}} | mlx"
            })
    void aQuantizedCheckpointIsRefusedByItsMethodFromTheConfiguration(String keys, String method)
            throws IOException {
        ObjectNode more = (ObjectNode) JSON.readTree(keys);
        changeConfig(config -> config.setAll(more));
        CheckpointFolder found = CheckpointFolder.open(folder);
        assertThat(found.quantization()).contains(method);
        assertThatThrownBy(() -> DecoderLoader.config(found))
                .isInstanceOf(JepaException.class)
                .hasMessageContainingAll(
                        folder.toString(), "quantized (" + method + ")", "dequantize");
        assertRefused("quantized (" + method + ")", "Take the model that they were made from");
    }

    @ParameterizedTest(name = "{0}: {1} {2}")
    @CsvSource({
        "bitsandbytes, weight.absmax, U8, 8",
        "bitsandbytes, weight.quant_state.bitsandbytes__nf4, U8, 8",
        "bitsandbytes, SCB, F32, 32",
        "gptq, g_idx, I32, 32",
        "gptq or awq, qweight, I32, 32",
        "exl2, q_weight, I32, 32",
        "hqq, W_q, U8, 8",
        "aqlm, codebooks, F16, 16",
        "compressed-tensors, weight_packed, I32, 32",
        "fp8, weight_scale_inv, F32, 32",
        "F8_E4M3 weights, weight, F8_E4M3, 8",
        "F8_E5M2 weights, weight, F8_E5M2, 8",
        "F4 weights, weight, F4, 4",
        "I8 weights, weight, I8, 8",
        "U32 weights, weight, U32, 32"
    })
    void quantizedTensorsAreRecognizedWhereTheConfigurationSaysNothing(
            String method, String ending, String dtype, int bits) throws IOException {
        String name = "model.layers.0.mlp.up_proj.";
        changeTensors(
                tensors -> {
                    tensors.remove(name + "weight");
                    tensors.put(name + ending, Raw.zeros(dtype, bits, 8, 8));
                });
        assertThat(CheckpointFolder.open(folder).quantization()).contains(method);
        assertRefused("quantized (" + method + ")");
    }

    @Test
    void anOrdinaryCheckpointIsNotQuantized() throws IOException {
        changeConfig(config -> config.putNull("quantization_config"));
        assertThat(CheckpointFolder.open(folder).quantization()).isEmpty();
        assertLoadsAs("llama");
    }

    @Test
    void aWeightOfIntegersIsRefusedByName() throws IOException {
        String name = "model.norm.weight";
        changeTensors(tensors -> tensors.put(name, Raw.zeros("I64", 64, 48)));
        assertRefused(name, "I64", "F32");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void anAdapterWithoutItsRankIsRefused(boolean withModel) throws IOException {
        Files.writeString(
                folder.resolve("adapter_config.json"),
                "{\"peft_type\": \"LORA\", \"base_model_name_or_path\": \"org/base\"}");
        if (!withModel) {
            Files.delete(folder.resolve("config.json"));
            Files.delete(weights);
        }
        assertThatThrownBy(() -> CheckpointFolder.of(folder.toString()))
                .isInstanceOf(JepaException.class)
                .hasMessageContainingAll("adapter_config.json", "\"r\" is missing");
    }

    @Test
    void anAdapterThatIsNotMergedIsRefused() throws IOException {
        rename(name -> "base_model.model." + name.replace("q_proj.", "q_proj.base_layer."));
        changeTensors(
                tensors ->
                        tensors.put(
                                "base_model.model.model.layers.0.self_attn.q_proj.lora_A.default.weight",
                                Raw.zeros("F32", 32, 4, 48)));
        assertRefused("peft adapter that is not merged", "merge_and_unload");
    }

    @ParameterizedTest
    @CsvSource({"llama, model.embed_tokens.weight", "gpt2, transformer.wte.weight"})
    void aTiedHeadIsReadInPlaceOfTheEmbedding(String family, String embedding) throws IOException {
        copy(family);
        rename(
                name ->
                        name.endsWith(embedding.substring(embedding.indexOf('.') + 1))
                                ? HEAD
                                : name);
        assertThat(RawTensors.read(weights)).containsKey(HEAD).doesNotContainKey(embedding);
        assertLoadsAs(family);
    }

    @Test
    void anUntiedHeadDoesNotStandForTheEmbedding() throws IOException {
        rename(name -> name.equals(EMBEDDING) ? HEAD : name);
        changeConfig(config -> config.put("tie_word_embeddings", false));
        assertRefused(EMBEDDING, "missing");
    }

    @Test
    void aMissingHeadIsRefusedWithTheKeyThatTiesIt() throws IOException {
        changeConfig(config -> config.put("tie_word_embeddings", false));
        assertRefused(HEAD, "missing", "tie_word_embeddings");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "_orig_mod.",
                "module.",
                "base_model.model.",
                "_fsdp_wrapped_module.",
                "_forward_module.",
                "model.",
                "model.model.",
                "module._orig_mod.",
                "_orig_mod.module.",
                "module.base_model.model.",
                "model._orig_mod."
            })
    void theWrapperPrefixOfAllTensorsIsLeftOut(String prefix) throws IOException {
        rename(name -> prefix + name);
        assertLoadsAs("llama");
        // A buffer may be without it.
        changeTensors(tensors -> tensors.put(BUFFER, Raw.zeros("F32", 32, 4)));
        assertLoadsAs("llama");
    }

    @ParameterizedTest
    @ValueSource(strings = {"module.", "base_model.model.", "model."})
    void theWrapperPrefixIsLeftOutWhereTheHeadIsAParameter(String prefix) throws IOException {
        copy("phi");
        rename(name -> prefix + name);
        assertLoadsAs("phi");
    }

    @ParameterizedTest
    @ValueSource(strings = {"_orig_mod.", "module.", "base_model.model.", "_forward_module."})
    void aWrapperPrefixOfSomeTensorsIsRefusedByName(String prefix) throws IOException {
        rename(name -> name.contains("layers.1") ? prefix + name : name);
        assertRefused("9 of 20 tensors", "\"" + prefix + "\"", "wrapper");
    }

    @Test
    void aWrapperWithinNamesIsRefusedByName() throws IOException {
        rename(name -> name.replace("layers.0.", "layers.0._checkpoint_wrapped_module."));
        assertRefused("_checkpoint_wrapped_module.", "wrapper");
    }

    @ParameterizedTest
    @CsvSource({
        "language_model.model., language_model.",
        "model.language_model., model.language_model.",
        "transformer., transformer."
    })
    void theLanguageModelWithinALargerOneIsRefusedByItsPrefix(String instead, String named)
            throws IOException {
        rename(name -> instead + name.substring("model.".length()));
        changeTensors(tensors -> tensors.put("vision_tower.patch.weight", Raw.zeros("F32", 32, 2)));
        assertRefused("prefix \"" + named, "larger model");
    }

    @Test
    void aModelOfMoreThanTextIsRefusedAsSuch() throws IOException {
        changeConfig(config -> config.put("model_type", "gemma3").putObject("text_config"));
        assertRefused("config.json", "model_type", "more than text");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "module."})
    void namesWithoutModelAreFoundWithBuffersAmongThem(String prefix) throws IOException {
        rename(name -> prefix + name.substring("model.".length()));
        changeTensors(
                tensors -> {
                    for (String buffer :
                            List.of(
                                    "rotary_emb.inv_freq",
                                    "layers.0.self_attn.rotary_emb.inv_freq",
                                    "layers.1.self_attn.rotary_emb.cos_cached")) {
                        tensors.put(prefix + buffer, Raw.zeros("F32", 32, 4));
                    }
                });
        assertLoadsAs("llama");
    }

    @Test
    void aHeadlessTiedHeadIsReadInPlaceOfTheEmbedding() throws IOException {
        rename(name -> name.equals(EMBEDDING) ? HEAD : name.substring("model.".length()));
        assertLoadsAs("llama");
    }

    /** Splits the model's file into two shards of any names. */
    private void shard(
            String first, String second, boolean metadata, Consumer<Map<String, Raw>> moreOfSecond)
            throws IOException {
        List<Map.Entry<String, Raw>> all = new ArrayList<>(RawTensors.read(weights).entrySet());
        Files.delete(weights);
        ObjectNode index = JSON.createObjectNode();
        if (metadata) {
            index.putObject("metadata").put("total_size", 1);
        }
        ObjectNode weightMap = index.putObject("weight_map");
        for (String shard : List.of(first, second)) {
            Map<String, Raw> tensors = new LinkedHashMap<>();
            all.subList(shard.equals(first) ? 0 : 9, shard.equals(first) ? 9 : all.size())
                    .forEach(entry -> tensors.put(entry.getKey(), entry.getValue()));
            tensors.keySet().forEach(name -> weightMap.put(name, shard));
            if (shard.equals(second)) {
                moreOfSecond.accept(tensors);
            }
            RawTensors.write(folder.resolve(shard), tensors);
        }
        JSON.writeValue(folder.resolve("model.safetensors.index.json").toFile(), index);
    }

    @ParameterizedTest
    @CsvSource({
        "model-00001-of-00002.safetensors, model-00002-of-00002.safetensors, true",
        "weights-a.safetensors, weights-b.safetensors, false"
    })
    void shardsOfAnyNameAreReadWithWhatTheIndexDoesNotList(
            String first, String second, boolean metadata) throws IOException {
        Raw embedding = RawTensors.read(weights).get(EMBEDDING);
        shard(
                first,
                second,
                metadata,
                tensors -> {
                    tensors.put(HEAD, embedding);
                    tensors.put(BUFFER, Raw.zeros("F32", 32, 4));
                });
        // Mistral's own file in the same folder.
        RawTensors.write(
                folder.resolve("consolidated.safetensors"),
                Map.of("tok_embeddings.weight", Raw.zeros("F32", 32, 2)));
        assertLoadsAs("llama");
    }

    @Test
    void aParameterThatTheIndexDoesNotListIsRead() throws IOException {
        Raw norm = RawTensors.read(weights).get("model.norm.weight");
        changeTensors(tensors -> tensors.remove("model.norm.weight"));
        shard("a.safetensors", "b.safetensors", true, t -> t.put("model.norm.weight", norm));
        assertLoadsAs("llama");
    }

    @Test
    void anUnknownTensorThatTheIndexDoesNotListIsRefusedWithItsShard() throws IOException {
        shard(
                "a.safetensors",
                "b.safetensors",
                true,
                tensors -> tensors.put("model.extra.weight", Raw.zeros("F32", 32, 4)));
        assertRefused(
                folder.resolve("b.safetensors").toString(), "model.extra.weight", "left over");
    }

    @Test
    void aParameterThatTheIndexListsInVainIsRefusedWithItsShard() throws IOException {
        String norm = "model.norm.weight";
        shard("a.safetensors", "b.safetensors", true, tensors -> {});
        Path holder =
                folder.resolve(
                        JSON.readTree(folder.resolve("model.safetensors.index.json").toFile())
                                .path("weight_map")
                                .path(norm)
                                .textValue());
        Map<String, Raw> tensors = RawTensors.read(holder);
        tensors.remove(norm);
        RawTensors.write(holder, tensors);
        assertRefused(holder.toString(), norm, "though the index places it here");
    }

    @Test
    void aTiedHeadThatTheIndexListsInVainIsNotNeeded() throws IOException {
        shard("a.safetensors", "b.safetensors", true, tensors -> {});
        Path file = folder.resolve("model.safetensors.index.json");
        ObjectNode index = (ObjectNode) JSON.readTree(file.toFile());
        ((ObjectNode) index.path("weight_map")).put(HEAD, "b.safetensors");
        JSON.writeValue(file.toFile(), index);
        assertLoadsAs("llama");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "config.json",
                "tokenizer.json",
                "tokenizer_config.json",
                "model.safetensors",
                "model.safetensors.index.json"
            })
    void aGitLfsPointerIsRefusedForWhatItIs(String name) throws IOException {
        if (name.equals("model.safetensors.index.json")) {
            Files.delete(weights);
        }
        Files.writeString(folder.resolve(name), POINTER);
        assertRefused(folder.resolve(name).toString(), "Git LFS pointer", "git lfs pull");
    }

    @Test
    void aGitLfsPointerInPlaceOfAShardIsRefusedForWhatItIs() throws IOException {
        shard("a.safetensors", "b.safetensors", true, tensors -> {});
        Files.writeString(folder.resolve("b.safetensors"), POINTER);
        assertRefused(folder.resolve("b.safetensors").toString(), "git lfs pull");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "pytorch_model.bin",
                "pytorch_model-00001-of-00002.bin",
                "pytorch_model.bin.index.json",
                "consolidated.00.pth",
                "model.ckpt"
            })
    void picklesAloneAreRefusedWithWhatToDo(String name) throws IOException {
        Files.move(weights, folder.resolve(name));
        assertRefused(name, "pickle", "safe_serialization=True");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void ggufFilesAloneAreRefusedWithWhatToDo(boolean withConfig) throws IOException {
        Files.move(weights, folder.resolve("model-q4_k_m.gguf"));
        if (!withConfig) {
            Files.delete(folder.resolve("config.json"));
        }
        assertRefused("model-q4_k_m.gguf", "GGUF", "gguf_file");
    }

    @Test
    void shardsWithoutTheirIndexAreRefusedWithItsName() throws IOException {
        Files.move(weights, folder.resolve("model-00001-of-00002.safetensors"));
        assertRefused("holds shards", "model.safetensors.index.json");
    }

    @Test
    void aFileOfWeightsByAnotherNameIsRefusedWithTheRightOne() throws IOException {
        Files.move(weights, folder.resolve("consolidated.safetensors"));
        assertRefused("consolidated.safetensors", "must be called model.safetensors");
    }

    @Test
    void wholeFloatsStandForIntegers() throws IOException {
        changeConfig(
                config -> {
                    for (String key :
                            List.of(
                                    "vocab_size",
                                    "hidden_size",
                                    "intermediate_size",
                                    "num_hidden_layers",
                                    "num_attention_heads",
                                    "num_key_value_heads",
                                    "max_position_embeddings",
                                    "eos_token_id")) {
                        config.put(key, config.path(key).doubleValue());
                    }
                    ObjectNode rope = (ObjectNode) config.path("rope_parameters");
                    String original = "original_max_position_embeddings";
                    rope.put(original, rope.path(original).doubleValue());
                });
        assertThat(Files.readString(folder.resolve("config.json"))).contains("300.0");
        assertLoadsAs("llama");
        CheckpointFolder found = CheckpointFolder.open(folder);
        // An export, which carries the configuration over, is to load in transformers.
        assertThat(found.config().toString()).contains("\"vocab_size\":300}");
        assertThat(found.config().path("rms_norm_eps").isFloatingPointNumber()).isTrue();
        Files.writeString(folder.resolve("generation_config.json"), "{\"eos_token_id\": [2.0, 5]}");
        assertThat(found.endTokenIds()).containsExactly(2, 5);
    }

    @ParameterizedTest
    @ValueSource(strings = {"300.5", "true", "\"300\"", "1e300"})
    void otherNumbersDoNotStandForIntegers(String value) throws IOException {
        changeConfig(
                config -> {
                    try {
                        config.set("vocab_size", JSON.readTree(value));
                    } catch (IOException e) {
                        throw new AssertionError(e);
                    }
                });
        assertRefused("config.json", "vocab_size", "positive integer");
    }
}
