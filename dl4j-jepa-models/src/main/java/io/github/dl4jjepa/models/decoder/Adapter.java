package io.github.dl4jjepa.models.decoder;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What is added to the frozen weights of a decoder (LoRA, arXiv 2106.09685): products of two small
 * matrices, and rows of the embedding that are trained in place of the frozen ones.
 *
 * <p>A linear map {@code y = x W'} becomes {@code y = x W' + scaling * dropout(x) A' B'}.
 * Parameters have the names that peft gives them in {@code adapter_model.safetensors}.
 *
 * @param scalings by the name of each linear map that is adapted: alpha / rank
 * @param dropout the part of a map's input that is dropped in training, from 0 to below 1
 * @param tokenRows by the name of a table's parameter, the embedding's or that of a head which is
 *     not tied to it: the token ids whose rows are trained, in the order of the trained rows
 */
public record Adapter(
        Map<String, Double> scalings, double dropout, Map<String, List<Integer>> tokenRows) {
    /** The prefix of all parameters. */
    public static final String PREFIX = "base_model.model.";

    static final Adapter NONE = new Adapter(Map.of(), 0, Map.of());

    public Adapter {
        scalings = new LinkedHashMap<>(scalings);
        tokenRows = new LinkedHashMap<>(tokenRows);
        tokenRows.replaceAll((table, ids) -> List.copyOf(ids));
        if (!(dropout >= 0 && dropout < 1)) {
            throw new IllegalArgumentException("dropout must lie in 0..1, not " + dropout);
        }
    }

    /** The name of A, {@code [rank, in]}. */
    public static String down(String map) {
        return PREFIX + map + ".lora_A.weight";
    }

    /** The name of B, {@code [out, rank]}. */
    public static String up(String map) {
        return PREFIX + map + ".lora_B.weight";
    }

    /** The name of the module that a table's parameter belongs to. */
    public static String module(String table) {
        return table.substring(0, table.length() - ".weight".length());
    }

    /** The name of a table's trained rows, {@code [tokens, hidden]}. */
    public static String rows(String table) {
        return PREFIX + module(table) + ".token_adapter.trainable_tokens_delta";
    }

    /** Whether nothing is added. */
    public boolean isEmpty() {
        return scalings.isEmpty() && tokenRows.isEmpty();
    }

    /**
     * The same with other trained rows.
     *
     * @param rows token ids by the name of a table's parameter
     */
    public Adapter withTokenRows(Map<String, List<Integer>> rows) {
        return new Adapter(scalings, dropout, rows);
    }
}
