package io.github.dl4jjepa.models.huggingface;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.DoubleNode;
import com.fasterxml.jackson.databind.node.IntNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.dl4jjepa.models.decoder.Adapter;
import io.github.dl4jjepa.models.decoder.DecoderConfig;
import io.github.dl4jjepa.models.decoder.TransformerDecoder;
import io.github.dl4jjepa.models.lora.LoraOptions;
import io.github.dl4jjepa.models.lora.ModuleNames;
import io.github.dl4jjepa.models.safetensors.Dtype;
import io.github.dl4jjepa.models.safetensors.SafetensorsCheckpoint;
import io.github.dl4jjepa.models.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Writes a trained adapter as a folder that peft loads: {@code adapter_config.json}, {@code
 * adapter_model.safetensors}, and the tokenizer, which may have tokens that the base's has not.
 *
 * <p>{@code AutoPeftModelForCausalLM.from_pretrained(folder)} loads the adapter with its base, and
 * makes the embedding large enough for the tokenizer.
 */
public final class AdapterExporter extends ModelWriter {
    private static final Pattern REVISION = Pattern.compile("([^@/]+/)?[^@/]+@([^@]+)");

    private final Adapter adapter;
    private final DecoderConfig model;
    private final LoraOptions options;
    private final String base;
    private final CheckpointExporter whole;

    /**
     * An exporter of a decoder's adapter.
     *
     * @param decoder a decoder with an adapter
     * @param options what the adapter was made by
     * @param source the base, or the adapter that was trained further
     * @param whole writes the tokenizer, as it would with the whole model
     */
    public AdapterExporter(
            TransformerDecoder decoder,
            LoraOptions options,
            CheckpointFolder source,
            CheckpointExporter whole) {
        super(Dtype.F32, AdapterFolder.CONFIG);
        adapter = decoder.adapter();
        model = decoder.config();
        this.options = options;
        base = source.baseName();
        this.whole = whole;
    }

    @Override
    SafetensorsCheckpoint weights(Path folder) {
        return SafetensorsCheckpoint.open(folder.resolve(AdapterFolder.WEIGHTS));
    }

    @Override
    void write(Map<String, INDArray> tensors, Dtype written, Path folder) throws IOException {
        DurableFiles.create(folder.resolve(AdapterFolder.CONFIG), JsonFiles.toBytes(config()));
        whole.writeTokenizer(folder);
        SafetensorsWriter.writeFile(folder.resolve(AdapterFolder.WEIGHTS), tensors, written);
    }

    private ObjectNode config() {
        ObjectNode config = JsonFiles.newObject();
        putBase(config);
        config.put("bias", "none");
        config.put("fan_in_fan_out", model.hasTransposedMaps());
        config.put("inference_mode", true);
        config.put("init_lora_weights", true);
        config.set("lora_alpha", number(options.alpha()));
        config.put("lora_dropout", options.dropout());
        config.put("peft_type", "LORA");
        config.put("r", options.rank());
        config.put("task_type", "CAUSAL_LM");
        config.put("use_dora", false);
        config.put("use_rslora", options.rsLora());
        ObjectNode ranks = config.putObject("rank_pattern");
        options.rankPattern().forEach(ranks::put);
        ObjectNode alphas = config.putObject("alpha_pattern");
        options.alphaPattern().forEach((key, alpha) -> alphas.set(key, number(alpha)));
        ArrayNode targets = config.putArray("target_modules");
        targets().forEach(targets::add);
        putTokens(config);
        return config;
    }

    private void putBase(ObjectNode config) {
        Matcher name = REVISION.matcher(base);
        boolean hasRevision = name.matches() && !Files.exists(Path.of(base));
        config.put(
                "base_model_name_or_path",
                hasRevision ? base.substring(0, base.indexOf('@')) : base);
        config.put("revision", hasRevision ? name.group(2) : null);
    }

    private static JsonNode number(double value) {
        return value == Math.rint(value) && Math.abs(value) < Integer.MAX_VALUE
                ? IntNode.valueOf((int) value)
                : DoubleNode.valueOf(value);
    }

    /** The ends of the adapted maps' names, or the whole names if others end likewise. */
    private Set<String> targets() {
        Set<String> adapted = adapter.scalings().keySet();
        Set<String> ends =
                adapted.stream()
                        .map(map -> map.substring(map.lastIndexOf('.') + 1))
                        .collect(Collectors.toCollection(TreeSet::new));
        ModuleNames names = ModuleNames.of(List.copyOf(ends));
        boolean same =
                model.linearMaps().keySet().stream()
                        .allMatch(map -> names.contains(map) == adapted.contains(map));
        return same ? ends : new TreeSet<>(adapted);
    }

    private void putTokens(ObjectNode config) {
        Map<String, List<Integer>> rows = adapter.tokenRows();
        List<Integer> embedding = rows.get(model.names().embedding());
        if (rows.isEmpty()) {
            config.putNull(AdapterFolder.TOKENS);
        } else if (rows.size() == 1 && embedding != null) {
            embedding.forEach(config.withArray(AdapterFolder.TOKENS)::add);
        } else {
            ObjectNode tables = config.putObject(AdapterFolder.TOKENS);
            rows.forEach(
                    (table, tokens) -> {
                        String module = Adapter.module(table);
                        ArrayNode ids =
                                tables.putArray(module.substring(module.lastIndexOf('.') + 1));
                        tokens.forEach(ids::add);
                    });
        }
    }
}
