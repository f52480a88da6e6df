package io.github.dl4jjepa.models.huggingface;

import com.google.errorprone.annotations.MustBeClosed;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.ViewOptions;
import io.github.dl4jjepa.models.decoder.DecoderConfig;
import io.github.dl4jjepa.models.decoder.TransformerDecoder;
import io.github.dl4jjepa.models.lora.Lora;
import io.github.dl4jjepa.models.lora.LoraOptions;
import io.github.dl4jjepa.models.tokenizer.ChatExampleEncoder;
import io.github.dl4jjepa.models.tokenizer.ChatTemplate;
import io.github.dl4jjepa.models.tokenizer.EncoderOptions;
import io.github.dl4jjepa.models.tokenizer.ModelTokenizer;
import io.github.dl4jjepa.models.tokenizer.TokenizerFiles;
import java.io.Serializable;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A checkpoint with its tokenizer and its chat template, loaded together.
 *
 * <p>Configuration, tokenizer and template are read when the model is opened; weights when they are
 * asked for. Holds native memory; close it. Not for several threads.
 */
public final class PretrainedModel implements AutoCloseable {
    private final CheckpointFolder folder;
    private final DecoderConfig config;
    private final ModelTokenizer tokenizer;
    private final @Nullable ChatTemplate template;
    private final int[] predictorIds;
    private final int knownPredictors;

    @SuppressWarnings("MustBeClosed") // closed with this model
    private PretrainedModel(
            CheckpointFolder folder, ChatTemplate.Options templateOptions, int predictors) {
        this.folder = folder;
        config = DecoderLoader.config(folder);
        TokenizerFiles files =
                templateOptions.applyTo(TokenizerFiles.read(folder.tokenizerFolder()));
        knownPredictors = files.predictors();
        tokenizer = ModelTokenizer.open(files.withPredictors(predictors));
        predictorIds = Arrays.copyOf(tokenizer.predictorIds(), predictors);
        try {
            template =
                    tokenizer.files().hasChatTemplate() ? ChatTemplate.of(tokenizer.files()) : null;
        } catch (RuntimeException e) {
            tokenizer.close();
            throw e;
        }
    }

    /**
     * Opens a model.
     *
     * @param folder the checkpoint
     * @param templateOptions which chat template is used
     * @throws JepaException if a file is missing or damaged, or asks for what is not supported
     */
    @MustBeClosed
    public static PretrainedModel open(
            CheckpointFolder folder, ChatTemplate.Options templateOptions) {
        return open(folder, templateOptions, 0);
    }

    /**
     * Opens a model whose tokenizer has a number of [PRED] tokens; those that it lacks are added.
     *
     * @param folder the checkpoint
     * @param templateOptions which chat template is used
     * @param predictors how many [PRED] tokens are needed, 0 to {@value ViewOptions#MAX_PREDICTORS}
     * @throws JepaException if a file is missing or damaged, or asks for what is not supported
     */
    @MustBeClosed
    public static PretrainedModel open(
            CheckpointFolder folder, ChatTemplate.Options templateOptions, int predictors) {
        return new PretrainedModel(folder, templateOptions, predictors);
    }

    /** The checkpoint. */
    public CheckpointFolder folder() {
        return folder;
    }

    /** The architecture of the model, as config.json has it. */
    public DecoderConfig config() {
        return config;
    }

    /** The tokenizer, which this model closes. */
    public ModelTokenizer tokenizer() {
        return tokenizer;
    }

    /** The ids of the [PRED] tokens that were asked for, in order. */
    public int[] predictorIds() {
        return predictorIds.clone();
    }

    /**
     * An encoder of conversations.
     *
     * @param maxLength the most tokens that a row may have
     * @throws JepaException if the model has no chat template
     */
    public ChatExampleEncoder encoder(int maxLength) {
        return encoder(EncoderOptions.of(maxLength));
    }

