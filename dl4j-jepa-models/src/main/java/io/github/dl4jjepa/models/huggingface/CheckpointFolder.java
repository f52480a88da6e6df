package io.github.dl4jjepa.models.huggingface;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.models.decoder.DecoderConfig;
import io.github.dl4jjepa.models.decoder.TransformerDecoder;
import io.github.dl4jjepa.models.decoder.family.ConfigJson;
import io.github.dl4jjepa.models.decoder.family.DecoderFamily;
import io.github.dl4jjepa.models.safetensors.SafetensorsCheckpoint;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * A Hugging Face checkpoint: a folder with {@code config.json}, weights as safetensors, and the
 * tokenizer's files.
 *
 * <p>Weights are opened when they are asked for, so that a folder without any can describe a model
 * to be trained from random weights.
 */
public final class CheckpointFolder {
    static final String CONFIG_FILE = "config.json";
    static final String GENERATION_CONFIG_FILE = "generation_config.json";

    private final Path path;
    private final ObjectNode config;

    private CheckpointFolder(Path path, ObjectNode config) {
        this.path = path;
        this.config = config;
    }

    /**
     * Opens a folder.
     *
     * @throws JepaException if it is none, or has no config.json that can be read
     */
    public static CheckpointFolder open(Path folder) {
        if (!Files.isDirectory(folder)) {
            throw new JepaException(
                    folder
                            + ": there is no such folder; give the folder of a Hugging Face checkpoint");
        }
        Path file = folder.resolve(CONFIG_FILE);
        if (!Files.exists(file)) {
            throw new JepaException(
                    file + ": missing; give the folder of a Hugging Face checkpoint");
        }
        return new CheckpointFolder(folder, JsonFile.read(file));
    }

    /** Where the folder is. */
    public Path path() {
        return path;
    }

    /** A copy of config.json. */
    public ObjectNode config() {
        return config.deepCopy();
    }

    /**
     * What the model is made of.
     *
     * @throws JepaException if config.json asks for something that is not supported
     */
    public DecoderConfig decoderConfig() {
        ConfigJson json = new ConfigJson(config, path.resolve(CONFIG_FILE).toString());
        return DecoderFamily.of(json).configuration(json);
    }

    /** The token ids that end a text: of generation_config.json, or else of config.json. */
    public Set<Integer> endTokens() {
        Path generation = path.resolve(GENERATION_CONFIG_FILE);
        Set<Integer> ids = new LinkedHashSet<>();
        Stream.of(Files.exists(generation) ? JsonFile.read(generation) : config, config)
                .map(json -> json.path("eos_token_id"))
                .filter(node -> node.isInt() || node.isArray())
                .findFirst()
                .ifPresent(
                        node -> {
                            if (node.isInt()) {
                                ids.add(node.intValue());
                            }
                            node.forEach((JsonNode id) -> ids.add(id.asInt()));
                        });
        return ids;
    }

    /**
     * Reads the model. Each weight is put into place once, as float32; bfloat16 and float16 are
     * widened.
     *
     * @throws JepaException if a tensor is missing, left over, or of the wrong shape or type
     */
    public TransformerDecoder loadDecoder() {
        return loadDecoder(0);
    }

    /**
     * Reads the model, with room for new token ids. Rows of the embedding and the head beyond the
     * checkpoint's are zero until {@link TransformerDecoder#initialiseTokens} fills them.
     *
     * @param vocabularySize the least number of token ids
     * @throws JepaException if a tensor is missing, left over, or of the wrong shape or type
     */
    public TransformerDecoder loadDecoder(int vocabularySize) {
        DecoderConfig stored = decoderConfig();
        DecoderConfig grown =
                stored.withVocabularySize(Math.max(vocabularySize, stored.vocabularySize()));
        SafetensorsCheckpoint weights = SafetensorsCheckpoint.open(path);
        Map<String, long[]> shapes = stored.parameterShapes();
        checkNames(weights, shapes.keySet());

        Map<String, INDArray> parameters = new LinkedHashMap<>();
        grown.parameterShapes()
                .forEach(
                        (name, shape) -> {
                            long[] storedShape = shapes.get(name);
                            if (shape[0] == storedShape[0]) {
                                INDArray array = Nd4j.createUninitialized(DataType.FLOAT, shape);
                                weights.readInto(name, array);
                                parameters.put(name, array);
                            } else {
                                INDArray array = Nd4j.zeros(DataType.FLOAT, shape);
                                weights.readInto(
                                        name,
                                        array.get(
                                                NDArrayIndex.interval(0, storedShape[0]),
                                                NDArrayIndex.all()));
                                parameters.put(name, array);
                            }
                        });
        return new TransformerDecoder(grown, parameters);
    }

    private void checkNames(SafetensorsCheckpoint weights, Set<String> expected) {
        List<String> missing =
                expected.stream().filter(name -> !weights.tensors().containsKey(name)).toList();
        if (!missing.isEmpty()) {
            throw new JepaException(
                    path
                            + ": "
                            + some(missing)
                            + " missing, which config.json calls for; config.json and the weights belong to different models");
        }
        List<String> extra =
                weights.tensors().keySet().stream()
                        .filter(
                                name ->
                                        !expected.contains(name)
                                                && !isBuffer(name)
                                                && !isTiedHead(weights, name))
                        .toList();
        if (!extra.isEmpty()) {
            throw new JepaException(
                    path
                            + ": "
                            + some(extra)
                            + " left over, which config.json does not call for; config.json and the weights belong to different models");
        }
    }

    /** Old checkpoints carry the rotary frequencies, which follow from config.json. */
    private static boolean isBuffer(String name) {
        return name.endsWith(".rotary_emb.inv_freq");
    }

    /** A tied head may be stored a second time; it has to be the embedding. */
    private boolean isTiedHead(SafetensorsCheckpoint weights, String name) {
        if (!name.equals(DecoderConfig.HEAD)) {
            return false;
        }
        try (INDArray head = weights.read(name);
                INDArray embedding = weights.read(DecoderConfig.EMBEDDING)) {
            if (head.equalsWithEps(embedding, 0)) {
                return true;
            }
            throw new JepaException(
                    path
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
