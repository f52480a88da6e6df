package io.github.dl4jjepa.models.huggingface;

import io.github.dl4jjepa.models.safetensors.Dtype;
import io.github.dl4jjepa.models.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Builds small folders; their configuration files are those of shared/fixtures/models/llama. */
final class ModelFolder {
    final Path path;

    ModelFolder(Path path) {
        this.path = path;
        try {
            Files.createDirectories(path);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A folder with all that a model needs. */
    static ModelFolder whole(Path path) {
        return new ModelFolder(path)
                .resource("config.json", "config.json")
                .resource("generation_config.json", "generation_config.json")
                .file("tokenizer.json", "{\"version\": \"1.0\"}")
                .file("tokenizer_config.json", "{\"eos_token\": \"é\"}")
                .file("chat_template.jinja", "{{ messages }}\n")
                .weights(weights(1));
    }

    ModelFolder resource(String name, String resource) {
        try (InputStream content = ModelFolder.class.getResourceAsStream(resource)) {
            Files.write(path.resolve(name), content.readAllBytes());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return this;
    }

    ModelFolder file(String name, String content) {
        try {
            Files.writeString(path.resolve(name), content);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return this;
    }

    ModelFolder weights(Map<String, INDArray> weights) {
        SafetensorsWriter.writeFile(path.resolve("model.safetensors"), weights, Dtype.F32);
        return this;
    }

    CheckpointFolder open() {
        return CheckpointFolder.open(path);
    }

    /** Two arrays full of thirds: values that a narrower type would change. */
    static Map<String, INDArray> weights(float value) {
        Map<String, INDArray> weights = new LinkedHashMap<>();
        weights.put("embed", Nd4j.valueArrayOf(new long[] {4, 3}, value / 3, DataType.FLOAT));
        weights.put("norm", Nd4j.valueArrayOf(new long[] {3}, value / 7, DataType.FLOAT));
        return weights;
    }
}
