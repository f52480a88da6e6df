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
import java.util.List;

/** Qwen 2, 2.5 and 3, and what was distilled from R1 into them. */
enum QwenFamily implements DecoderFamily {
    QWEN2("qwen2"),
    QWEN3("qwen3");

    private final String modelType;

    QwenFamily(String modelType) {
        this.modelType = modelType;
    }

    @Override
    public String modelType() {
        return modelType;
    }

    @Override
    public DecoderConfig configuration(ConfigJson config) {
        boolean third = this == QWEN3;
        int hiddenSize = config.positive("hidden_size");
        int heads = config.positive("num_attention_heads");
        int layers = FamilyKeys.layers(config, "num_hidden_layers");
        int maxPositions = config.positive("max_position_embeddings", 32768);
        int headDim =
                third
                        ? FamilyKeys.headDim(config, 128)
                        : FamilyKeys.headDim(config, hiddenSize, heads);
        int fullLayers = config.natural("max_window_layers", 28);
        int window =
                config.flag("use_sliding_window", false) && !config.isNull("sliding_window")
                        ? config.positive("sliding_window", 4096)
                        : 0;
        boolean bias = third && config.flag("attention_bias", false);
        return DecoderConfig.builder()
                .setVocabularySize(config.positive("vocab_size"))
                .setHiddenSize(hiddenSize)
                .setLayers(layers)
                .setAttention(
                        Attention.builder()
                                .setHeads(List.of(heads))
                                .setKeyValueHeads(
                                        List.of(
                                                FamilyKeys.keyValueHeads(
                                                        config,
                                                        heads,
                                                        third ? Math.min(32, heads) : heads)))
                                .setHeadDim(headDim)
                                .optBias(!third || bias)
                                .optOutputBias(bias)
                                .setScale(1 / Math.sqrt(headDim))
                                .optQueryKeyNorm(third ? QueryKeyNorm.HEADS : QueryKeyNorm.NONE)
                                .setWindows(
                                        FamilyKeys.windows(
                                                config,
                                                layers,
                                                window,
                                                i -> window > 0 && i >= fullLayers))
                                .build())
                .setFeedForward(
                        new FeedForward(
                                List.of(config.positive("intermediate_size")),
                                FamilyKeys.activation(config, "hidden_act", "silu"),
                                true,
                                Projection.SEPARATE,
                                false))
                .setNorm(
                        new Norm(
                                NormKind.RMS,
                                config.number("rms_norm_eps", 1e-6),
                                NormPlacement.BEFORE))
                .setHead(Head.plain(config.flag("tie_word_embeddings", false)))
                .setPositions(new RotaryKeys(config, headDim, maxPositions).whole())
                .setNames(TensorNames.LLAMA)
                .setMaxPositions(maxPositions)
                .optInitializerRange(config.number("initializer_range", 0.02))
                .build();
    }
}
