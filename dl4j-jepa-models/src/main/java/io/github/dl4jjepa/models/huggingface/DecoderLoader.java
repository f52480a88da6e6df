package io.github.dl4jjepa.models.huggingface;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.models.decoder.DecoderConfig;
import io.github.dl4jjepa.models.decoder.TensorNames;
import io.github.dl4jjepa.models.decoder.TransformerDecoder;
import io.github.dl4jjepa.models.decoder.family.ConfigJson;
import io.github.dl4jjepa.models.decoder.family.DecoderFamily;
import io.github.dl4jjepa.models.safetensors.SafetensorsCheckpoint;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
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

    /** GPT-2's, which it does not train. */
    private static final Pattern CAUSAL_MASK =
            Pattern.compile(".*h\\.\\d+\\.attn\\.(masked_)?bias");

    private final CheckpointFolder folder;

    private DecoderLoader(CheckpointFolder folder) {
        this.folder = folder;
    }

    /**
     * What the model is made of.
     *
     * @throws JepaException if config.json asks for something that is not supported
     */
    public static DecoderConfig config(CheckpointFolder folder) {
        return config(folder, new ConfigJson(folder.config(), folder.configFile().toString()));
    }

    private static DecoderConfig config(CheckpointFolder folder, ConfigJson json) {
        try {
            return DecoderFamily.of(json).configuration(json);
        } catch (IllegalArgumentException e) {
            throw new JepaException(folder.configFile() + ": " + e.getMessage(), e);
        }
    }

    /**
     * Reads the model.
     *
     * @throws JepaException if a tensor is missing, left over, or of the wrong shape or type
     */
    public static TransformerDecoder load(CheckpointFolder folder) {
        return load(folder, 0);
    }

    /**
     * Reads the model, with room for new token ids. Rows of the embedding and the head beyond the
     * checkpoint's are zero until {@link TransformerDecoder#initialiseTokens} fills them.
     *
     * @param vocabularySize the least number of token ids
     * @throws JepaException if a tensor is missing, left over, or of the wrong shape or type
     */
    public static TransformerDecoder load(CheckpointFolder folder, int vocabularySize) {
        return new DecoderLoader(folder).load(vocabularySize);
    }

    /** The keys that were not read, but for those that decide nothing of what is computed here. */
    static List<String> unreadKeys(ConfigJson config) {
        return config.keys().stream()
                .filter(key -> !config.keysRead().contains(key))
                .filter(key -> !HARMLESS.matcher(key).matches())
                .toList();
    }

    private TransformerDecoder load(int vocabularySize) {
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
        Map<String, long[]> shapes = stored.parameterShapes();
        checkNames(weights, stored.names(), shapes.keySet());
        shapes.forEach((name, shape) -> checkShape(weights, name, shape));

        Map<String, INDArray> parameters = new LinkedHashMap<>();
        grown.parameterShapes()
                .forEach(
                        (name, shape) ->
                                parameters.put(
                                        name,
                                        Arrays.equals(shape, shapes.get(name))
                                                ? Nd4j.createUninitialized(DataType.FLOAT, shape)
                                                : Nd4j.zeros(DataType.FLOAT, shape)));
        // Widening and the first touch of new memory keep a processor busy, reading does not.
        parameters.entrySet().parallelStream()
                .map(entry -> failure(weights, entry.getKey(), entry.getValue(), shapes))
                .flatMap(Optional::stream)
                .findFirst()
                .ifPresent(
                        failure -> {
                            throw failure;
                        });
        return new TransformerDecoder(grown, parameters);
    }

    /** Reads a parameter; a thrown exception would leave the stream wrapped into another. */
    private static Optional<JepaException> failure(
            SafetensorsCheckpoint weights,
            String name,
            INDArray parameter,
            Map<String, long[]> storedShapes) {
        long rows = storedShapes.get(name)[0];
        try {
            weights.readInto(
                    storedName(weights, name),
                    parameter.size(0) == rows
                            ? parameter
                            : parameter.get(NDArrayIndex.interval(0, rows)));
            return Optional.empty();
        } catch (JepaException e) {
            return Optional.of(e);
        }
    }

    private void checkNames(
            SafetensorsCheckpoint weights, TensorNames names, Set<String> expected) {
        List<String> missing =
                expected.stream()
                        .filter(name -> !weights.tensors().containsKey(storedName(weights, name)))
                        .toList();
        Set<String> found =
                expected.stream()
                        .map(name -> storedName(weights, name))
                        .collect(Collectors.toSet());
        if (!missing.isEmpty()) {
            throw new JepaException(
                    folder.path()
                            + ": "
                            + some(missing)
                            + " missing, which config.json calls for; config.json and the weights belong to different models");
        }
        List<String> extra =
                weights.tensors().keySet().stream()
                        .filter(
                                name ->
                                        !found.contains(name)
                                                && !isBuffer(name)
                                                && !isTiedHead(weights, names, name))
                        .toList();
        if (!extra.isEmpty()) {
            throw new JepaException(
                    folder.path()
                            + ": "
                            + some(extra)
                            + " left over, which config.json does not call for; config.json and the weights belong to different models");
        }
    }

    /**
     * The name under which a checkpoint has a tensor: files of a model without its head, GPT-2's
     * own among them, leave out {@code model.} or {@code transformer.}.
     */
    private static String storedName(SafetensorsCheckpoint weights, String name) {
        String bare = name.substring(name.indexOf('.') + 1);
        return !weights.tensors().containsKey(name) && weights.tensors().containsKey(bare)
                ? bare
                : name;
    }

    /** Before anything is allocated: config.json may claim what it likes. */
    private void checkShape(SafetensorsCheckpoint weights, String name, long[] shape) {
        List<Long> stored = weights.tensor(storedName(weights, name)).shape();
        if (!stored.equals(Arrays.stream(shape).boxed().toList())) {
            throw new JepaException(
                    folder.path()
                            + ": tensor \""
                            + name
                            + "\" has the shape "
                            + stored
                            + ", but config.json calls for "
                            + Arrays.toString(shape)
                            + "; config.json and the weights belong to different models");
        }
    }

    /** Old checkpoints carry rotary frequencies and masks, which follow from config.json. */
    private static boolean isBuffer(String name) {
        return name.endsWith(".rotary_emb.inv_freq") || CAUSAL_MASK.matcher(name).matches();
    }

    /** A tied head may be stored a second time; it has to be the embedding. */
    private boolean isTiedHead(SafetensorsCheckpoint weights, TensorNames names, String name) {
        if (!name.equals(names.headWeight())) {
            return false;
        }
        try (INDArray head = weights.read(name);
                INDArray embedding = weights.read(storedName(weights, names.embedding()))) {
            if (head.equalsWithEps(embedding, 0)) {
                return true;
            }
            throw new JepaException(
                    folder.path()
                            + ": "
                            + name
                            + " differs from the embedding, but config.json ties them; set tie_word_embeddings to false");
        }
    }

    private static String some(List<String> names) {
        String first = String.join(", ", names.subList(0, Math.min(3, names.size())));
        return names.size() == 1
                ? "tensor " + first + " is"
                : names.size() + " tensors (" + first + ", …) are";
    }
}
