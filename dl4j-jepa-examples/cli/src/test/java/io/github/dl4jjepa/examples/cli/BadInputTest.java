package io.github.dl4jjepa.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.dl4jjepa.examples.training.TinyModel;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/**
 * What finetune refuses: with exit code 1, before an output folder is made, in words that name
 * place and remedy.
 */
class BadInputTest {
    private static final String PAIR =
            "{\"messages\": [{\"role\": \"user\", \"content\": \"a digit\"},"
                    + " {\"role\": \"assistant\", \"content\": \"[0-9]\"}]}\n";

    @TempDir private Path folder;

    private Path model;
    private Path train;

    @BeforeEach
    void writeModelAndPairs() throws IOException {
        model = TinyModel.write(folder.resolve("model"));
        train = folder.resolve("train.jsonl");
        Files.writeString(train, PAIR.repeat(5));
    }

    private void assertRefused(String... messageParts) {
        Path output = folder.resolve("out");
        StringWriter err = new StringWriter();
        int exitCode = finetune(err, output);
        assertThat(err.toString())
                .startsWith("jepa: ")
                .contains(messageParts)
                .doesNotContain("bug", "\tat ");
        assertThat(exitCode).isEqualTo(1);
        assertThat(output).doesNotExist();
    }

    private int finetune(StringWriter err, Path output, String... more) {
        List<String> args =
                new ArrayList<>(
                        List.of(
                                "finetune",
                                "--model",
                                model.toString(),
                                "--train",
                                train.toString(),
                                "--output",
                                output.toString(),
                                "--max-steps",
                                "1",
                                "--max-length",
                                "64"));
        args.addAll(List.of(more));
        CommandLine jepa =
                JepaCommand.commandLine()
                        .setOut(new PrintWriter(new StringWriter()))
                        .setErr(new PrintWriter(err));
        return JepaCommand.run(jepa, args.toArray(String[]::new));
    }

    private Path weights() {
        return model.resolve("model.safetensors");
    }

    /** Replaces the header of the weights, leaving the data as they are. */
    private void changeHeader(java.util.function.UnaryOperator<String> change) throws IOException {
        byte[] file = Files.readAllBytes(weights());
        int length = (int) ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
        byte[] header =
                change.apply(new String(file, 8, length, StandardCharsets.UTF_8))
                        .getBytes(StandardCharsets.UTF_8);
        ByteBuffer changed =
                ByteBuffer.allocate(8 + header.length + file.length - 8 - length)
                        .order(ByteOrder.LITTLE_ENDIAN);
        changed.putLong(header.length).put(header).put(file, 8 + length, file.length - 8 - length);
        Files.write(weights(), changed.array());
    }

    private void changeConfig(String key, String json) throws IOException {
        ObjectMapper mapper = new ObjectMapper();
        Path file = model.resolve("config.json");
        ObjectNode config = (ObjectNode) mapper.readTree(file.toFile());
        config.set(key, mapper.readTree(json));
        mapper.writeValue(file.toFile(), config);
    }

    @Test
    void truncatedWeights() throws IOException {
        byte[] bytes = Files.readAllBytes(weights());
        Files.write(weights(), java.util.Arrays.copyOf(bytes, bytes.length - 10));
        assertRefused(weights().toString());
    }

    @Test
    void aHeaderLongerThanTheFile() throws IOException {
        byte[] bytes = Files.readAllBytes(weights());
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(0, bytes.length);
        Files.write(weights(), bytes);
        assertRefused(weights().toString(), "header");
    }

    @Test
    void overlappingOffsets() throws IOException {
        changeHeader(
                header ->
                        header.replaceFirst(
                                "\"data_offsets\":\\[(\\d+),(\\d+)\\](.*?)\\[\\2,",
                                "\"data_offsets\":[$1,$2]$3[0,"));
        assertRefused(weights().toString());
    }

    @Test
    void anUnknownDtype() throws IOException {
        changeHeader(header -> header.replaceFirst("\"F32\"", "\"Q4_0\""));
        assertRefused(weights().toString(), "Q4_0");
    }

    @Test
    void aMissingTensor() throws IOException {
        changeHeader(header -> header.replaceFirst("model\\.norm\\.weight", "model.norm.wight"));
        assertRefused(model.toString(), "model.norm.weight");
    }

