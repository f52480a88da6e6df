package io.github.dl4jjepa.models.generation;

import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * How tokens are chosen, and when a generation ends. Names, meanings and neutral values are those
 * of transformers' {@code GenerationConfig}; the choice is greedy unless {@link Builder#optSampled}
 * is set.
 *
 * <p>Immutable; instances may be shared between threads.
 */
public final class GenerationOptions {
    private final int maxNewTokens;
    private final int minNewTokens;
    private final boolean sampled;
    private final double temperature;
    private final int topK;
    private final double topP;
    private final double minP;
    private final double repetitionPenalty;
    private final int noRepeatNgramSize;
    private final long seed;
    private final int batchSize;
    private final Set<Integer> endTokenIds;
    private final List<String> stopStrings;
    private final List<LogitsProcessor> processors;

    private GenerationOptions(Builder builder) {
        maxNewTokens = builder.maxNewTokens;
        minNewTokens = builder.minNewTokens;
        sampled = builder.sampled;
        temperature = builder.temperature;
        topK = builder.topK;
        topP = builder.topP;
        minP = builder.minP;
        repetitionPenalty = builder.repetitionPenalty;
        noRepeatNgramSize = builder.noRepeatNgramSize;
        seed = builder.seed;
        batchSize = builder.batchSize;
        endTokenIds = Set.copyOf(builder.endTokenIds);
        stopStrings = List.copyOf(builder.stopStrings);
        processors = List.copyOf(builder.processors);
        require(maxNewTokens >= 1, "maxNewTokens must be at least 1, not " + maxNewTokens);
        require(
                minNewTokens >= 0 && minNewTokens <= maxNewTokens,
                "minNewTokens must be 0 to maxNewTokens, "
                        + maxNewTokens
                        + ", not "
                        + minNewTokens);
        require(
                temperature > 0 && Double.isFinite(temperature),
                "temperature must be above 0, not " + temperature + "; greedy choice has none");
        require(topK >= 0, "topK must be 0 (off) or more, not " + topK);
        require(topP > 0 && topP <= 1, "topP must be above 0 and at most 1, not " + topP);
        require(minP >= 0 && minP <= 1, "minP must be 0 to 1, not " + minP);
        require(
                repetitionPenalty > 0 && Double.isFinite(repetitionPenalty),
                "repetitionPenalty must be above 0, not " + repetitionPenalty);
        require(
                noRepeatNgramSize >= 0,
                "noRepeatNgramSize must be 0 (off) or more, not " + noRepeatNgramSize);
        require(batchSize >= 1, "batchSize must be at least 1, not " + batchSize);
        require(
                stopStrings.stream().noneMatch(String::isEmpty),
                "stopStrings must not contain the empty string");
    }

    private static void require(boolean condition, String message) {
        if (!condition) {
            throw new IllegalArgumentException(message);
        }
    }

    /** Options to set; those left out keep their default. */
    public static Builder builder() {
        return new Builder();
    }

    /** A builder that begins with these options. */
    public Builder toBuilder() {
        Builder builder = new Builder();
        builder.maxNewTokens = maxNewTokens;
        builder.minNewTokens = minNewTokens;
        builder.sampled = sampled;
        builder.temperature = temperature;
        builder.topK = topK;
        builder.topP = topP;
        builder.minP = minP;
        builder.repetitionPenalty = repetitionPenalty;
        builder.noRepeatNgramSize = noRepeatNgramSize;
        builder.seed = seed;
        builder.batchSize = batchSize;
        builder.endTokenIds = endTokenIds;
        builder.stopStrings = stopStrings;
        builder.processors = processors;
        return builder;
    }

    /** The largest number of new tokens, 256 by default. */
    public int maxNewTokens() {
        return maxNewTokens;
    }

    /** The number of new tokens before which no end token is chosen, 0 by default. */
    public int minNewTokens() {
        return minNewTokens;
    }

    /**
     * Whether tokens are drawn by their probability; false, the default, for the most probable one
     * at each step. Temperature, top-k, top-p and min-p count only where it is true.
     */
    public boolean sampled() {
        return sampled;
    }

    /** What logits are divided by, 1 by default. */
    public double temperature() {
        return temperature;
    }

    /** How many of the most probable tokens are drawn from; 0, the default, for all. */
    public int topK() {
        return topK;
    }

    /**
     * Tokens are drawn from the most probable ones whose probabilities sum up to this; 1, the
     * default, for all (Holtzman et al., arXiv 1904.09751).
     */
    public double topP() {
        return topP;
    }

