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
        Optional<ConfigJson> parameters =
                config.object("rope_parameters").or(() -> config.object("rope_scaling"));
        double topLevelTheta = config.number("rope_theta", defaultTheta);
        double theta =
                parameters.map(p -> p.number("rope_theta", topLevelTheta)).orElse(topLevelTheta);
        Scaling scaling = parameters.map(p -> scaling(p, maxPositions)).orElse(new Plain());
        return new RotaryEmbedding(theta, scaling);
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