    @Test
    void aWrongShape() throws IOException {
        changeConfig("vocab_size", "449");
        assertRefused("model.embed_tokens.weight", "449", "448");
    }

    @Test
    void aMissingShard() throws IOException {
        Files.delete(weights());
        Files.writeString(
                model.resolve("model.safetensors.index.json"),
                "{\"weight_map\": {\"model.norm.weight\": \"model-00001-of-00001.safetensors\"}}");
        assertRefused("model-00001-of-00001.safetensors");
    }

    @Test
    void noWeightsAtAll() throws IOException {
        Files.delete(weights());
        assertRefused(model.toString(), "model.safetensors");
    }

    @Test
    void anUnsupportedFamily() throws IOException {
        changeConfig("model_type", "\"mamba\"");
        assertRefused("config.json", "model_type", "mamba", "llama");
    }

    @Test
    void anUnsupportedRope() throws IOException {
        changeConfig("rope_parameters", "{\"rope_type\": \"spiral\", \"factor\": 2.0}");
        assertRefused("config.json", "rope_parameters.rope_type", "spiral");
    }

    @Test
    void aBrokenConfiguration() throws IOException {
        Files.writeString(model.resolve("config.json"), "{\"model_type\": \"llama\",");
        assertRefused("config.json");
    }

    @Test
    void aMissingTokenizer() throws IOException {
        Files.delete(model.resolve("tokenizer.json"));
        assertRefused("tokenizer.json", "save_pretrained");
    }

    @Test
    void aTemplateThatRaises() throws IOException {
        Files.writeString(
                model.resolve("chat_template.jinja"), "{{ raise_exception('only on Sundays') }}");
        assertRefused("chat_template.jinja", "only on Sundays");
    }

    @Test
    void aMalformedLineByItsNumber() throws IOException {
        Files.writeString(train, PAIR + PAIR + "{\"messages\": [\n" + PAIR);
        assertRefused(train + ":3");
    }

    @Test
    void aPairWithoutAnswerByItsNumber() throws IOException {
        Files.writeString(
                train, PAIR + "{\"messages\": [{\"role\": \"user\", \"content\": \"a digit\"}]}\n");
        assertRefused(train + ":2", "assistant");
    }

    @Test
    void aRowThatIsTooLongByItsNumber() throws IOException {
        Files.writeString(train, PAIR + PAIR.replace("a digit", "a digit ".repeat(60).strip()));
        assertRefused(train + ":2", "64", "--max-length");
    }

    @Test
    void anEmptyFile() throws IOException {
        Files.writeString(train, "");
        assertRefused(train.toString(), "empty");
    }

    @Test
    void aFileThatIsNotThere() throws IOException {
        Files.delete(train);
        assertRefused(train.toString());
    }

    @Test
    void anOutputFolderThatIsNotEmpty() throws IOException {
        Path output = Files.createDirectory(folder.resolve("full"));
        Files.writeString(output.resolve("thesis.txt"), "do not lose me");
        StringWriter err = new StringWriter();
        assertThat(finetune(err, output)).isEqualTo(1);
        assertThat(err.toString()).contains(output.toString(), "not empty");
        assertThat(output.resolve("thesis.txt")).hasContent("do not lose me");
        assertThat(output.toFile().list()).hasSize(1);
    }

    @Test
    void resumingWhereNoRunIs() {
        StringWriter err = new StringWriter();
        assertThat(finetune(err, folder.resolve("none"), "--resume")).isEqualTo(1);
        assertThat(err.toString()).contains("run.json", "no run to resume");
    }

    @Test
    void optionsOutOfRangeAreWrongUsage() {
        for (String[] option :
                new String[][] {
                    {"--lambda", "-1"},
                    {"--predictors", "11"},
                    {"--batch-size", "0"},
                    {"--epochs", "0"},
                    {"--learning-rate", "NaN"},
                    {"--validation-split", "1.5"},
                    {"--schedule", "zigzag"}
                }) {
            StringWriter err = new StringWriter();
            assertThat(finetune(err, folder.resolve("out"), option))
                    .as("%s", List.of(option))
                    .isEqualTo(2);
            assertThat(err.toString()).contains("--help");
        }
        assertThat(folder.resolve("out")).doesNotExist();
    }
}
