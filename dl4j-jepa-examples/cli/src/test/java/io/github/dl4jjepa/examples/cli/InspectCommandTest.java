package io.github.dl4jjepa.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.dl4jjepa.examples.training.TinyModel;
import io.github.dl4jjepa.models.huggingface.CheckpointFolder;
import io.github.dl4jjepa.models.huggingface.DecoderLoader;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InspectCommandTest {
    @Test
    void saysWhatACheckpointIs(@TempDir Path folder) throws IOException {
        Path model = TinyModel.write(folder.resolve("model"));
        StringWriter err = new StringWriter();
        JsonNode result = inspect(model, err);
        assertThat(result.path("family").textValue()).isEqualTo("llama");
        assertThat(result.path("parameters").longValue())
                .isEqualTo(DecoderLoader.load(CheckpointFolder.open(model)).parameterCount());
        assertThat(result.path("training_gb").doubleValue())
                .isEqualTo(4 * result.path("weights_gb").doubleValue());
        assertThat(result.path("chat_template").booleanValue()).isTrue();
        assertThat(result.path("quantization").isNull()).isTrue();
        assertThat(result.path("config_keys_read"))
                .extracting(JsonNode::textValue)
                .contains("hidden_size", "model_type")
                .doesNotContain("architectures");
        assertThat(result.path("config_keys_ignored"))
                .extracting(JsonNode::textValue)
                .doesNotContain("hidden_size");
        assertThat(err.toString()).contains("model.embed_tokens.weight");
    }

    @Test
    void saysHowWeightsAreQuantized(@TempDir Path folder) throws IOException {
        Path model = TinyModel.write(folder.resolve("model"));
        ObjectMapper json = new ObjectMapper();
        ObjectNode config = (ObjectNode) json.readTree(model.resolve("config.json").toFile());
        config.putObject("quantization_config").put("quant_method", "gptq");
        json.writeValue(model.resolve("config.json").toFile(), config);
        JsonNode result = inspect(model, new StringWriter());
        assertThat(result.path("quantization").textValue()).isEqualTo("gptq");
        assertThat(result.path("family").textValue()).isEqualTo("llama");
    }

    private static JsonNode inspect(Path model, StringWriter err) throws IOException {
        StringWriter out = new StringWriter();
        int exit =
                JepaCommand.run(
                        JepaCommand.commandLine()
                                .setOut(new PrintWriter(out, true))
                                .setErr(new PrintWriter(err, true)),
                        "inspect",
                        "--model",
                        model.toString());
        assertThat(exit).as(err.toString()).isZero();
        return new ObjectMapper().readTree(out.toString());
    }
}
