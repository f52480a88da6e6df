package io.github.dl4jjepa.models.huggingface;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.models.safetensors.Dtype;
import io.github.dl4jjepa.models.safetensors.SafetensorsCheckpoint;
import io.github.dl4jjepa.models.safetensors.SafetensorsWriter;
import io.github.dl4jjepa.models.tokenizer.TokenizerFiles;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes trained weights as a folder that transformers loads, with everything else taken over from
 * the folder the model came from.
 *
 * <pre>{@code
 * CheckpointExporter.builder()
 *         .setSource(CheckpointFolder.open(model))
 *         .optVocabularySize(49153)
 *         .build()
 *         .export(decoder.parameters().arrays(), Path.of("finetuned"));
 * }</pre>
 */
public final class CheckpointExporter extends ModelWriter {
    private static final Logger LOG = LoggerFactory.getLogger(CheckpointExporter.class);

    /** The key of the weights' type, as transformers 5 and as transformers 4 call it. */
    private static final List<String> DTYPE_KEYS = List.of("dtype", "torch_dtype");

    private static final String END_TOKEN = "eos_token_id";

    /** Files that transformers reads for models that see or hear. */
    private static final List<String> PROCESSOR_FILES =
            List.of(
                    "preprocessor_config.json",
                    "processor_config.json",
                    "video_preprocessor_config.json");

    private final CheckpointFolder source;
    private final OptionalInt vocabularySize;
    private final Optional<TokenizerFiles> tokenizer;

    /** The ids that end a sequence, where they are not the source's. */
    private final Optional<List<Integer>> endTokenIds;

    private final RemoteCode code;

    private CheckpointExporter(Builder builder) {
        super(builder.dtype, CheckpointFolder.CONFIG);
        source = builder.source;
        vocabularySize = builder.vocabularySize;
        endTokenIds = endTokenIds(source, builder.endOfTurn);
        tokenizer =
                endTokenIds.isEmpty()
                        ? builder.tokenizer
                        : builder.tokenizer.map(
                                files -> files.withEndToken(builder.endOfTurn.getAsInt()));
        code = RemoteCode.of(source);
        log(builder);
    }

    private static Optional<List<Integer>> endTokenIds(
            CheckpointFolder source, OptionalInt endOfTurn) {
        if (endOfTurn.isEmpty()) {
            return Optional.empty();
        }
        List<Integer> ids = new ArrayList<>(source.endTokenIds());
        if (ids.contains(endOfTurn.getAsInt())) {
            return Optional.empty();
        }
        ids.add(endOfTurn.getAsInt());
        return Optional.of(ids);
    }

    private void log(Builder builder) {
        endTokenIds.ifPresent(
                ids ->
                        LOG.info(
                                "{} does not stop at the end of a turn, id {}: {} is {} in the"
                                        + " exported generation_config.json and config.json{}",
                                source.path(),
                                builder.endOfTurn.getAsInt(),
                                END_TOKEN,
                                ids,
                                builder.tokenizer.equals(tokenizer)
                                        ? ""
                                        : ", and it is the tokenizer's eos_token"));
        code.missing()
                .forEach(
                        file ->
                                LOG.warn(
                                        "{}: auto_map needs {}, which is not in the folder and is"
                                                + " not exported. Copy it from the model's"
                                                + " repository",
                                        source.path(),
                                        file));
        List<String> left =
                PROCESSOR_FILES.stream().filter(name -> source.optional(name).isPresent()).toList();
        if (!left.isEmpty()) {
            LOG.warn(
                    "{}: {} not exported: text only is trained",
                    source.path(),
                    String.join(", ", left));
        }
    }

    /** Begins an exporter. */
    public static Builder builder() {
        return new Builder();
    }

    @Override
    SafetensorsCheckpoint weights(Path folder) {
        return SafetensorsCheckpoint.open(folder);
    }

    @Override
    void write(Map<String, INDArray> tensors, Dtype written, Path folder) throws IOException {
        DurableFiles.create(folder.resolve(CheckpointFolder.CONFIG), config(written));
        writeTokenizer(folder);
        code.copyTo(folder);
        SafetensorsWriter.writeCheckpoint(
                folder, tensors, written, SafetensorsWriter.DEFAULT_SHARD_BYTES);
    }

    /** Writes the tokenizer and what ends generation. */
    void writeTokenizer(Path folder) throws IOException {
        writeGenerationConfig(folder);
        for (String name : CheckpointFolder.TOKENIZER_FILES) {
            copyIfPresent(name, folder);
        }
        tokenizer.ifPresent(files -> files.write(folder));
    }

