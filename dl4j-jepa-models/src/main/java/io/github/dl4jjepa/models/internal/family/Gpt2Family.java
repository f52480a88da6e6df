package io.github.dl4jjepa.models.internal.family;

import io.github.dl4jjepa.models.decoder.DecoderConfig;
import io.github.dl4jjepa.models.decoder.DecoderConfig.Attention;
import io.github.dl4jjepa.models.decoder.DecoderConfig.FeedForward;
import io.github.dl4jjepa.models.decoder.DecoderConfig.Head;
import io.github.dl4jjepa.models.decoder.DecoderConfig.Norm;
import io.github.dl4jjepa.models.decoder.DecoderConfig.NormKind;
import io.github.dl4jjepa.models.decoder.DecoderConfig.NormPlacement;
import io.github.dl4jjepa.models.decoder.DecoderConfig.Projection;
import io.github.dl4jjepa.models.decoder.PositionEmbedding;
import io.github.dl4jjepa.models.decoder.TensorNames;
import java.util.Collections;
import java.util.List;

/** GPT-2: learned positions, LayerNorm, and projections stored side by side and transposed. */
enum Gpt2Family implements DecoderFamily {
    GPT2("gpt2");

    private final String modelType;

    Gpt2Family(String modelType) {
        this.modelType = modelType;
    }

    @Override
    public String modelType() {
        return modelType;
    }

    @Override
    public DecoderConfig configuration(ConfigJson config) {
        config.require("scale_attn_weights", true);
        config.require("scale_attn_by_inverse_layer_idx", false);
        config.require("add_cross_attention", false);
        int hiddenSize = config.positive("n_embd");
        int heads = config.positive("n_head");
        int layers = FamilyKeys.layers(config, "n_layer");
        if (hiddenSize % heads != 0) {
            throw config.refusal(
                    "n_embd", heads + " heads do not divide " + hiddenSize, "n_head must");
        }
        int headDim = hiddenSize / heads;
        return DecoderConfig.builder()
                .setVocabularySize(config.positive("vocab_size"))
                .setHiddenSize(hiddenSize)
                .setLayers(layers)
                .setAttention(
                        Attention.builder()
                                .setHeads(List.of(heads))
                                .setKeyValueHeads(List.of(heads))
                                .setHeadDim(headDim)
                                .optProjection(Projection.FUSED_TRANSPOSED)
                                .optBias(true)
                                .optOutputBias(true)
                                .setScale(1 / Math.sqrt(headDim))
                                .setWindows(Collections.nCopies(layers, 0))
                                .build())
                .setFeedForward(
                        new FeedForward(
                                List.of(config.positive("n_inner", 4 * hiddenSize)),
                                FamilyKeys.activation(config, "activation_function", "gelu_new"),
                                false,
                                Projection.FUSED_TRANSPOSED,
                                true))
                .setNorm(
                        new Norm(
                                NormKind.LAYER,
                                config.number("layer_norm_epsilon", 1e-5),
                                NormPlacement.BEFORE))
                .setHead(Head.plain(config.flag("tie_word_embeddings", true)))
                .setPositions(new PositionEmbedding.Learned())
                .setNames(TensorNames.GPT2)
                .setMaxPositions(config.positive("n_positions", 1024))
                .optInitializerRange(config.number("initializer_range", 0.02))
                .build();
    }
}
