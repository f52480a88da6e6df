package io.github.dl4jjepa.models.decoder.family;

import io.github.dl4jjepa.models.decoder.RotaryEmbedding;
import io.github.dl4jjepa.models.decoder.RotaryEmbedding.Linear;
import io.github.dl4jjepa.models.decoder.RotaryEmbedding.Llama3;
import io.github.dl4jjepa.models.decoder.RotaryEmbedding.LongRope;
import io.github.dl4jjepa.models.decoder.RotaryEmbedding.Plain;
import io.github.dl4jjepa.models.decoder.RotaryEmbedding.Scaling;
import io.github.dl4jjepa.models.decoder.RotaryEmbedding.Yarn;
import java.util.List;
import java.util.Optional;

/**
 * The rotary keys of config.json: {@code rope_parameters} as transformers 5 writes them, {@code
 * rope_theta} and {@code rope_scaling} as transformers 4 did and most files on the hub have them.
 */
final class RotaryKeys {
    private RotaryKeys() {}

    /**
     * @param defaultTheta the base where the file names none
     * @param maxPositions {@code max_position_embeddings}, the length before stretching where the
     *     file names none
     */
    static RotaryEmbedding read(ConfigJson config, double defaultTheta, int maxPositions) {
        return read(config, defaultTheta, maxPositions, 1);
    }

    /**
     * @param defaultPart the part of a head that is turned, where the file names none
     */
    static RotaryEmbedding read(
            ConfigJson config, double defaultTheta, int maxPositions, double defaultPart) {
        Optional<ConfigJson> parameters =
                config.object("rope_parameters")
                        .map(all -> all.object("full_attention").orElse(all))
                        .or(() -> config.object("rope_scaling"));
        double topLevelTheta = config.number("rope_theta", defaultTheta);
        double theta =
                parameters.map(p -> p.number("rope_theta", topLevelTheta)).orElse(topLevelTheta);
        Scaling scaling = parameters.map(p -> scaling(config, p, maxPositions)).orElse(new Plain());
        double topLevelPart = config.number("partial_rotary_factor", defaultPart);
        double part =
                parameters
                        .map(p -> p.number("partial_rotary_factor", topLevelPart))
                        .orElse(topLevelPart);
        if (!(part > 0 && part <= 1)) {
            throw config.refusal(
                    "partial_rotary_factor", part + " is no part", "it must lie in 0..1");
        }
        return new RotaryEmbedding(theta, scaling, part);
    }

    /**
     * The embedding of layers with a window, where it is another than that of the rest.
     *
     * @param key where transformers 4 has its base
     */
    static RotaryEmbedding readLocal(
            ConfigJson config, String key, double defaultTheta, int maxPositions) {
        double topLevelTheta = config.number(key, defaultTheta);
        return config.object("rope_parameters")
                .flatMap(all -> all.object("sliding_attention"))
                .map(
                        local ->
                                new RotaryEmbedding(
                                        local.number("rope_theta", topLevelTheta),
                                        scaling(config, local, maxPositions)))
                .orElse(new RotaryEmbedding(topLevelTheta, new Plain()));
    }

    private static Scaling scaling(ConfigJson config, ConfigJson rope, int maxPositions) {
        String key = rope.has("rope_type") || !rope.has("type") ? "rope_type" : "type";
        String type = rope.string(key, "default");
        return switch (type) {
            // Within max_position_embeddings, which rows may not exceed, dynamic is plain.
            case "default", "dynamic" -> new Plain();
            case "linear" -> new Linear(rope.number("factor"));
            case "llama3" ->
                    new Llama3(
                            rope.number("factor"),
                            rope.number("low_freq_factor"),
                            rope.number("high_freq_factor"),
                            rope.positive("original_max_position_embeddings", maxPositions));
            case "yarn" -> yarn(rope, maxPositions);
            case "longrope", "su" -> longRope(config, rope, maxPositions);
            default ->
                    throw rope.refusal(
                            key,
                            "\"" + type + "\" is not supported",
                            "supported are default, linear, dynamic, llama3, yarn and longrope");
        };
    }

    private static Yarn yarn(ConfigJson rope, int maxPositions) {
        int original = rope.positive("original_max_position_embeddings", maxPositions);
        double factor =
                rope.has("factor") ? rope.number("factor") : (double) maxPositions / original;
        double attentionFactor;
        if (rope.has("attention_factor")) {
            attentionFactor = rope.number("attention_factor");
        } else if (rope.number("mscale", 0) != 0 && rope.number("mscale_all_dim", 0) != 0) {
            attentionFactor =
                    mscale(factor, rope.number("mscale"))
                            / mscale(factor, rope.number("mscale_all_dim"));
        } else {
            attentionFactor = mscale(factor, 1);
        }
        return new Yarn(
                factor,
                original,
                rope.number("beta_fast", 32),
                rope.number("beta_slow", 1),
                rope.flag("truncate", true),
                attentionFactor);
    }

    private static double mscale(double factor, double scale) {
        return factor <= 1 ? 1 : 0.1 * scale * Math.log(factor) + 1;
    }

    private static LongRope longRope(ConfigJson config, ConfigJson rope, int maxPositions) {
        int original =
                rope.positive(
                        "original_max_position_embeddings",
                        config.positive("original_max_position_embeddings", maxPositions));
        double factor =
                rope.has("factor") ? rope.number("factor") : (double) maxPositions / original;
        double inferred = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(original));
        List<Double> shortFactors = rope.numbers("short_factor");
        return new LongRope(
                shortFactors,
                rope.numbers("long_factor", shortFactors.size()),
                original,
                rope.number("attention_factor", inferred));
    }
}
