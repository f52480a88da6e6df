package io.github.dl4jjepa.models.verification;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.TokenSpan;
import io.github.dl4jjepa.core.view.TokenizedExample;
import io.github.dl4jjepa.core.view.TokenizedView;
import io.github.dl4jjepa.models.safetensors.SafetensorsCheckpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
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
    private static final int IGNORED = -100;

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

    /** The [PRED] tokens that follow Text in {@code text_pred_ids}. */
    int[] predictorIds() {
        return integers(value("predictor_ids"));
    }

    /**
     * The examples: rows of Text, Code and end token, with the labels on all that follows Text.
     *
     * @throws JepaException if the tensors are not so made
     */
    List<TokenizedExample> examples() {
        List<int[]> rows = rows("input_ids", "attention_mask");
        List<int[]> texts = rows("text_ids", "text_mask");
        List<int[]> codes = rows("code_ids", "code_mask");
        int[][] labels = integers("labels");
        if (texts.size() != rows.size()
                || codes.size() != rows.size()
                || labels.length != rows.size()) {
            throw new JepaException(
                    json
                            + ": input_ids, text_ids, code_ids and labels differ in their number of"
                            + " rows; export the reference again (docs/verify.md)");
        }
        List<TokenizedExample> examples = new ArrayList<>();
        for (int i = 0; i < rows.size(); i++) {
            int[] row = rows.get(i);
            int answer = row.length - texts.get(i).length;
            if (texts.get(i).length == 0
                    || codes.get(i).length == 0
                    || answer < codes.get(i).length) {
                throw new JepaException(
                        json
                                + ": example "
                                + (i + 1)
                                + " has no answer, or an empty view; remove it and export the"
                                + " reference again (docs/verify.md)");
            }
            TokenSpan text = new TokenSpan(0, texts.get(i).length);
            TokenSpan code = new TokenSpan(text.end(), text.end() + codes.get(i).length);
            TokenSpan labeled = new TokenSpan(text.end(), row.length);
            int[] expected = new int[labels[i].length];
            Arrays.fill(expected, IGNORED);
            System.arraycopy(row, text.end(), expected, text.end(), labeled.length());
            if (!Arrays.equals(labels[i], expected)
                    || !Arrays.equals(row, 0, text.end(), texts.get(i), 0, text.length())
                    || !Arrays.equals(
                            row, code.start(), code.end(), codes.get(i), 0, code.length())) {
                throw new JepaException(
                        json
                                + ": example "
                                + (i + 1)
                                + " is not Text, Code and end token with labels after Text; export"
                                + " the reference again (docs/verify.md)");
            }
            examples.add(
                    new TokenizedExample(
                            "reference:" + (i + 1),
                            row,
                            labeled,
                            List.of(
                                    TokenizedView.inRow(row, text),
                                    TokenizedView.inRow(row, code))));
        }
        return examples;
    }

    private List<int[]> rows(String ids, String mask) {
        int[][] padded = integers(ids);
        int[][] real = integers(mask);
        List<int[]> rows = new ArrayList<>();
        for (int row = 0; row < padded.length; row++) {
            rows.add(Arrays.copyOf(padded[row], Arrays.stream(real[row]).sum()));
        }
        return rows;
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
