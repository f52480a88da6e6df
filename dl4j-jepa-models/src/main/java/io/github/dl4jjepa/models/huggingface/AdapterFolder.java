package io.github.dl4jjepa.models.huggingface;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.models.decoder.Adapter;
import io.github.dl4jjepa.models.decoder.DecoderConfig;
import io.github.dl4jjepa.models.decoder.TransformerDecoder;
import io.github.dl4jjepa.models.lora.Lora;
import io.github.dl4jjepa.models.lora.LoraOptions;
import io.github.dl4jjepa.models.lora.ModuleNames;
import io.github.dl4jjepa.models.safetensors.SafetensorsCheckpoint;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A LoRA adapter as peft saves it: {@code adapter_config.json} and {@code
 * adapter_model.safetensors}.
 *
 * <p>Opening reads the configuration and refuses, by name, what is not supported.
 */
public final class AdapterFolder {
    static final String CONFIG = "adapter_config.json";
    static final String WEIGHTS = "adapter_model.safetensors";

    private static final String PICKLE = "adapter_model.bin";
    static final String TOKENS = "trainable_token_indices";

    private static final String REMEDY =
            "Merge the adapter in peft, with merge_and_unload() and save_pretrained(folder), and use"
                    + " the merged model.";

    private static final String DOWNLOAD = "Download the adapter again, or save it again in peft.";

    /** Keys that are read, or that decide nothing of what is computed. */
    private static final Set<String> KNOWN =
            Set.of(
                    "peft_type",
                    "task_type",
                    "base_model_name_or_path",
                    "revision",
                    "r",
                    "lora_alpha",
                    "lora_dropout",
                    "use_rslora",
                    "target_modules",
                    "exclude_modules",
                    "rank_pattern",
                    "alpha_pattern",
                    TOKENS,
                    "bias",
                    "init_lora_weights",
                    "fan_in_fan_out",
                    "inference_mode",
                    "auto_mapping",
                    "peft_version",
                    "megatron_core",
                    "qalora_group_size",
                    "ensure_weight_tying",
                    "runtime_config");

    /** Ways to begin with that leave the base's weights as they are. */
    private static final Set<String> HARMLESS_BEGINNINGS =
            Set.of("true", "false", "gaussian", "eva", "orthogonal");

    private final Path path;
    private final ObjectNode config;
    private final LoraOptions options;

    private AdapterFolder(Path path) {
        this.path = path;
        config = JsonFiles.read(path.resolve(CONFIG), DOWNLOAD);
        refuseUnsupported();
        options = options();
    }

    /** Whether a folder holds an adapter. */
    static boolean isAt(Path folder) {
        return Files.isRegularFile(folder.resolve(CONFIG));
    }

    /**
     * Opens an adapter.
     *
     * @throws JepaException if a file is missing or damaged, or asks for what is not supported
     */
    static AdapterFolder open(Path path) {
        return new AdapterFolder(path);
    }

    private void refuseUnsupported() {
        JsonNode type = config.path("peft_type");
        if (!type.asText().equals("LORA")) {
            throw unsupported("peft_type", type, "adapters of other methods than LoRA are");
        }
        JsonNode task = config.path("task_type");
        if (!task.isNull() && !task.isMissingNode() && !task.asText().equals("CAUSAL_LM")) {
            throw unsupported("task_type", task, "adapters for other tasks than CAUSAL_LM are");
        }
        JsonNode bias = config.path("bias");
        if (!bias.isMissingNode() && !bias.asText().equals("none")) {
            throw unsupported("bias", bias, "trained biases are");
        }
        JsonNode beginning = config.path("init_lora_weights");
        if (!beginning.isMissingNode() && !HARMLESS_BEGINNINGS.contains(beginning.asText())) {
            throw unsupported(
                    "init_lora_weights",
                    beginning,
                    "adapters whose initialization changes the base's weights are");
        }
        for (Map.Entry<String, JsonNode> entry : config.properties()) {
            if (!KNOWN.contains(entry.getKey()) && isSet(entry.getValue())) {
                throw unsupported(entry.getKey(), entry.getValue(), "this setting is");
            }
        }
    }

    private static boolean isSet(JsonNode value) {
        return value.isContainerNode()
                ? !value.isEmpty()
                : !value.isNull() && !value.asText().equals("false");
    }

    private JepaException unsupported(String key, JsonNode value, String what) {
        return new JepaException(
                path.resolve(CONFIG)
                        + ": \""
                        + key
                        + "\" is "
                        + (value.isMissingNode() ? "missing" : value)
                        + ", and "
                        + what
                        + " not supported. "
                        + REMEDY);
    }

