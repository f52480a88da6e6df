package io.github.dl4jjepa.models.huggingface;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.models.safetensors.Dtype;
import io.github.dl4jjepa.models.tokenizer.TokenizerFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class CheckpointExporterTest {
    @TempDir Path folder;
    private ModelFolder source;
    private Path target;

    @BeforeEach
    void buildTheSource() {
        source = ModelFolder.whole(folder.resolve("source"));
        target = folder.resolve("out").resolve("model");
    }

    private CheckpointExporter.Builder exporter() {
        return CheckpointExporter.builder().setSource(source.open());
    }

    @Test
    void takesOverAllButTheWeights() {
        exporter().build().export(ModelFolder.weights(2), target);

        for (String name :
                new String[] {
                    "generation_config.json",
                    "tokenizer.json",
                    "tokenizer_config.json",
                    "chat_template.jinja"
                }) {
            assertThat(target.resolve(name)).hasSameBinaryContentAs(source.path.resolve(name));
        }
        CheckpointFolder written = CheckpointFolder.open(target);
        ModelFolder.weights(2)
                .forEach(
                        (name, array) -> assertThat(written.weights().read(name)).isEqualTo(array));
        assertThat(target.getParent()).isDirectoryNotContaining("glob:**.partial");
    }

    @Test
    void writesNamedChatTemplatesAgainIntoAFolderThatHasThem() throws IOException {
        Files.createDirectory(source.path.resolve("additional_chat_templates"));
        source.file("additional_chat_templates/rag.jinja", "rag");
        Files.createDirectories(target);
        TokenizerFiles files = TokenizerFiles.read(source.path);
        for (int time = 0; time < 2; time++) {
            exporter().optTokenizer(files).build().exportInto(ModelFolder.weights(2), target);
            assertThat(target.resolve("additional_chat_templates/rag.jinja")).hasContent("rag");
        }
    }

    @Test
    void writesTheConfigurationAsTransformersWroteIt() {
        exporter().build().export(ModelFolder.weights(2), target);
        assertThat(target.resolve("config.json"))
                .hasSameTextualContentAs(source.path.resolve("config.json"));
    }

    @ParameterizedTest
    @CsvSource({"config.json, dtype", "config.v4.json, torch_dtype"})
    void changesTypeAndVocabularyUnderTheirOwnKeysAndNothingElse(String resource, String key) {
        source.resource("config.json", resource);
        ObjectNode expected = source.open().config();
        expected.put(key, "bfloat16").put("vocab_size", 77);

        exporter()
                .optDtype(Dtype.BF16)
                .optVocabularySize(77)
                .build()
                .export(ModelFolder.weights(2), target);

        CheckpointFolder written = CheckpointFolder.open(target);
        assertThat(written.config()).isEqualTo(expected);
        assertThat(written.config().fieldNames())
                .toIterable()
                .containsExactlyElementsOf(expected::fieldNames);
        assertThat(written.weights().tensor("embed").dtype()).isEqualTo(Dtype.BF16);
    }

    @Test
    void keepsNumbersThatOnlyPythonCallsJson() {
        source.file("config.json", "{\"limit\": [0.0, Infinity], \"x\": NaN, \"eps\": 1e-05}");

        exporter().build().export(ModelFolder.weights(2), target);

        assertThat(target.resolve("config.json"))
                .content()
                .containsIgnoringWhitespaces("[0.0, Infinity]", "\"x\": NaN", "\"eps\": 1.0E-5");
    }

    @Test
    void replacesTheTokenizer() {
        source.file("tokenizer.json", "{\"added_tokens\": [], \"model\": {\"vocab\": {\"a\": 0}}}");
        TokenizerFiles extended = TokenizerFiles.read(folder.resolve("source")).withPredictors(1);

        exporter().optTokenizer(extended).build().export(ModelFolder.weights(2), target);

        assertThat(target.resolve("tokenizer.json")).content().contains("<|predictor_1|>");
    }

    private static final String TOKENIZER =
            """
            {"added_tokens": [{"id": 2, "content": "<end>", "special": true},
                              {"id": 5, "content": "<turn>", "special": true}],
             "model": {"vocab": {"a": 0}}}""";

    private void exportWithEndOfTurn(int id) {
        source.file("tokenizer.json", TOKENIZER);
        exporter()
                .optTokenizer(TokenizerFiles.read(source.path))
                .optEndOfTurn(id)
                .build()
                .export(ModelFolder.weights(2), target);
    }

    @Test
    void addsTheEndOfATurnToTheTokensThatEndASequence() {
        ObjectNode generation = source.open().generationConfig().orElseThrow();
        generation.putArray("eos_token_id").add(2).add(5);
        ObjectNode config = source.open().config();
        config.putArray("eos_token_id").add(2).add(5);

        exportWithEndOfTurn(5);

        CheckpointFolder written = CheckpointFolder.open(target);
        assertThat(written.generationConfig()).contains(generation);
        assertThat(written.config()).isEqualTo(config);
    }

    @Test
    void leavesASourceThatStopsAtTheEndOfATurnAsItIs() {
        source.file("generation_config.json", "{\"eos_token_id\": [5, 2], \"top_k\": 4}");
        source.file("tokenizer_config.json", "{\"eos_token\": \"<end>\"}");

        exportWithEndOfTurn(5);

        for (String name : new String[] {"generation_config.json", "tokenizer_config.json"}) {
            assertThat(target.resolve(name)).hasSameBinaryContentAs(source.path.resolve(name));
        }
    }

    @Test
    void makesAGenerationConfigurationWhereTheSourceHasNone() throws IOException {
        Files.delete(source.path.resolve("generation_config.json"));

        exportWithEndOfTurn(5);

        assertThat(CheckpointFolder.open(target).generationConfig().orElseThrow().toString())
                .isEqualTo(
                        "{\"_from_model_config\":true,\"bos_token_id\":1,\"pad_token_id\":0,"
                                + "\"eos_token_id\":[2,5]}");
    }

    @Test
    void makesTheEndOfATurnTheTokenizersEndToken() {
        source.file("tokenizer_config.json", "{\"eos_token\": \"<end>\"}");
        source.file("special_tokens_map.json", "{\"eos_token\": {\"content\": \"<end>\"}}");

        exportWithEndOfTurn(5);

        for (String name : new String[] {"tokenizer_config.json", "special_tokens_map.json"}) {
            assertThat(target.resolve(name))
                    .content()
                    .isEqualToIgnoringWhitespace("{\"eos_token\": \"<turn>\"}");
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"eos_token\": \"<end>\", \"add_eos_token\": true} | {{ messages }}",
                "{\"eos_token\": \"<end>\"} | {{ messages }}{{ eos_token }}",
                "{\"eos_token\": \"<end>\", \"chat_template\": \"{{ eos_token }}\"} | {{ messages }}"
            })
    void keepsAnEndTokenThatIsWrittenIntoTexts(String config, String template) {
        source.file("tokenizer_config.json", config).file("chat_template.jinja", template);

        exportWithEndOfTurn(5);

        assertThat(target.resolve("tokenizer_config.json")).hasContent(config);
        assertThat(CheckpointFolder.open(target).endTokenIds()).containsExactly(2, 5);
    }

    @Test
    void takesTheCodeOfAModelAlong() {
        source.file(
                        "config.json",
                        """
                        {"eos_token_id": 2, "auto_map": {
                          "AutoConfig": "configuration_x.XConfig",
                          "AutoModelForCausalLM": "modeling_x.XModel",
                          "AutoModel": "org/other--modeling_other.Other"}}""")
                .file(
                        "tokenizer_config.json",
                        "{\"auto_map\": {\"AutoTokenizer\": [\"tok.X\", null]}}")
                .file("configuration_x.py", "import torch\n")
                .file(
                        "modeling_x.py",
                        "from .layers import (\n  A, B)\nfrom . import ops as o, more\n")
                .file("layers.py", "    from .deep import D\n")
                .file("deep.py", "")
                .file("ops.py", "")
                .file("more.py", "")
                .file("tok.py", "")
                .file("train.py", "mine");

        exporter().build().export(ModelFolder.weights(2), target);

        assertThat(target.toFile().list((folder, name) -> name.endsWith(".py")))
                .containsExactlyInAnyOrder(
                        "configuration_x.py",
                        "modeling_x.py",
                        "layers.py",
                        "deep.py",
                        "ops.py",
                        "more.py",
                        "tok.py");
        assertThat(target.resolve("config.json")).content().contains("org/other--modeling_other");
    }

    @Test
    void namesTheCodeThatIsMissing() {
        source.file("config.json", "{\"auto_map\": {\"AutoModel\": \"modeling_x.X\"}}");

        assertThat(RemoteCode.of(source.open()).missing()).containsExactly("modeling_x.py");
    }

    @Test
    void replacesNamedTemplatesOfAFolder() throws IOException {
        Path named = Files.createDirectories(source.path.resolve("additional_chat_templates"));
        Files.writeString(named.resolve("tool_use.jinja"), "{{ tools }}");
        CheckpointExporter exporter =
                exporter().optTokenizer(TokenizerFiles.read(source.path)).build();
        Files.createDirectories(target);

        exporter.exportInto(ModelFolder.weights(2), target);
        exporter.exportInto(ModelFolder.weights(2), target);

        assertThat(target.resolve("additional_chat_templates/tool_use.jinja"))
                .hasContent("{{ tools }}");
    }

    @Test
    void exportsFromASourceWithoutWeightsOrTokenizer() {
        source = new ModelFolder(folder.resolve("bare")).resource("config.json", "config.v4.json");

        exporter().build().export(ModelFolder.weights(2), target);

        assertThat(target).isDirectoryContaining("glob:**model.safetensors");
        assertThat(target.resolve("tokenizer.json")).doesNotExist();
    }

    @Test
    void fillsAnEmptyFolder() throws IOException {
        Files.createDirectories(target);
        exporter().build().export(ModelFolder.weights(2), target);
        assertThat(target.resolve("model.safetensors")).exists();
    }

    @Test
    void refusesAFolderThatIsNotEmpty() throws IOException {
        Files.createDirectories(target);
        Files.writeString(target.resolve("notes.txt"), "mine");

        assertThatExceptionOfType(JepaException.class)
                .isThrownBy(() -> exporter().build().export(ModelFolder.weights(2), target))
                .withMessageContainingAll(target.toString(), "not empty", "another output folder");
        assertThat(target).isDirectoryContaining("glob:**notes.txt");
    }

    @Test
    void refusesAFileInPlaceOfAFolder() throws IOException {
        Files.createDirectories(target.getParent());
        Files.writeString(target, "mine");

        assertThatExceptionOfType(JepaException.class)
                .isThrownBy(() -> exporter().build().export(ModelFolder.weights(2), target))
                .withMessageContainingAll(target.toString(), "is a file");
    }

    @Test
    void leavesNothingBehindWhenItFails() {
        Map<String, INDArray> wrong = Map.of("a", Nd4j.ones(DataType.DOUBLE, 2));

        assertThatThrownBy(() -> exporter().build().export(wrong, target))
                .isInstanceOf(IllegalArgumentException.class);
        assertThat(target.getParent()).isEmptyDirectory();
    }

    @Test
    void startsAfreshAfterAKilledExport() throws IOException {
        Path partial = Files.createDirectories(target.resolveSibling(".model.partial"));
        Files.writeString(partial.resolve("model.safetensors"), "half");

        exporter().build().export(ModelFolder.weights(2), target);

        assertThat(CheckpointFolder.open(target).weights().tensors()).hasSize(2);
        assertThat(partial).doesNotExist();
    }

    @Test
    void needsASource() {
        assertThatThrownBy(() -> CheckpointExporter.builder().build())
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("setSource");
    }
}
