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
import java.util.Optional;

/** Gemma 1, 2 and 3, the last its text models. */
enum GemmaFamily implements DecoderFamily {
    GEMMA("gemma"),
    GEMMA2("gemma2"),
    GEMMA3("gemma3_text");

    private final String modelType;

    GemmaFamily(String modelType) {
        this.modelType = modelType;
    }

    @Override
    public String modelType() {
        return modelType;
    }

    @Override
    public DecoderConfig configuration(ConfigJson config) {
        boolean first = this == GEMMA;
        config.require("use_bidirectional_attention", false);
        int hiddenSize = config.positive("hidden_size");
        int heads = config.positive("num_attention_heads");
        int layers = FamilyKeys.layers(config, "num_hidden_layers");
        int maxPositions = config.positive("max_position_embeddings", first ? 8192 : 131072);
        int headDim = FamilyKeys.headDim(config, 256);
        RotaryKeys rotary = new RotaryKeys(config, headDim, maxPositions);
        boolean bias = config.flag("attention_bias", false);
        double scalar = first ? headDim : config.number("query_pre_attn_scalar", 256);
        String activation =
                first && !config.has("hidden_activation") ? "hidden_act" : "hidden_activation";
        // Gemma 1's first files say "gelu" and mean the tanh form, as transformers takes it.
        boolean isLegacy = first && config.string(activation, "").equals("gelu");
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
                                                        first ? heads : Math.min(4, heads))))
                                .setHeadDim(headDim)
                                .optBias(bias)
                                .optOutputBias(bias)
                                .setScale(1 / Math.sqrt(scalar))
                                .optAttentionLogitSoftcap(cap(config, "attn_logit_softcapping", 50))
                                .optQueryKeyNorm(
                                        this == GEMMA3 ? QueryKeyNorm.HEADS : QueryKeyNorm.NONE)
                                .setWindows(windows(config, layers))
                                .optWindowPositions(
                                        this == GEMMA3
                                                ? Optional.of(rotary.gemma3Sliding())
                                                : Optional.empty())
                                .build())
                .setFeedForward(
                        new FeedForward(
                                List.of(config.positive("intermediate_size")),
                                isLegacy
                                        ? DecoderConfig.HiddenActivation.GELU_TANH
                                        : FamilyKeys.activation(
                                                config, activation, "gelu_pytorch_tanh"),
                                true,
                                Projection.SEPARATE,
                                false))
                .setNorm(
                        new Norm(
                                NormKind.RMS_PLUS_ONE,
                                config.number("rms_norm_eps", 1e-6),
                                first ? NormPlacement.BEFORE : NormPlacement.AROUND))
                .optEmbeddingScale(Math.sqrt(hiddenSize))
                .setHead(
                        new Head(
                                config.flag("tie_word_embeddings", true),
                                false,
                                cap(config, "final_logit_softcapping", 30)))
                .setPositions(this == GEMMA3 ? rotary.gemma3Full() : rotary.whole())
                .setNames(TensorNames.LLAMA)
                .setMaxPositions(maxPositions)
                .optInitializerRange(config.number("initializer_range", 0.02))
                .build();
    }

    private double cap(ConfigJson config, String key, double absent) {
        if (config.has(key)) {
            return config.number(key);
        }
        return this == GEMMA2 && !config.isNull(key) ? absent : 0;
    }

    private List<Integer> windows(ConfigJson config, int layers) {
        if (this == GEMMA) {
            return Collections.nCopies(layers, 0);
        }
        int window = config.isNull("sliding_window") ? 0 : config.positive("sliding_window", 4096);
        int pattern = this == GEMMA2 ? 2 : config.positive("sliding_window_pattern", 6);
        return FamilyKeys.windows(config, layers, window, i -> (i + 1) % pattern != 0);
    }
}
