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
import io.github.dl4jjepa.models.decoder.RotaryEmbedding;
import io.github.dl4jjepa.models.decoder.TensorNames;
import java.util.Collections;
import java.util.List;

/** OpenELM, whose layers differ in heads and width, with fused projections and normalized heads. */
enum OpenElmFamily implements DecoderFamily {
    OPENELM;

    @Override
    public String modelType() {
        return "openelm";
    }

    @Override
    public DecoderConfig configuration(ConfigJson config) {
        String norm = config.string("normalization_layer_name", "rms_norm");
        if (!norm.equals("rms_norm")) {
            throw config.refusal(
                    "normalization_layer_name",
                    "\"" + norm + "\" is not supported",
                    "supported is rms_norm");
        }
        int hiddenSize = config.positive("model_dim");
        int layers = FamilyKeys.layers(config, "num_transformer_layers");
        int headDim = FamilyKeys.headDim(config, 64);
        if (headDim % 2 != 0) {
            throw config.refusal(
                    "head_dim", headDim + " is odd", "rotary embedding needs an even width");
        }
        List<Integer> heads = config.positives("num_query_heads", layers);
        List<Integer> keyValueHeads = config.positives("num_kv_heads", layers);
        for (int layer = 0; layer < layers; layer++) {
            if (heads.get(layer) % keyValueHeads.get(layer) != 0) {
                throw config.refusal(
                        "num_kv_heads",
                        keyValueHeads.get(layer) + " does not divide " + heads.get(layer),
                        "each must divide its layer's num_query_heads");
            }
        }
        int divisor = config.positive("ffn_dim_divisor", 256);
        List<Integer> widths =
                config.numbers("ffn_multipliers", layers).stream()
                        .map(multiplier -> divisible(multiplier * hiddenSize, divisor))
                        .toList();
        return DecoderConfig.builder()
                .setVocabularySize(config.positive("vocab_size"))
                .setHiddenSize(hiddenSize)
                .setLayers(layers)
                .setAttention(
                        Attention.builder()
                                .setHeads(heads)
                                .setKeyValueHeads(keyValueHeads)
                                .setHeadDim(headDim)
                                .optProjection(Projection.FUSED)
                                .setScale(1 / Math.sqrt(headDim))
                                .optQueryKeyNorm(
                                        config.flag("normalize_qk_projections", false)
                                                ? QueryKeyNorm.HEADS
                                                : QueryKeyNorm.NONE)
                                .setWindows(Collections.nCopies(layers, 0))
                                .build())
                .setFeedForward(
                        new FeedForward(
                                widths,
                                FamilyKeys.activation(config, "activation_fn_name", "swish"),
                                config.flag("ffn_with_glu", true),
                                Projection.FUSED,
                                false))
                .setNorm(new Norm(NormKind.RMS, 1e-6, NormPlacement.BEFORE))
                .setHead(Head.plain(config.flag("share_input_output_layers", true)))
                .setPositions(
                        new RotaryEmbedding(
                                config.number("rope_freq_constant", 10000),
                                new RotaryEmbedding.Plain()))
                .setNames(TensorNames.OPENELM)
                .setMaxPositions(config.positive("max_context_length", 2048))
                .optInitializerRange(config.number("initializer_range", 0.02))
                .build();
    }

    /** The multiple of a divisor that is nearest, and not below nine tenths. */
    private static int divisible(double width, int divisor) {
        int rounded = Math.max(divisor, (int) (width + divisor / 2.0) / divisor * divisor);
        return rounded < 0.9 * width ? rounded + divisor : rounded;
    }
}
