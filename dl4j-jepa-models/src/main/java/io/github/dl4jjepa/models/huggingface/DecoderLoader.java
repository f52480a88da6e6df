package io.github.dl4jjepa.models.huggingface;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.models.decoder.DecoderConfig;
import io.github.dl4jjepa.models.decoder.TransformerDecoder;
import io.github.dl4jjepa.models.internal.family.ConfigJson;
import io.github.dl4jjepa.models.internal.family.DecoderFamily;
import io.github.dl4jjepa.models.safetensors.SafetensorsCheckpoint;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads decoders from checkpoint folders.
 *
 * <p>Each weight is put into place once, as float32; bfloat16 and float16 are widened.
 */
public final class DecoderLoader {
    private static final Logger LOG = LoggerFactory.getLogger(DecoderLoader.class);

    /** Of training with dropout, of other tasks than generation, of files and of caches. */
    private static final Pattern HARMLESS =
            Pattern.compile(
                    "_.*|architectures|auto_map|(torch_)?dtype|transformers_version|use_cache"
                            + "|.*_token_id|.*dropout.*|.*pdrop|summary_.*|task_specific_params"
                            + "|transformers.js_config|pretraining_tp|is_llama_config|n_ctx"
                            + "|cache_implementation|reorder_and_upcast_attn|max_window_layers"
                            + "|sliding_window|use_bidirectional_attention|rope_max_length"
                            + "|num_gqa_groups|qkv_multipliers|hidden_act|initializer_range"
                            + "|original_max_position_embeddings");

    private final CheckpointFolder folder;

    private DecoderLoader(CheckpointFolder folder) {
        this.folder = folder;
    }

    /**
     * What the model is made of.
     *
     * @throws JepaException if config.json asks for something that is not supported, quantized
     *     weights among them
     */
    public static DecoderConfig config(CheckpointFolder folder) {
        new DecoderLoader(folder).refuseQuantized(Quantization.of(folder.config()));
        return config(folder, new ConfigJson(folder.config(), folder.configFile().toString()));
    }

    private void refuseQuantized(Optional<String> method) {
        method.ifPresent(
                name -> {
                    throw new JepaException(
                            folder.path()
                                    + ": the weights are quantized ("
                                    + name
                                    + "), and quantized weights are not read. Take the model that"
                                    + " they were made from, or dequantize them in transformers:"
                                    + " AutoModelForCausalLM.from_pretrained(folder).dequantize()"
                                    + ".save_pretrained(other).");
                });
    }

    private static DecoderConfig config(CheckpointFolder folder, ConfigJson json) {
        try {
            return DecoderFamily.of(json).configuration(json);
        } catch (IllegalArgumentException e) {
            throw new JepaException(folder.configFile() + ": " + e.getMessage(), e);
        }
    }

    /**
     * Reads the model, with its adapter if it has one: all weights are frozen then, and those of
     * the adapter trainable.
     *
     * @throws JepaException if a tensor is missing, left over, or of the wrong shape or type
     */
    public static TransformerDecoder load(CheckpointFolder folder) {
        return load(folder, 0);
    }

    /**
     * Reads the model, with room for new token ids. Rows of the embedding and the head beyond the
     * checkpoint's are zero until {@link TransformerDecoder#initializeTokens} fills them.
     *
     * @param vocabularySize the least number of token ids
     * @throws JepaException if a tensor is missing, left over, or of the wrong shape or type
     */
    public static TransformerDecoder load(CheckpointFolder folder, int vocabularySize) {
        DecoderLoader loader = new DecoderLoader(folder);
        if (folder.adapter().isEmpty()) {
            return loader.load(vocabularySize);
        }
        AdapterFolder adapter = folder.adapter().get();
        int size = Math.max(vocabularySize, adapter.vocabularySize(config(folder)));
        return adapter.applyTo(loader.load(size));
    }

    /** The keys that were not read, but for those that decide nothing of what is computed here. */
    static List<String> unreadKeys(ConfigJson config) {
        return config.keys().stream()
                .filter(key -> !config.keysRead().contains(key))
                .filter(key -> !HARMLESS.matcher(key).matches())
                .toList();
    }