    /**
     * An encoder of conversations.
     *
     * @param options the length of rows, whether longer ones are cut, and which turns are learned
     * @throws JepaException if the model has no chat template
     */
    public ChatExampleEncoder encoder(EncoderOptions options) {
        ChatTemplate required = template == null ? ChatTemplate.of(tokenizer.files()) : template;
        return new ChatExampleEncoder(tokenizer, required, options);
    }

    /** Whether the model has a chat template, which {@link #encoder(int)} needs. */
    public boolean hasChatTemplate() {
        return template != null;
    }

    /**
     * Reads the weights, and the adapter if there is one. The embedding has a row for every token;
     * those of new [PRED] tokens are the mean of the others, and belong to the adapter.
     *
     * @throws JepaException if the weights are missing or damaged, or do not fit config.json
     */
    public TransformerDecoder loadDecoder() {
        return vocabulary().loadDecoder(folder);
    }

    /**
     * Reads the weights and adds a new adapter, which also trains the rows of new [PRED] tokens.
     *
     * @param options which maps are adapted
     * @param seed the same seed gives the same adapter
     * @throws JepaException if the weights are missing or damaged, do not fit config.json or have
     *     an adapter, or the options do not fit the model
     */
    public TransformerDecoder loadDecoder(LoraOptions options, long seed) {
        return vocabulary().loadDecoder(folder, options, seed);
    }

    /**
     * A decoder of the same architecture with random weights.
     *
     * @param seed the same seed gives the same weights
     */
    public TransformerDecoder randomDecoder(long seed) {
        return vocabulary().randomDecoder(config, seed);
    }

    /** What a decoder needs to know of the tokenizer, to be loaded without it. */
    public Vocabulary vocabulary() {
        return new Vocabulary(
                Math.max(config.vocabularySize(), tokenizer.vocabularySize()),
                Arrays.stream(predictorIds).skip(knownPredictors).boxed().toList());
    }

    /**
     * The token ids that a decoder has. The methods are those of {@link PretrainedModel}.
     *
     * @param size the number of token ids
     * @param newPredictors those of the [PRED] tokens that the checkpoint does not have
     */
    public record Vocabulary(int size, List<Integer> newPredictors) implements Serializable {
        public Vocabulary {
            newPredictors = List.copyOf(newPredictors);
        }

        /**
         * Reads the weights of a checkpoint, and the adapter if there is one.
         *
         * @throws JepaException as {@link PretrainedModel#loadDecoder()}
         */
        public TransformerDecoder loadDecoder(CheckpointFolder folder) {
            return withPredictors(DecoderLoader.load(folder, size));
        }

        /**
         * Reads the weights of a checkpoint and adds a new adapter.
         *
         * @throws JepaException as {@link PretrainedModel#loadDecoder(LoraOptions, long)}
         */
        public TransformerDecoder loadDecoder(
                CheckpointFolder folder, LoraOptions options, long seed) {
            folder.adapter()
                    .ifPresent(
                            adapter -> {
                                throw new JepaException(
                                        adapter.path()
                                                + ": is an adapter, which is trained further as it"
                                                + " is. Leave the options of LoRA out, or merge it"
                                                + " first (jepa merge) to train a new adapter on"
                                                + " the result.");
                            });
            return Lora.attach(DecoderLoader.load(folder, size), options, newPredictors, seed);
        }

        /** A decoder with random weights. */
        public TransformerDecoder randomDecoder(DecoderConfig config, long seed) {
            return withPredictors(TransformerDecoder.random(config.withVocabularySize(size), seed));
        }

        private TransformerDecoder withPredictors(TransformerDecoder decoder) {
            if (!decoder.adapter().isEmpty()) {
                return Lora.withNewTokens(decoder, newPredictors);
            }
            decoder.initializeTokens(newPredictors);
            return decoder;
        }
    }

    @Override
    public void close() {
        tokenizer.close();
    }
}
