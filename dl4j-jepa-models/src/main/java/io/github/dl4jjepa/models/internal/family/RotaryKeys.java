package io.github.dl4jjepa.models.internal.family;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.models.decoder.RotaryEmbedding;
import io.github.dl4jjepa.models.decoder.RotaryEmbedding.Linear;
import io.github.dl4jjepa.models.decoder.RotaryEmbedding.Llama3;
import io.github.dl4jjepa.models.decoder.RotaryEmbedding.LongRope;
import io.github.dl4jjepa.models.decoder.RotaryEmbedding.Plain;
import io.github.dl4jjepa.models.decoder.RotaryEmbedding.Scaling;
import io.github.dl4jjepa.models.decoder.RotaryEmbedding.Yarn;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * The rotary keys of config.json: {@code rope_parameters} as transformers 5 writes them, {@code
 * rope_theta} and {@code rope_scaling} as transformers 4 did and most files on the hub have them.
 * Where a file has both, transformers takes {@code rope_scaling}.
 */
final class RotaryKeys {
    private static final String PARAMETERS = "rope_parameters";
    private static final String OLD_PARAMETERS = "rope_scaling";
    private static final String THETA = "rope_theta";
    private static final String PART = "partial_rotary_factor";
    private static final String ORIGINAL = "original_max_position_embeddings";
    private static final String FULL = "full_attention";
    private static final String SLIDING = "sliding_attention";
    private static final double DEFAULT_THETA = 10_000;

    /** What Phi 3's configuration says where the file says nothing. */
    private static final int PHI3_ORIGINAL = 4096;

    private final ConfigJson config;
    private final int headDim;
    private final int maxPositions;

    /**
     * @param headDim width of a head
     * @param maxPositions {@code max_position_embeddings}, the length before stretching where the
     *     file names none
     */
    RotaryKeys(ConfigJson config, int headDim, int maxPositions) {
        this.config = config;
        this.headDim = headDim;
        this.maxPositions = maxPositions;
    }

    /** Of families that turn whole heads. */
    RotaryEmbedding whole() {
        Optional<ConfigJson> rope = parameters();
        Scaling scaling = rope.map(this::scaling).orElse(new Plain());
        return whole(rope, theta(rope), scaling);
    }

    private RotaryEmbedding whole(Optional<ConfigJson> rope, double theta, Scaling scaling) {
        // transformers ignores the key where the frequencies are the default ones.
        boolean plain = rope.map(RotaryKeys::type).orElse("default").equals("default");
        RotaryEmbedding rotary =
                checked(new RotaryEmbedding(theta, scaling, plain ? 1 : part(rope, 1)));
        int turned = 2 * rotary.frequencies(headDim).length;
        if (turned != headDim) {
            throw config.refusal(
                    PART,
                    "turns " + turned + " of a head's " + headDim + " numbers",
                    "this family turns whole heads: it must be 1");
        }
        return rotary;
    }

    /** Phi's, half a head unless the file says otherwise. */
    RotaryEmbedding phi() {
        Optional<ConfigJson> rope = parameters();
        double part = part(rope, 0.5);
        if ((int) (headDim * part) % 2 != 0) {
            throw config.refusal(
                    PART,
                    "turns " + (int) (headDim * part) + " of a head's " + headDim + " numbers",
                    "it must turn an even number of them");
        }
        Scaling scaling = rope.map(this::scaling).orElse(new Plain());
        return checked(new RotaryEmbedding(theta(rope), scaling, part));
    }

    /** Phi 3's: plain or {@code longrope}, which older files call {@code su} or {@code yarn}. */
    RotaryEmbedding phi3() {
        Optional<ConfigJson> rope = parameters();
        Scaling scaling =
                rope.map(
                                parameters -> {
                                    String type = type(parameters);
                                    return switch (type) {
                                        case "default" -> new Plain();
                                        case "longrope", "su", "yarn" ->
                                                longRope(
                                                        parameters,
                                                        config.positive(ORIGINAL, PHI3_ORIGINAL));
                                        default ->
                                                throw unsupported(
                                                        parameters, type, "default and longrope");
                                    };
                                })
                        .orElse(new Plain());
        return checked(new RotaryEmbedding(theta(rope), scaling, part(rope, 1)));
    }

    /** Gemma 3's, of layers that see all tokens. */
    RotaryEmbedding gemma3Full() {
        Optional<ConfigJson> old =
                config.object(OLD_PARAMETERS).filter(rope -> !rope.keys().isEmpty());
        Optional<ConfigJson> layer = byLayerType().flatMap(all -> all.object(FULL));
        if (old.isPresent() && layer.isPresent()) {
            throw config.refusal(
                    OLD_PARAMETERS, "stands next to " + PARAMETERS, "remove one of them");
        }
        old.filter(rope -> !rope.has("rope_type"))
                .ifPresent(
                        rope -> {
                            throw rope.refusal(
                                    "rope_type", "missing", "this family does not read \"type\"");
                        });
        return gemma3(old.or(() -> layer), THETA, 1_000_000);
    }

    /** Gemma 3's, of layers with a window. */
    RotaryEmbedding gemma3Sliding() {
        return gemma3(
                byLayerType().flatMap(all -> all.object(SLIDING)),
                "rope_local_base_freq",
                DEFAULT_THETA);
    }

    private RotaryEmbedding gemma3(
            Optional<ConfigJson> layer, String thetaKey, double defaultTheta) {
        double topLevelTheta = config.number(thetaKey, defaultTheta);
        double theta = layer.map(rope -> rope.number(THETA, topLevelTheta)).orElse(topLevelTheta);
        Scaling scaling =
                layer.map(rope -> scaling(rope, rope.positive(ORIGINAL, maxPositions), true))
                        .orElse(new Plain());
        return whole(layer, theta, scaling);
    }