    private byte[] config(Dtype written) {
        ObjectNode config = source.config();
        for (String key : DTYPE_KEYS) {
            if (config.has(key)) {
                config.put(key, torchName(written));
            }
        }
        vocabularySize.ifPresent(size -> config.put("vocab_size", size));
        endTokenIds.ifPresent(ids -> putEndTokens(config, ids));
        return JsonFiles.toBytes(config);
    }

    /**
     * transformers, vLLM and others stop at the ids of generation_config.json. Without that file
     * transformers takes them, and the ids of the other special tokens, from config.json.
     */
    private void writeGenerationConfig(Path folder) throws IOException {
        if (endTokenIds.isEmpty()) {
            copyIfPresent(CheckpointFolder.GENERATION_CONFIG, folder);
            return;
        }
        ObjectNode generation = source.generationConfig().orElseGet(this::generationConfig);
        putEndTokens(generation, endTokenIds.get());
        DurableFiles.create(
                folder.resolve(CheckpointFolder.GENERATION_CONFIG), JsonFiles.toBytes(generation));
    }

    private ObjectNode generationConfig() {
        ObjectNode config = source.config();
        ObjectNode generation = JsonFiles.newObject().put("_from_model_config", true);
        for (String key : List.of("bos_token_id", "pad_token_id")) {
            if (config.hasNonNull(key)) {
                generation.set(key, config.get(key));
            }
        }
        return generation;
    }

    private static void putEndTokens(ObjectNode config, List<Integer> ids) {
        ArrayNode array = config.putArray(END_TOKEN);
        ids.forEach(array::add);
    }

    private static String torchName(Dtype dtype) {
        return switch (dtype) {
            case F32 -> "float32";
            case BF16 -> "bfloat16";
            case F16 -> "float16";
            default -> throw new IllegalArgumentException("weights are not written as " + dtype);
        };
    }

    private void copyIfPresent(String name, Path folder) throws IOException {
        Path file = source.optional(name).orElse(null);
        if (file != null) {
            DurableFiles.copy(file, folder.resolve(name));
        }
    }

    /** Says what is exported, and what becomes different. */
    public static final class Builder {
        private CheckpointFolder source;
        private Dtype dtype = Dtype.F32;
        private OptionalInt vocabularySize = OptionalInt.empty();
        private Optional<TokenizerFiles> tokenizer = Optional.empty();
        private OptionalInt endOfTurn = OptionalInt.empty();

        @SuppressWarnings("NullAway.Init") // what is required is set before build()
        private Builder() {}

        /**
         * Sets the folder that configuration and tokenizer are taken from.
         *
         * @param source the model's origin
         * @return this builder
         */
        public Builder setSource(CheckpointFolder source) {
            this.source = source;
            return this;
        }

        /**
         * Sets the type the weights are rounded to (default: F32).
         *
         * @param dtype F32, BF16 or F16
         * @return this builder
         */
        public Builder optDtype(Dtype dtype) {
            torchName(dtype);
            this.dtype = dtype;
            return this;
        }

        /**
         * Sets the number of rows of the embedding (default: what the source's config.json says).
         *
         * @param size embedding rows
         * @return this builder
         */
        public Builder optVocabularySize(int size) {
            this.vocabularySize = OptionalInt.of(size);
            return this;
        }

        /**
         * Sets the tokenizer's files (default: the source's).
         *
         * @param tokenizer a tokenizer that was given [PRED] tokens
         * @return this builder
         */
        public Builder optTokenizer(TokenizerFiles tokenizer) {
            this.tokenizer = Optional.of(tokenizer);
            return this;
        }

        /**
         * Sets the token at which generation stops (default: what the source says). Where it is not
         * among the source's {@code eos_token_id}, it is added to those of generation_config.json
         * and config.json, and becomes the tokenizer's {@code eos_token} unless the chat template
         * writes that.
         *
         * @param id the token that the chat template writes after an assistant's turn
         * @return this builder
         */
        public Builder optEndOfTurn(int id) {
            this.endOfTurn = OptionalInt.of(id);
            return this;
        }

        /**
         * Builds the exporter. What the export changes or leaves out is logged.
         *
         * @throws JepaException if a configuration of the source cannot be read
         */
        public CheckpointExporter build() {
            if (source == null) {
                throw new IllegalStateException("setSource is required");
            }
            return new CheckpointExporter(this);
        }
    }
}
