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
import java.util.List;

/**
 * Llama 1 to 3.2, SmolLM2, TinyLlama and whatever else says {@code "model_type": "llama"}; and
 * Mistral, which is Llama with a sliding window and no biases.
 */
enum LlamaFamily implements DecoderFamily {
    LLAMA("llama") {
        @Override
        public DecoderConfig configuration(ConfigJson config) {
            return configuration(
                    config,
                    config.positive("num_attention_heads"),
                    config.positive("max_position_embeddings", 2048),
                    0,
                    config.flag("attention_bias", false),
                    config.flag("mlp_bias", false));
        }
    },
    MISTRAL("mistral") {
        @Override
        public DecoderConfig configuration(ConfigJson config) {
            int window =
                    config.isNull("sliding_window") ? 0 : config.positive("sliding_window", 4096);
            return configuration(
                    config,
                    8,
                    config.positive("max_position_embeddings", 131072),
                    window,
                    false,
                    false);
        }
    };

    private final String modelType;

    LlamaFamily(String modelType) {
        this.modelType = modelType;
    }

    @Override
    public String modelType() {
        return modelType;
    }

    DecoderConfig configuration(
            ConfigJson config,
            int keyValueHeadsIfAbsent,
            int maxPositions,
            int slidingWindow,
            boolean attentionBias,
            boolean mlpBias) {
        int hiddenSize = config.positive("hidden_size");
        int heads = config.positive("num_attention_heads");
        int layers = FamilyKeys.layers(config, "num_hidden_layers");
        int headDim = FamilyKeys.headDim(config, hiddenSize, heads);
        return DecoderConfig.builder()
                .setVocabularySize(config.positive("vocab_size"))
                .setHiddenSize(hiddenSize)
                .setLayers(layers)
                .setAttention(
                        Attention.llama(
                                heads,
                                FamilyKeys.keyValueHeads(config, heads, keyValueHeadsIfAbsent),
                                headDim,
                                attentionBias,
                                layers,
                                slidingWindow))
                .setFeedForward(
                        new FeedForward(
                                List.of(config.positive("intermediate_size")),
                                FamilyKeys.activation(config, "hidden_act", "silu"),
                                true,
                                Projection.SEPARATE,
                                mlpBias))
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