    /**
     * Tokens less probable than this times the most probable one's probability are not drawn; 0 by
     * default (arXiv 2407.01082).
     */
    public double minP() {
        return minP;
    }

    /**
     * What the logits of tokens are divided by, or multiplied with where negative, that occur in
     * the prompt or before; 1 by default (arXiv 1909.05858).
     */
    public double repetitionPenalty() {
        return repetitionPenalty;
    }

    /** Sequences of so many tokens do not occur twice; 0, the default, for no such rule. */
    public int noRepeatNgramSize() {
        return noRepeatNgramSize;
    }

    /** Decides what is drawn, together with the index of the prompt; 42 by default. */
    public long seed() {
        return seed;
    }

    /**
     * The largest number of prompts that are continued at once, 16 by default. It decides speed and
     * memory, not what is generated.
     */
    public int batchSize() {
        return batchSize;
    }

    /** Tokens that end a generation; none by default. */
    public Set<Integer> endTokenIds() {
        return endTokenIds;
    }

    /** A generation ends where its text contains one of these; none by default. */
    public List<String> stopStrings() {
        return stopStrings;
    }

    /** Processors of the user, called after those of the options and before temperature. */
    public List<LogitsProcessor> processors() {
        return processors;
    }

    /** Sets options one by one; {@link GenerationOptions} says what they mean. */
    public static final class Builder {
        private int maxNewTokens = 256;
        private int minNewTokens;
        private boolean sampled;
        private double temperature = 1;
        private int topK;
        private double topP = 1;
        private double minP;
        private double repetitionPenalty = 1;
        private int noRepeatNgramSize;
        private long seed = 42;
        private int batchSize = 16;
        private Collection<Integer> endTokenIds = List.of();
        private List<String> stopStrings = List.of();
        private List<LogitsProcessor> processors = List.of();

        private Builder() {}

        /** See {@link GenerationOptions#maxNewTokens()}. */
        public Builder optMaxNewTokens(int maxNewTokens) {
            this.maxNewTokens = maxNewTokens;
            return this;
        }

        /** See {@link GenerationOptions#minNewTokens()}. */
        public Builder optMinNewTokens(int minNewTokens) {
            this.minNewTokens = minNewTokens;
            return this;
        }

        /** See {@link GenerationOptions#sampled()}. */
        public Builder optSampled(boolean sampled) {
            this.sampled = sampled;
            return this;
        }

        /** See {@link GenerationOptions#temperature()}. */
        public Builder optTemperature(double temperature) {
            this.temperature = temperature;
            return this;
        }

        /** See {@link GenerationOptions#topK()}. */
        public Builder optTopK(int topK) {
            this.topK = topK;
            return this;
        }

        /** See {@link GenerationOptions#topP()}. */
        public Builder optTopP(double topP) {
            this.topP = topP;
            return this;
        }

        /** See {@link GenerationOptions#minP()}. */
        public Builder optMinP(double minP) {
            this.minP = minP;
            return this;
        }

        /** See {@link GenerationOptions#repetitionPenalty()}. */
        public Builder optRepetitionPenalty(double repetitionPenalty) {
            this.repetitionPenalty = repetitionPenalty;
            return this;
        }

        /** See {@link GenerationOptions#noRepeatNgramSize()}. */
        public Builder optNoRepeatNgramSize(int noRepeatNgramSize) {
            this.noRepeatNgramSize = noRepeatNgramSize;
            return this;
        }

        /** See {@link GenerationOptions#seed()}. */
        public Builder optSeed(long seed) {
            this.seed = seed;
            return this;
        }

        /** See {@link GenerationOptions#batchSize()}. */
        public Builder optBatchSize(int batchSize) {
            this.batchSize = batchSize;
            return this;
        }

        /** See {@link GenerationOptions#endTokenIds()}. */
        public Builder optEndTokenIds(Collection<Integer> endTokenIds) {
            this.endTokenIds = new LinkedHashSet<>(endTokenIds);
            return this;
        }

        /** See {@link GenerationOptions#stopStrings()}. */
        public Builder optStopStrings(List<String> stopStrings) {
            this.stopStrings = stopStrings;
            return this;
        }

        /** See {@link GenerationOptions#processors()}. */
        public Builder optProcessors(List<LogitsProcessor> processors) {
            this.processors = processors;
            return this;
        }

        /**
         * The options.
         *
         * @throws IllegalArgumentException if one of them is out of its range
         */
        public GenerationOptions build() {
            return new GenerationOptions(this);
        }
    }
}