    private JepaException damaged(String key, String what) {
        return new JepaException(
                path.resolve(CONFIG) + ": \"" + key + "\" " + what + ". " + DOWNLOAD);
    }

    private LoraOptions options() {
        try {
            LoraOptions.Builder builder =
                    LoraOptions.builder()
                            .optRank(integer("r", config.path("r")))
                            .optAlpha(number("lora_alpha", config.path("lora_alpha")))
                            .optRsLora(config.path("use_rslora").asBoolean(false))
                            .optTargets(names("target_modules").orElseThrow(this::noTargets));
            if (config.hasNonNull("lora_dropout")) {
                builder.optDropout(number("lora_dropout", config.path("lora_dropout")));
            }
            names("exclude_modules").ifPresent(builder::optExclusions);
            Map<String, Integer> ranks = new LinkedHashMap<>();
            config.path("rank_pattern")
                    .properties()
                    .forEach(e -> ranks.put(e.getKey(), integer("rank_pattern", e.getValue())));
            Map<String, Double> alphas = new LinkedHashMap<>();
            config.path("alpha_pattern")
                    .properties()
                    .forEach(e -> alphas.put(e.getKey(), number("alpha_pattern", e.getValue())));
            return builder.optRankPattern(ranks).optAlphaPattern(alphas).build();
        } catch (IllegalArgumentException e) {
            throw new JepaException(
                    path.resolve(CONFIG) + ": " + e.getMessage() + ". " + DOWNLOAD, e);
        }
    }

    private JepaException noTargets() {
        return damaged("target_modules", "is missing or null, so that no module is adapted");
    }

    private int integer(String key, JsonNode value) {
        if (value.isMissingNode()) {
            throw damaged(key, "is missing");
        }
        if (!value.isIntegralNumber() || !value.canConvertToInt()) {
            throw damaged(key, "holds " + value + ", not a whole number");
        }
        return value.intValue();
    }

    private double number(String key, JsonNode value) {
        if (!value.isNumber()) {
            throw damaged(key, "holds " + value + ", not a number");
        }
        return value.doubleValue();
    }

    private Optional<ModuleNames> names(String key) {
        JsonNode value = config.path(key);
        if (value.isTextual()) {
            return Optional.of(ModuleNames.matching(value.textValue()));
        }
        if (value.isArray()) {
            List<String> names = new ArrayList<>();
            value.forEach(name -> names.add(name.asText()));
            return Optional.of(ModuleNames.of(names));
        }
        if (!value.isNull() && !value.isMissingNode()) {
            throw damaged(key, "is " + value + ", not a name or a list of names");
        }
        return Optional.empty();
    }

    /** Where the folder is. */
    public Path path() {
        return path;
    }

    /** The adapter's files. */
    Map<String, Path> files() {
        return Map.of(CONFIG, path.resolve(CONFIG), WEIGHTS, path.resolve(WEIGHTS));
    }

    /**
     * The model that the adapter was made for: a folder or a name on the hub, with {@code
     * @revision} if the adapter names one.
     *
     * @return empty if the adapter does not say
     */
    public Optional<String> base() {
        return Optional.of(config.path("base_model_name_or_path").asText(""))
                .filter(name -> !name.isBlank() && !name.equals("null"))
                .map(
                        name ->
                                config.hasNonNull("revision") && !name.contains("@")
                                        ? name + "@" + config.path("revision").asText()
                                        : name);
    }

    /** Which maps are adapted, and how. */
    public LoraOptions loraOptions() {
        return options;
    }

    /**
     * The token ids whose rows are trained, by the name of a table's parameter.
     *
     * @throws JepaException if the adapter names another module
     */
    Map<String, List<Integer>> tokenRows(DecoderConfig model) {
        JsonNode value = config.path(TOKENS);
        Map<String, List<Integer>> rows = new LinkedHashMap<>();
        if (value.isArray() && !value.isEmpty()) {
            rows.put(model.names().embedding(), ids(value));
        } else if (value.isObject()) {
            for (Map.Entry<String, JsonNode> entry : value.properties()) {
                rows.put(table(model, entry.getKey()), ids(entry.getValue()));
            }
        } else if (!value.isNull() && !value.isMissingNode() && !value.isArray()) {
            throw damaged(TOKENS, "is " + value + ", neither a list nor an object");
        }
        return rows;
    }

    private String table(DecoderConfig model, String module) {
        List<String> tables =
                model.head().tied()
                        ? List.of(model.names().embedding())
                        : List.of(model.names().embedding(), model.names().headWeight());
        return tables.stream()
                .filter(table -> ModuleNames.of(List.of(module)).contains(Adapter.module(table)))
                .findFirst()
                .orElseThrow(
                        () ->
                                damaged(
                                        TOKENS,
                                        "names the module \""
                                                + module
                                                + "\", but rows are trained of "
                                                + tables.stream().map(Adapter::module).toList()
                                                + " only"));
    }

