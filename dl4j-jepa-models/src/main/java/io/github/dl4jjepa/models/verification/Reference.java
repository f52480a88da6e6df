package io.github.dl4jjepa.models.verification;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.models.safetensors.SafetensorsCheckpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Inputs and results that transformers exported: {@code golden.json}, {@code golden.safetensors}
 * and {@code grads.safetensors} in one folder, as docs/verify.md describes them.
 */
final class Reference {
    private final Path json;
    private final JsonNode values;
    private final SafetensorsCheckpoint tensors;
    private final SafetensorsCheckpoint gradients;

    private Reference(Path folder) {
        json = existing(folder.resolve("golden.json"));
        tensors = SafetensorsCheckpoint.open(existing(folder.resolve("golden.safetensors")));
        gradients = SafetensorsCheckpoint.open(existing(folder.resolve("grads.safetensors")));
        try {
            values = new ObjectMapper().readTree(Files.readAllBytes(json));
        } catch (JsonProcessingException e) {
            throw new JepaException(json + ": not valid JSON: " + e.getOriginalMessage(), e);
        } catch (IOException e) {
            throw new JepaException(json + ": cannot be read: " + e.getMessage(), e);
        }
    }

    /**
     * Opens the reference in a folder.
     *
     * @throws JepaException if one of its files is missing or damaged
     */
    static Reference open(Path folder) {
        return new Reference(folder);
    }

    private static Path existing(Path file) {
        if (!Files.exists(file)) {
            throw new JepaException(
                    file + ": missing; give a folder of reference outputs (docs/verify.md)");
        }
        return file;
    }

    /** A greedy continuation. */
    record Continuation(int[] prompt, int[] tokens) {}

    List<Continuation> continuations() {
        List<Continuation> continuations = new ArrayList<>();
        for (JsonNode entry : values.path("generation")) {
            continuations.add(
                    new Continuation(
                            integers(entry.path("prompt")), integers(entry.path("tokens"))));
        }
        return continuations;
    }

    Map<String, Double> losses() {
        Map<String, Double> losses = new LinkedHashMap<>();
        value("losses")
                .properties()
                .forEach(loss -> losses.put(loss.getKey(), loss.getValue().asDouble()));
        return losses;
    }

    double number(String key) {
        return value(key).asDouble();
    }

    /** The largest number of predictor tokens: that of {@code text_pred_ids}. */
    int predictors() {
        return value("predictor_ids").size();
    }

    INDArray tensor(String name) {
        return tensors.read(name);
    }

    INDArray gradient(String name) {
        return gradients.read(name);
    }

    Set<String> gradientNames() {
        return gradients.tensors().keySet();
    }

    /** An integer tensor {@code [rows, time]}. */
    int[][] integers(String name) {
        return tensors.read(name).toIntMatrix();
    }

    private JsonNode value(String key) {
        if (!values.has(key)) {
            throw new JepaException(
                    json + ": " + key + " is missing; export the reference again (docs/verify.md)");
        }
        return values.get(key);
    }

    private static int[] integers(JsonNode array) {
        return array.valueStream().mapToInt(JsonNode::intValue).toArray();
    }
}
