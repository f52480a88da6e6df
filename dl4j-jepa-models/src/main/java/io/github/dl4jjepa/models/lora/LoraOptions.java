package io.github.dl4jjepa.models.lora;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.models.decoder.DecoderConfig;
import java.io.Serializable;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;

/**
 * Which linear maps get an adapter, and of what size. Names and rules are those of peft's {@code
 * LoraConfig}.
 *
 * <pre>{@code
 * LoraOptions.builder().optRank(32).optDropout(0.1).optTargets("q_proj", "v_proj").build()
 * }</pre>
 *
 * <p>Immutable; instances may be shared between threads.
 */
public final class LoraOptions implements Serializable {
    private static final long serialVersionUID = 1L;

    /** The rank, unless said otherwise. */
    public static final int DEFAULT_RANK = 16;

    /**
     * The learning rate of a training with LoRA, unless said otherwise: ten times that of full
     * fine-tuning, as peft's and QLoRA's examples have it. B begins as zero, so that the first
     * steps change little, and alpha / rank keeps the size of a step independent of the rank.
     */
    public static final double DEFAULT_LEARNING_RATE = 2e-4;

    private final int rank;
    private final double alpha;
    private final double dropout;
    private final boolean rsLora;
    private final ModuleNames targets;
    private final ModuleNames exclusions;

    @SuppressWarnings("serial") // an unmodifiable LinkedHashMap is Serializable
    private final Map<String, Integer> rankPattern;

    @SuppressWarnings("serial")
    private final Map<String, Double> alphaPattern;

    private LoraOptions(Builder builder) {
        rank = builder.rank;
        alpha = builder.alpha == null ? 2.0 * rank : builder.alpha;
        dropout = builder.dropout;
        rsLora = builder.rsLora;
        targets = builder.targets;
        exclusions = builder.exclusions;
        rankPattern = Collections.unmodifiableMap(new LinkedHashMap<>(builder.rankPattern));
        alphaPattern = Collections.unmodifiableMap(new LinkedHashMap<>(builder.alphaPattern));
        requireRank(rank);
        requireAlpha(alpha);
        if (!(dropout >= 0 && dropout < 1)) {
            throw new IllegalArgumentException(
                    "the dropout must be at least 0 and less than 1, not " + dropout);
        }
        rankPattern.forEach(
                (key, value) -> {
                    ending(key);
                    requireRank(value);
                });
        alphaPattern.forEach(
                (key, value) -> {
                    ending(key);
                    requireAlpha(value);
                });
    }

    /** The width between A and B ({@code r}). */
    public int rank() {
        return rank;
    }

    /** B A is multiplied with alpha / rank ({@code lora_alpha}). */
    public double alpha() {
        return alpha;
    }

    /** The part of a map's input that is dropped in training ({@code lora_dropout}). */
    public double dropout() {
        return dropout;
    }

    /** Whether B A is multiplied with alpha / sqrt(rank) (arXiv 2312.03732, {@code use_rslora}). */
    public boolean rsLora() {
        return rsLora;
    }

    /** The maps that are adapted ({@code target_modules}). */
    public ModuleNames targets() {
        return targets;
    }

    /** The maps that are left out ({@code exclude_modules}). */
    public ModuleNames exclusions() {
        return exclusions;
    }

    /**
     * Ranks by a regular expression for the end of a map's name; the first that matches counts
     * ({@code rank_pattern}).
     */
    public Map<String, Integer> rankPattern() {
        return rankPattern;
    }

    /** Alphas, likewise ({@code alpha_pattern}). */
    public Map<String, Double> alphaPattern() {
        return alphaPattern;
    }

    /** All settings by name, for records of a run. */
    public Map<String, Object> settings() {
        Map<String, Object> settings = new LinkedHashMap<>();
        settings.put("rank", rank);
        settings.put("alpha", alpha);
        settings.put("dropout", dropout);
        settings.put("rs_lora", rsLora);
        settings.put("targets", settings(targets));
        settings.put("exclusions", settings(exclusions));
        settings.put("rank_pattern", rankPattern);
        settings.put("alpha_pattern", alphaPattern);
        return settings;
    }

    private static Object settings(ModuleNames names) {
        return names.pattern() == null ? names.names() : names.pattern();
    }

    private static void requireRank(int rank) {
        if (rank < 1) {
            throw new IllegalArgumentException("the rank must be 1 or more, not " + rank);
        }
    }

    private static void requireAlpha(double alpha) {
        if (!(alpha > 0) || Double.isInfinite(alpha)) {
            throw new IllegalArgumentException("alpha must be greater than 0, not " + alpha);
        }
    }

    /** Begins options. */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * The adapter of a linear map.
     *
     * @param rank the width between A and B
     * @param scaling what B A is multiplied with
     */
    record Size(int rank, double scaling) {}

    /**
     * The maps of a model that get an adapter.
     *
     * @return by the name of each map, in the order of the forward pass
     * @throws JepaException if there are none, or a head or a table is among the targets
     */
    Map<String, Size> sizes(DecoderConfig config) {
        Map<String, Size> sizes = new LinkedHashMap<>();
        for (String map : config.linearMaps().keySet()) {
            if (targets.contains(map) && !exclusions.contains(map)) {
                int ownRank = own(rankPattern, map, rank);
                double ownAlpha = own(alphaPattern, map, alpha);
                sizes.put(
                        map, new Size(ownRank, ownAlpha / (rsLora ? Math.sqrt(ownRank) : ownRank)));
            }
        }
        if (sizes.isEmpty()) {
            throw new JepaException(
                    "no linear map is a target of LoRA: "
                            + text(targets)
                            + " chooses none of "
                            + config.linearMaps().keySet().stream().limit(8).toList()
                            + ", …"
                            + (exclusions.equals(ModuleNames.NONE)
                                    ? ""
                                    : " that " + text(exclusions) + " does not exclude"));
        }
        refuseTables(config);
        return sizes;
    }

