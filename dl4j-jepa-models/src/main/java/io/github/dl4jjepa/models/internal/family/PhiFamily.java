package io.github.dl4jjepa.models.internal.family;

import io.github.dl4jjepa.models.decoder.DecoderConfig;
import io.github.dl4jjepa.models.decoder.DecoderConfig.Attention;
import io.github.dl4jjepa.models.decoder.DecoderConfig.FeedForward;
import io.github.dl4jjepa.models.decoder.DecoderConfig.Head;
import io.github.dl4jjepa.models.decoder.DecoderConfig.Norm;
import io.github.dl4jjepa.models.decoder.DecoderConfig.NormKind;
import io.github.dl4jjepa.models.decoder.DecoderConfig.NormPlacement;
import io.github.dl4jjepa.models.decoder.DecoderConfig.Projection;
import io.github.dl4jjepa.models.decoder.TensorNames;
import java.util.Collections;
import java.util.List;

/**
 * Phi 1 to 2, whose blocks share a norm, and Phi 3, 3.5 and 4-mini, whose projections are fused.
 */
enum PhiFamily implements DecoderFamily {
    PHI("phi"),
    PHI3("phi3");

    private final String modelType;

    PhiFamily(String modelType) {
        this.modelType = modelType;
    }

    @Override
    public String modelType() {
        return modelType;
    }

    @Override
    public DecoderConfig configuration(ConfigJson config) {
        boolean third = this == PHI3;
        config.require("qk_layernorm", false);
        int hiddenSize = config.positive("hidden_size");
        int heads = config.positive("num_attention_heads");
        int layers = FamilyKeys.layers(config, "num_hidden_layers");
        int maxPositions = config.positive("max_position_embeddings", third ? 4096 : 2048);
        int headDim = FamilyKeys.headDim(config, hiddenSize, heads);
        int window = third && config.has("sliding_window") ? config.positive("sliding_window") : 0;
        RotaryKeys rotary = new RotaryKeys(config, headDim, maxPositions);
        Projection projection = third ? Projection.FUSED : Projection.SEPARATE;
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
                                .optProjection(projection)
                                .optBias(!third)
                                .optOutputBias(!third)
                                .setScale(1 / Math.sqrt(headDim))
                                .setWindows(Collections.nCopies(layers, window))
                                .build())
                .setFeedForward(
                        new FeedForward(
                                List.of(config.positive("intermediate_size")),
                                FamilyKeys.activation(
                                        config, "hidden_act", third ? "silu" : "gelu_new"),
                                third,
                                projection,
                                !third))
                .setNorm(
                        third
                                ? new Norm(
                                        NormKind.RMS,
                                        config.number("rms_norm_eps", 1e-5),
                                        NormPlacement.BEFORE)
                                : new Norm(
                                        NormKind.LAYER,
                                        config.number("layer_norm_eps", 1e-5),
                                        NormPlacement.SHARED))
                .setHead(new Head(config.flag("tie_word_embeddings", false), !third, 0))
                .setPositions(third ? rotary.phi3() : rotary.phi())
                .setNames(third ? TensorNames.LLAMA : TensorNames.PHI)
                .setMaxPositions(maxPositions)
                .optInitializerRange(config.number("initializer_range", 0.02))
                .build();
    }
}
