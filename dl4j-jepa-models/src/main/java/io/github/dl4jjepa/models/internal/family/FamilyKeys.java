package io.github.dl4jjepa.models.internal.family;

import io.github.dl4jjepa.models.decoder.DecoderConfig;
import java.util.List;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/** Keys of config.json that families share. */
final class FamilyKeys {
    private static final String SLIDING = "sliding_attention";
    private static final String FULL = "full_attention";
    private static final int MOST_LAYERS = 10_000;

    private FamilyKeys() {}

    /** How many layers there are; a number that no model has is a damaged file. */
    static int layers(ConfigJson config, String key) {
        int layers = config.positive(key);
        if (layers > MOST_LAYERS) {
            throw config.refusal(key, "found " + layers, "it must be " + MOST_LAYERS + " or less");
        }
        return layers;
    }

    /** {@code num_key_value_heads}, which must divide the query heads. */
    static int keyValueHeads(ConfigJson config, int heads, int absent) {
        int keyValueHeads = config.positive("num_key_value_heads", absent);
        if (heads % keyValueHeads != 0) {
            throw config.refusal(
                    "num_key_value_heads",
                    keyValueHeads + " does not divide " + heads,
                    "it must divide num_attention_heads");
        }
        return keyValueHeads;
    }

    /** {@code head_dim}, or else what the hidden size gives each head. */
    static int headDim(ConfigJson config, int hiddenSize, int heads) {
        if (!config.has("head_dim") && hiddenSize % heads != 0) {
            throw config.refusal(
                    "hidden_size", heads + " heads do not divide " + hiddenSize, "give head_dim");
        }
        return headDim(config, hiddenSize / heads);
    }

    /** {@code head_dim}, or else the family's. */
    static int headDim(ConfigJson config, int absent) {
        return config.positive("head_dim", absent);
    }

    /** An activation by its name in transformers. */
    static DecoderConfig.HiddenActivation activation(ConfigJson config, String key, String absent) {
        String name = config.string(key, absent);
        return switch (name) {
            case "silu", "swish" -> DecoderConfig.HiddenActivation.SILU;
            case "gelu_new", "gelu_pytorch_tanh", "gelu_fast" ->
                    DecoderConfig.HiddenActivation.GELU_TANH;
            default ->
                    throw config.refusal(
                            key,
                            "\"" + name + "\" is not supported",
                            "supported are silu, swish, gelu_new, gelu_pytorch_tanh, gelu_fast");
        };
    }

    /**
     * The window of each layer: {@code layer_types} as transformers 5 writes them, or else the
     * family's rule.
     *
     * @param window of layers that have one; 0 where none has
     * @param slides the family's rule, by the layer's number from 0
     */
    static List<Integer> windows(ConfigJson config, int layers, int window, IntPredicate slides) {
        List<String> types =
                config.strings("layer_types")
                        .orElseGet(
                                () ->
                                        IntStream.range(0, layers)
                                                .mapToObj(i -> slides.test(i) ? SLIDING : FULL)
                                                .toList());
        if (types.size() != layers) {
            throw config.refusal(
                    "layer_types",
                    "has " + types.size() + " layers",
                    "it must have num_hidden_layers, " + layers);
        }
        return types.stream().map(type -> window(config, type, window)).toList();
    }

    private static int window(ConfigJson config, String type, int window) {
        return switch (type) {
            case FULL -> 0;
            case SLIDING -> {
                if (window == 0) {
                    throw config.refusal(
                            "layer_types", "a layer slides", "sliding_window must say how far");
                }
                yield window;
            }
            default ->
                    throw config.refusal(
                            "layer_types",
                            "\"" + type + "\" is not supported",
                            "supported are " + FULL + " and " + SLIDING);
        };
    }
}