    private List<Integer> ids(JsonNode list) {
        List<Integer> ids = new ArrayList<>();
        for (JsonNode id : list) {
            int number = integer(TOKENS, id);
            if (number < 0 || ids.contains(number)) {
                throw damaged(TOKENS, "holds " + number + ", which is negative or there twice");
            }
            ids.add(number);
        }
        return ids;
    }

    /** The least number of token ids that the base must have room for. */
    int vocabularySize(DecoderConfig model) {
        return 1
                + tokenRows(model).values().stream()
                        .flatMap(List::stream)
                        .mapToInt(Integer::intValue)
                        .max()
                        .orElse(-1);
    }

    /**
     * Adds the adapter to its base.
     *
     * @throws JepaException if a tensor is missing, left over, or of the wrong shape or type
     */
    TransformerDecoder applyTo(TransformerDecoder base) {
        SafetensorsCheckpoint weights = weights();
        Map<String, List<Integer>> rows = tokenRows(base.config());
        Map<String, long[]> shapes;
        Adapter adapter;
        try {
            shapes = Lora.shapes(options, base.config(), rows);
            adapter = Lora.adapter(options, base.config(), rows);
        } catch (JepaException e) {
            throw new JepaException(path.resolve(CONFIG) + ": " + e.getMessage(), e);
        }
        check(weights, shapes);
        Map<String, INDArray> arrays = new LinkedHashMap<>();
        shapes.forEach(
                (name, shape) -> {
                    INDArray array = Nd4j.createUninitialized(DataType.FLOAT, shape);
                    weights.readInto(name, array);
                    arrays.put(name, array);
                });
        return base.withAdapter(adapter, arrays);
    }

    /** Opens the adapter's weights. */
    SafetensorsCheckpoint weights() {
        Path file = path.resolve(WEIGHTS);
        if (!Files.exists(file) && Files.exists(path.resolve(PICKLE))) {
            throw new JepaException(
                    path
                            + ": holds "
                            + PICKLE
                            + ", a pickle, and pickles are not read: unpickling can run code. Load"
                            + " the adapter in peft and save it again with save_pretrained, which"
                            + " writes safetensors.");
        }
        if (!Files.exists(file)) {
            throw new JepaException(file + ": no such file. " + DOWNLOAD);
        }
        return SafetensorsCheckpoint.open(file);
    }

    private void check(SafetensorsCheckpoint weights, Map<String, long[]> shapes) {
        Path file = path.resolve(WEIGHTS);
        Set<String> missing = new TreeSet<>(shapes.keySet());
        missing.removeAll(weights.tensors().keySet());
        Set<String> leftOver = new TreeSet<>(weights.tensors().keySet());
        leftOver.removeAll(shapes.keySet());
        for (String name : leftOver) {
            throw new JepaException(
                    file
                            + ": tensor \""
                            + name
                            + "\" is left over: "
                            + (name.contains("lora_") || name.contains("token_adapter")
                                    ? "the base model has no such linear map, or "
                                            + CONFIG
                                            + " does not choose it"
                                            + (missing.isEmpty()
                                                    ? ""
                                                    : " (\""
                                                            + missing.iterator().next()
                                                            + "\" is missing)")
                                            + "; give the adapter's own base by --base"
                                    : "adapters that hold whole weights are not supported. "
                                            + REMEDY));
        }
        for (String name : missing) {
            throw new JepaException(
                    file
                            + ": tensor \""
                            + name
                            + "\" is missing, which "
                            + CONFIG
                            + " calls for with this base. "
                            + DOWNLOAD);
        }
        shapes.forEach(
                (name, shape) -> {
                    SafetensorsCheckpoint.TensorInfo tensor = weights.tensor(name);
                    if (!Arrays.equals(tensor.dimensions(), shape)) {
                        throw new JepaException(
                                file
                                        + ": tensor \""
                                        + name
                                        + "\" has the shape "
                                        + tensor.shape()
                                        + ", but "
                                        + CONFIG
                                        + " and the base call for "
                                        + Arrays.toString(shape)
                                        + "; give the adapter's own base by --base");
                    }
                    if (!tensor.dtype().arrayType().equals(Optional.of(DataType.FLOAT))) {
                        throw new JepaException(
                                file
                                        + ": tensor \""
                                        + name
                                        + "\" is "
                                        + tensor.dtype()
                                        + ", but must be F32, BF16, F16 or F64. "
                                        + DOWNLOAD);
                    }
                });
    }
}
