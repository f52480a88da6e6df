package io.github.dl4jjepa.models.internal.family;

import io.github.dl4jjepa.models.decoder.DecoderConfig;
import io.github.dl4jjepa.models.decoder.DecoderConfig.Attention;
import io.github.dl4jjepa.models.decoder.DecoderConfig.FeedForward;
import io.github.dl4jjepa.models.decoder.DecoderConfig.Head;
import io.github.dl4jjepa.models.decoder.DecoderConfig.Norm;
import io.github.dl4jjepa.models.decoder.DecoderConfig.NormKind;
import io.github.dl4jjepa.models.decoder.DecoderConfig.NormPlacement;
import io.github.dl4jjepa.models.decoder.DecoderConfig.Projection;
import io.github.dl4jjepa.models.decoder.DecoderConfig.QueryKeyNorm;
import io.github.dl4jjepa.models.decoder.TensorNames;
import java.util.Collections;
import java.util.List;

/** OLMo, whose norms have no parameters, and OLMo 2, which normalizes what it adds. */
enum OlmoFamily implements DecoderFamily {
    OLMO("olmo"),
    OLMO2("olmo2");

    private final String modelType;

    OlmoFamily(String modelType) {
        this.modelType = modelType;
    }

    @Override
    public String modelType() {
        return modelType;
    }

    @Override
    public DecoderConfig configuration(ConfigJson config) {
        boolean second = this == OLMO2;
        int hiddenSize = config.positive("hidden_size");
        int heads = config.positive("num_attention_heads");
        int layers = FamilyKeys.layers(config, "num_hidden_layers");
        int maxPositions = config.positive("max_position_embeddings", 2048);
        int headDim = FamilyKeys.headDim(config, hiddenSize, heads);
        boolean bias = config.flag("attention_bias", false);
        return DecoderConfig.builder()
                .setVocabularySize(config.positive("vocab_size"))
                .setHiddenSize(hiddenSize)
                .setLayers(layers)
                .setAttention(
                        Attention.builder()
                                .setHeads(List.of(heads))
                                .setKeyValueHeads(
                                        List.of(FamilyKeys.keyValueHeads(config, heads, heads)))
                                .setHeadDim(headDim)
                                .optBias(bias)
                                .optOutputBias(bias)
                                .setScale(1 / Math.sqrt(headDim))
                                .optClipQkv(second ? 0 : config.number("clip_qkv", 0))
                                .optQueryKeyNorm(second ? QueryKeyNorm.WHOLE : QueryKeyNorm.NONE)
                                .setWindows(Collections.nCopies(layers, 0))
                                .build())
                .setFeedForward(
                        new FeedForward(
                                List.of(config.positive("intermediate_size")),
                                FamilyKeys.activation(config, "hidden_act", "silu"),
                                true,
                                Projection.SEPARATE,
                                false))
                .setNorm(
                        second
                                ? new Norm(
                                        NormKind.RMS,
                                        config.number("rms_norm_eps", 1e-5),
                                        NormPlacement.AFTER)
                                : new Norm(NormKind.LAYER_PLAIN, 1e-5, NormPlacement.BEFORE))
                .setHead(Head.plain(config.flag("tie_word_embeddings", false)))
                .setPositions(new RotaryKeys(config, headDim, maxPositions).whole())
                .setNames(TensorNames.LLAMA)
                .setMaxPositions(maxPositions)
                .optInitializerRange(config.number("initializer_range", 0.02))
                .build();
    }
}