    /** Gemma 3's {@code rope_parameters}, which are by layer type. */
    private Optional<ConfigJson> byLayerType() {
        return config.object(PARAMETERS)
                .filter(all -> !all.keys().isEmpty())
                .map(
                        all -> {
                            if (!all.has(FULL) && !all.has(SLIDING)) {
                                throw config.refusal(
                                        PARAMETERS,
                                        "found " + all.keys(),
                                        "this family has them by layer type: "
                                                + FULL
                                                + " and "
                                                + SLIDING);
                            }
                            return all;
                        });
    }

    /** The object that holds the rope type and its numbers. */
    private Optional<ConfigJson> parameters() {
        Optional<ConfigJson> rope =
                config.object(OLD_PARAMETERS)
                        .filter(old -> !old.keys().isEmpty())
                        .or(() -> config.object(PARAMETERS));
        rope.ifPresent(
                flat -> {
                    for (String layerType : List.of(FULL, SLIDING)) {
                        if (flat.has(layerType)) {
                            throw flat.refusal(
                                    layerType,
                                    "parameters by layer type are not supported",
                                    "this family has one rotary embedding for all layers");
                        }
                    }
                });
        return rope;
    }

    private double theta(Optional<ConfigJson> rope) {
        double topLevel = config.number(THETA, DEFAULT_THETA);
        return rope.map(parameters -> parameters.number(THETA, topLevel)).orElse(topLevel);
    }

    private double part(Optional<ConfigJson> rope, double absent) {
        double topLevel = config.number(PART, absent);
        double part = rope.map(parameters -> parameters.number(PART, topLevel)).orElse(topLevel);
        if (!(part > 0 && part <= 1) || (int) (headDim * part) == 0) {
            throw config.refusal(
                    PART,
                    part + " is not a part of a head of width " + headDim,
                    "it must lie above 0 and not above 1");
        }
        return part;
    }

    private static String type(ConfigJson rope) {
        return rope.string(typeKey(rope), "default");
    }

    private static String typeKey(ConfigJson rope) {
        return rope.has("rope_type") || !rope.has("type") ? "rope_type" : "type";
    }

    /** The length before stretching: transformers takes the one at the top before the nested. */
    private Scaling scaling(ConfigJson rope) {
        int original = config.positive(ORIGINAL, rope.positive(ORIGINAL, maxPositions));
        return scaling(rope, original, rope.flag("truncate", true));
    }

    private Scaling scaling(ConfigJson rope, int original, boolean truncate) {
        String type = type(rope);
        return switch (type) {
            case "default" -> new Plain();
            // Within max_position_embeddings, which rows may not exceed, dynamic is plain.
            case "dynamic" -> {
                above0(rope, "factor");
                yield new Plain();
            }
            case "linear" -> new Linear(above0(rope, "factor"));
            case "llama3" ->
                    new Llama3(
                            above0(rope, "factor"),
                            above0(rope, "low_freq_factor"),
                            above0(rope, "high_freq_factor"),
                            original);
            case "yarn" -> yarn(rope, original, truncate);
            case "longrope" -> longRope(rope, original);
            default ->
                    throw unsupported(
                            rope, type, "default, linear, dynamic, llama3, yarn and longrope");
        };
    }

    private static JepaException unsupported(ConfigJson rope, String type, String supported) {
        return rope.refusal(
                typeKey(rope), "\"" + type + "\" is not supported", "supported are " + supported);
    }

    private static double above0(ConfigJson rope, String key) {
        double number = rope.number(key);
        if (!(number > 0)) {
            throw rope.refusal(key, "found " + number, "it must be above 0");
        }
        return number;
    }

    private Yarn yarn(ConfigJson rope, int original, boolean truncate) {
        double factor =
                rope.isNull("factor") ? (double) maxPositions / original : above0(rope, "factor");
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
                truncate,
                attentionFactor);
    }

    private static double mscale(double factor, double scale) {
        return factor <= 1 ? 1 : 0.1 * scale * Math.log(factor) + 1;
    }

    private LongRope longRope(ConfigJson rope, int original) {
        double factor =
                rope.has("factor") ? above0(rope, "factor") : (double) maxPositions / original;
        double inferred = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(original));
        List<Double> shortFactors = rope.numbers("short_factor");
        return new LongRope(
                shortFactors,
                rope.numbers("long_factor", shortFactors.size()),
                original,
                rope.number("attention_factor", inferred));
    }

    /** Refuses what does not fit the heads, and numbers that overflow. */
    private RotaryEmbedding checked(RotaryEmbedding rotary) {
        String key = config.has(OLD_PARAMETERS) ? OLD_PARAMETERS : PARAMETERS;
        double[] frequencies;
        double[] longFrequencies;
        try {
            frequencies = rotary.frequencies(headDim);
            longFrequencies =
                    rotary.longRows(headDim)
                            .map(RotaryEmbedding.LongRows::frequencies)
                            .orElse(frequencies);
        } catch (IllegalArgumentException e) {
            throw config.refusal(
                    key, String.valueOf(e.getMessage()), "they must fit the width of a head");
        }
        if (2 * frequencies.length > headDim) {
            throw config.refusal(
                    "head_dim", headDim + " is odd", "rotary embedding needs an even width");
        }
        if (!Double.isFinite(rotary.scaling().attentionFactor())
                || !Arrays.stream(frequencies).allMatch(Double::isFinite)
                || !Arrays.stream(longFrequencies).allMatch(Double::isFinite)) {
            throw config.refusal(
                    key,
                    "gives frequencies that are not finite",
                    "check rope_theta and the factors");
        }
        return rotary;
    }
}
