package io.github.dl4jjepa.models.decoder.family;

import io.github.dl4jjepa.models.decoder.RotaryEmbedding;
import io.github.dl4jjepa.models.decoder.RotaryEmbedding.Linear;
import io.github.dl4jjepa.models.decoder.RotaryEmbedding.Llama3;
import io.github.dl4jjepa.models.decoder.RotaryEmbedding.Plain;
import io.github.dl4jjepa.models.decoder.RotaryEmbedding.Scaling;
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
        Scaling scaling = parameters.map(p -> scaling(p, maxPositions)).orElse(new Plain());
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
                                        scaling(local, maxPositions)))
                .orElse(new RotaryEmbedding(topLevelTheta, new Plain()));
    }

    private static Scaling scaling(ConfigJson rope, int maxPositions) {
        String key = rope.has("rope_type") || !rope.has("type") ? "rope_type" : "type";
        String type = rope.string(key, "default");
        return switch (type) {
            case "default" -> new Plain();
            case "linear" -> new Linear(rope.number("factor"));
            case "llama3" ->
                    new Llama3(
                            rope.number("factor"),
                            rope.number("low_freq_factor"),
                            rope.number("high_freq_factor"),
                            rope.positive("original_max_position_embeddings", maxPositions));
            default ->
                    throw rope.refusal(
                            key,
                            "\"" + type + "\" is not supported",
                            "supported are default, linear and llama3");
        };
    }
}
