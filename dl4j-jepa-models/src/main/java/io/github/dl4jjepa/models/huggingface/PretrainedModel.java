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
        return withPredictors(DecoderLoader.load(folder, vocabularySize()));
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
        folder.adapter()
                .ifPresent(
                        adapter -> {
                            throw new JepaException(
                                    adapter.path()
                                            + ": is an adapter, which is trained further as it is."
                                            + " Leave the options of LoRA out, or merge it first"
                                            + " (jepa merge) to train a new adapter on the result.");
                        });
        return Lora.attach(
                DecoderLoader.load(folder, vocabularySize()), options, newPredictorIds(), seed);
    }

    /**
     * A decoder of the same architecture with random weights.
     *
     * @param seed the same seed gives the same weights
     */
    public TransformerDecoder randomDecoder(long seed) {
        return withPredictors(
                TransformerDecoder.random(config.withVocabularySize(vocabularySize()), seed));
    }

    private int vocabularySize() {
        return Math.max(config.vocabularySize(), tokenizer.vocabularySize());
    }

    private TransformerDecoder withPredictors(TransformerDecoder decoder) {
        if (!decoder.adapter().isEmpty()) {
            return Lora.withNewTokens(decoder, newPredictorIds());
        }
        decoder.initializeTokens(newPredictorIds());
        return decoder;
    }

    private List<Integer> newPredictorIds() {
        return Arrays.stream(predictorIds).skip(knownPredictors).boxed().toList();
    }

    @Override
    public void close() {
        tokenizer.close();
    }
}