    private void refuseTables(DecoderConfig config) {
        if (targets.equals(ModuleNames.ALL_LINEAR)) {
            return;
        }
        List<String> tables =
                List.of(
                        config.names().head(),
                        config.names().embedding().replaceFirst("\\.weight$", ""));
        for (String table : tables) {
            if (targets.contains(table) && !exclusions.contains(table)) {
                throw new JepaException(
                        text(targets)
                                + " chooses "
                                + table
                                + ": LoRA of embeddings and heads is not supported; choose linear"
                                + " maps of the layers");
            }
        }
    }

    /**
     * Refuses names and patterns that a model has no map for, which are likely to be mistaken.
     *
     * @throws JepaException if there is one
     */
    void requireAllUsed(DecoderConfig config) {
        for (ModuleNames choice : List.of(targets, exclusions)) {
            for (String name : choice.names()) {
                requireUsed(config, name, map -> ModuleNames.isNamed(map, name));
            }
        }
        for (Map<String, ?> patterns : List.of(rankPattern, alphaPattern)) {
            for (String key : patterns.keySet()) {
                requireUsed(config, key, map -> ending(key).matcher(map).matches());
            }
        }
    }

    private static void requireUsed(
            DecoderConfig config, String name, java.util.function.Predicate<String> isOf) {
        if (config.linearMaps().keySet().stream().noneMatch(isOf)) {
            throw new JepaException(
                    "the model has no linear map \""
                            + name
                            + "\"; its first layer has "
                            + config.linearMaps().keySet().stream()
                                    .filter(map -> map.contains(".0."))
                                    .toList());
        }
    }

    private static String text(ModuleNames names) {
        return names.pattern() == null ? names.names().toString() : '"' + names.pattern() + '"';
    }

    private static <T> T own(Map<String, T> patterns, String map, T otherwise) {
        return patterns.entrySet().stream()
                .filter(entry -> ending(entry.getKey()).matcher(map).matches())
                .map(Map.Entry::getValue)
                .findFirst()
                .orElse(otherwise);
    }

    private static Pattern ending(String key) {
        try {
            return Pattern.compile("(.*\\.)?(" + key + ")");
        } catch (PatternSyntaxException e) {
            throw new IllegalArgumentException(
                    "\"" + key + "\" is not a regular expression: " + e.getDescription(), e);
        }
    }

    /** Collects {@link LoraOptions}. */
    public static final class Builder {
        private int rank = DEFAULT_RANK;
        private @Nullable Double alpha;
        private double dropout;
        private boolean rsLora;
        private ModuleNames targets = ModuleNames.ALL_LINEAR;
        private ModuleNames exclusions = ModuleNames.NONE;
        private Map<String, Integer> rankPattern = Map.of();
        private Map<String, Double> alphaPattern = Map.of();

        private Builder() {}

        /**
         * Sets the rank (default: {@value LoraOptions#DEFAULT_RANK}).
         *
         * @param rank 1 or more; beyond a map's width it adds nothing
         */
        public Builder optRank(int rank) {
            this.rank = rank;
            return this;
        }

        /**
         * Sets alpha (default: twice the rank, as in the paper).
         *
         * @param alpha greater than 0
         */
        public Builder optAlpha(double alpha) {
            this.alpha = alpha;
            return this;
        }

        /**
         * Sets the dropout of each adapted map's input (default: 0; the paper has 0.1).
         *
         * @param dropout at least 0 and less than 1
         */
        public Builder optDropout(double dropout) {
            this.dropout = dropout;
            return this;
        }

        /**
         * Divides alpha by the square root of the rank (default: false, by the rank).
         *
         * @param rsLora whether to
         */
        public Builder optRsLora(boolean rsLora) {
            this.rsLora = rsLora;
            return this;
        }

        /**
         * Chooses the maps that are adapted (default: all linear maps of the layers).
         *
         * @param targets by name or by pattern
         */
        public Builder optTargets(ModuleNames targets) {
            this.targets = Objects.requireNonNull(targets, "targets");
            return this;
        }

        /**
         * Chooses the maps that are adapted by the ends of their names.
         *
         * @param names such as {@code q_proj}
         */
        public Builder optTargets(String... names) {
            return optTargets(ModuleNames.of(List.of(names)));
        }

        /**
         * Leaves out maps that are chosen otherwise (default: none).
         *
         * @param exclusions by name or by pattern
         */
        public Builder optExclusions(ModuleNames exclusions) {
            this.exclusions = Objects.requireNonNull(exclusions, "exclusions");
            return this;
        }

        /**
         * Sets other ranks for some maps (default: none).
         *
         * @param ranks by a regular expression for the end of a map's name, such as {@code
         *     layers\.0\..*proj}; the first that matches counts
         */
        public Builder optRankPattern(Map<String, Integer> ranks) {
            rankPattern = Objects.requireNonNull(ranks, "ranks");
            return this;
        }

        /**
         * Sets other alphas for some maps (default: none).
         *
         * @param alphas like the ranks of {@link #optRankPattern}
         */
        public Builder optAlphaPattern(Map<String, Double> alphas) {
            alphaPattern = Objects.requireNonNull(alphas, "alphas");
            return this;
        }

        /**
         * The options.
         *
         * @throws IllegalArgumentException if one is out of its range
         */
        public LoraOptions build() {
            return new LoraOptions(this);
        }
    }
}
