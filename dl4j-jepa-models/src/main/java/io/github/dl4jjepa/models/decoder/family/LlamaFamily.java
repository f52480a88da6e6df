package io.github.dl4jjepa.models.decoder.family;

import io.github.dl4jjepa.models.decoder.Activation;
import io.github.dl4jjepa.models.decoder.DecoderConfig;

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
            int window = config.has("sliding_window") ? config.positive("sliding_window") : 0;
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
        int keyValueHeads = config.positive("num_key_value_heads", keyValueHeadsIfAbsent);
        if (heads % keyValueHeads != 0) {
            throw config.refusal(
                    "num_key_value_heads",
                    keyValueHeads + " does not divide " + heads,
                    "it must divide num_attention_heads");
        }
        if (!config.has("head_dim") && hiddenSize % heads != 0) {
            throw config.refusal(
                    "hidden_size", heads + " heads do not divide " + hiddenSize, "give head_dim");
        }
        int headDim = config.positive("head_dim", hiddenSize / heads);
        if (headDim % 2 != 0) {
            throw config.refusal(
                    "head_dim", headDim + " is odd", "rotary embedding needs an even width");
        }
        return new DecoderConfig(
                config.positive("vocab_size"),
                hiddenSize,
                config.positive("num_hidden_layers"),
                heads,
                keyValueHeads,
                headDim,
                config.positive("intermediate_size"),
                activation(config),
                config.number("rms_norm_eps", 1e-6),
                attentionBias,
                mlpBias,
                config.flag("tie_word_embeddings", false),
                RotaryKeys.read(config, 10000, maxPositions),
                slidingWindow,
                maxPositions,
                config.number("initializer_range", 0.02));
    }

    static Activation activation(ConfigJson config) {
        String name = config.string("hidden_act", "silu");
        return switch (name) {
            case "silu", "swish" -> Activation.SILU;
            default ->
                    throw config.refusal(
                            "hidden_act",
                            "\"" + name + "\" is not supported",
                            "supported are silu, swish");
        };
    }
}