    private TransformerDecoder load(int vocabularySize) {
        refuseQuantized(Quantization.of(folder.config()));
        ConfigJson json = new ConfigJson(folder.config(), folder.configFile().toString());
        DecoderConfig stored = config(folder, json);
        List<String> unread = unreadKeys(json);
        if (!unread.isEmpty()) {
            LOG.warn(
                    "{}: {} not read; should the model's results depend on them, ours are wrong:"
                            + " check with jepa verify",
                    folder.configFile(),
                    unread);
        }
        DecoderConfig grown =
                stored.withVocabularySize(Math.max(vocabularySize, stored.vocabularySize()));
        SafetensorsCheckpoint weights = folder.weights();
        refuseQuantized(Quantization.of(weights.tensors().values()));
        Map<String, long[]> shapes = stored.parameterShapes();
        StoredNames names = new StoredNames(weights.tensors().keySet(), stored);
        checkNames(weights, names);
        shapes.forEach((name, shape) -> check(weights.tensor(storedName(names, name)), shape));
        names.secondHead()
                .ifPresent(
                        head ->
                                checkTied(
                                        weights,
                                        head,
                                        storedName(names, stored.names().embedding())));

        // Allocated here as well: ND4J clears what it allocates, and the first touch of memory
        // takes
        // longer than reading.
        Map<String, INDArray> read = new ConcurrentHashMap<>();
        grown.parameterShapes().entrySet().parallelStream()
                .map(
                        entry -> {
                            String name = entry.getKey();
                            INDArray parameter = Nd4j.zeros(DataType.FLOAT, entry.getValue());
                            read.put(name, parameter);
                            return failure(
                                    weights,
                                    storedName(names, name),
                                    parameter,
                                    Objects.requireNonNull(shapes.get(name))[0]);
                        })
                .flatMap(Optional::stream)
                .findFirst()
                .ifPresent(
                        failure -> {
                            throw failure;
                        });
        Map<String, INDArray> parameters = new LinkedHashMap<>();
        grown.parameterShapes()
                .keySet()
                .forEach(name -> parameters.put(name, Objects.requireNonNull(read.get(name))));
        return new TransformerDecoder(grown, parameters);
    }

    /** Reads a parameter; a thrown exception would leave the stream wrapped into another. */
    private static Optional<JepaException> failure(
            SafetensorsCheckpoint weights, String storedName, INDArray parameter, long rows) {
        try {
            weights.readInto(
                    storedName,
                    parameter.size(0) == rows
                            ? parameter
                            : parameter.get(NDArrayIndex.interval(0, rows)));
            return Optional.empty();
        } catch (JepaException e) {
            return Optional.of(e);
        }
    }

    private static String storedName(StoredNames names, String name) {
        return names.find(name).orElseThrow();
    }

    private void checkNames(SafetensorsCheckpoint weights, StoredNames names) {
        List<String> missing = names.missing();
        List<String> leftOver = names.leftOver();
        if (missing.isEmpty() && leftOver.isEmpty()) {
            if (!names.prefix().isEmpty()) {
                LOG.info(
                        "{}: tensors have the prefix \"{}\" of a wrapper and are read without it",
                        folder.path(),
                        names.prefix());
            }
            return;
        }
        // An index that lists what no shard holds is the cause, and says so.
        weights.absent().forEach(weights::tensor);
        names.cause()
                .ifPresent(
                        cause -> {
                            throw new JepaException(folder.path() + ": " + cause + ".");
                        });
        if (!missing.isEmpty()) {
            throw new JepaException(
                    folder.path()
                            + ": "
                            + some(missing)
                            + " missing, which config.json calls for; "
                            + (names.lacksOnlyTheHead()
                                    ? "set tie_word_embeddings to true if the head is the embedding"
                                    : "config.json and the weights belong to different models"));
        }
        throw new JepaException(
                weights.tensor(leftOver.get(0)).file()
                        + ": "
                        + some(leftOver)
                        + " left over, which config.json does not call for; config.json and the weights belong to different models");
    }

    /** Before anything is allocated: config.json may claim what it likes. */
    private void check(SafetensorsCheckpoint.TensorInfo tensor, long[] shape) {
        if (!tensor.shape().equals(Arrays.stream(shape).boxed().toList())) {
            throw new JepaException(
                    folder.path()
                            + ": tensor \""
                            + tensor.name()
                            + "\" has the shape "
                            + tensor.shape()
                            + ", but config.json calls for "
                            + Arrays.toString(shape)
                            + "; config.json and the weights belong to different models");
        }
        if (!tensor.dtype().arrayType().equals(Optional.of(DataType.FLOAT))) {
            throw new JepaException(
                    folder.path()
                            + ": tensor \""
                            + tensor.name()
                            + "\" is "
                            + tensor.dtype()
                            + ", but weights must be F32, BF16, F16 or F64; save the model in one of"
                            + " them");
        }
    }

    /** A tied head may be stored a second time; it has to be the embedding. */
    private void checkTied(SafetensorsCheckpoint weights, String headName, String embeddingName) {
        try (INDArray head = weights.read(headName);
                INDArray embedding = weights.read(embeddingName)) {
            if (!head.equalsWithEps(embedding, 0)) {
                throw new JepaException(
                        folder.path()
                                + ": "
                                + headName
                                + " differs from the embedding, but config.json ties them; set tie_word_embeddings to false");
            }
        }
    }

    private static String some(List<String> names) {
        String first = String.join(", ", names.subList(0, Math.min(3, names.size())));
        return names.size() == 1
                ? "tensor " + first + " is"
                : names.size() + " tensors (" + first + ", …) are";
    }
}
