package io.github.dl4jjepa.models.decoder;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.nd4j.autodiff.samediff.SDVariable;

/** What a transformer decoder is made of. Immutable. */
public final class DecoderConfig {
    private final int vocabularySize;
    private final int hiddenSize;
    private final int layers;
    private final Attention attention;
    private final FeedForward feedForward;
    private final Norm norm;
    private final double embeddingScale;
    private final Head head;
    private final PositionEmbedding positions;
    private final TensorNames names;
    private final int maxPositions;
    private final double initializerRange;
    private final Map<String, Parameter> parameters;
    private final Map<String, long[]> linearMaps;

    private DecoderConfig(Builder builder) {
        vocabularySize = builder.vocabularySize;
        hiddenSize = builder.hiddenSize;
        layers = builder.layers;
        attention = Objects.requireNonNull(builder.attention, "attention");
        feedForward = Objects.requireNonNull(builder.feedForward, "feedForward");
        norm = Objects.requireNonNull(builder.norm, "norm");
        embeddingScale = builder.embeddingScale;
        head = Objects.requireNonNull(builder.head, "head");
        positions = Objects.requireNonNull(builder.positions, "positions");
        names = Objects.requireNonNull(builder.names, "names");
        maxPositions = builder.maxPositions;
        initializerRange = builder.initializerRange;
        requirePositive("vocabularySize", vocabularySize);
        requirePositive("hiddenSize", hiddenSize);
        requirePositive("layers", layers);
        requirePositive("maxPositions", maxPositions);
        if (attention.windows.size() != layers) {
            throw new IllegalArgumentException(
                    attention.windows.size() + " windows for " + layers + " layers");
        }
        if (positions instanceof RotaryEmbedding rotary) {
            int turned = 2 * rotary.frequencies(attention.headDim).length;
            if (turned > attention.headDim) {
                throw new IllegalArgumentException(
                        "rotary embedding cannot turn "
                                + turned
                                + " numbers of heads of width "
                                + attention.headDim);
            }
        }
        Parameters all = allParameters();
        parameters = Collections.unmodifiableMap(all.parameters);
        linearMaps = Collections.unmodifiableMap(all.maps);
    }

    private static void requirePositive(String name, int value) {
        if (value < 1) {
            throw new IllegalArgumentException(name + " must be at least 1, not " + value);
        }
    }

    /** Parts to set; those of methods named {@code opt} have a default. */
    public static Builder builder() {
        return new Builder();
    }

    /** How many token ids there are. */
    public int vocabularySize() {
        return vocabularySize;
    }

    /** Width of a hidden state. */
    public int hiddenSize() {
        return hiddenSize;
    }

    /** How many layers there are. */
    public int layers() {
        return layers;
    }

    /** What attention is made of, the same in each layer but for its window. */
    public Attention attention() {
        return attention;
    }

    /** What the feed-forward block is made of. */
    public FeedForward feedForward() {
        return feedForward;
    }

    /** How and where hidden states are normalized. */
    public Norm norm() {
        return norm;
    }

    /** What a token's embedding is multiplied with. */
    public double embeddingScale() {
        return embeddingScale;
    }

    /** What makes logits of hidden states. */
    public Head head() {
        return head;
    }

    /** How the decoder knows where a token stands. */
    public PositionEmbedding positions() {
        return positions;
    }

    /** What the tensors are called. */
    public TensorNames names() {
        return names;
    }

    /** The longest row the model was made for. */
    public int maxPositions() {
        return maxPositions;
    }

    /** Standard deviation of randomly initialized matrices. */
    public double initializerRange() {
        return initializerRange;
    }

    /** How a linear map's matrix is stored, and whether it shares it with others. */
    public enum Projection {
        /** {@code [out, in]}, each map by itself. */
        SEPARATE,
        /** {@code [out, in]}, several maps one below the other. */
        FUSED,
        /** {@code [in, out]}, several maps side by side: GPT-2's Conv1D. */
        FUSED_TRANSPOSED
    }

    /** Which queries and keys are normalized. */
    public enum QueryKeyNorm {
        /** None. */
        NONE,
        /** Each head by itself (Qwen 3, Gemma 3). */
        HEADS,
        /** All heads together (OLMo 2). */
        WHOLE
    }

    /** What attention is made of, the same in each layer but for its window. */
    public static final class Attention {
        private final List<Integer> heads;
        private final List<Integer> keyValueHeads;
        private final int headDim;
        private final Projection projection;
        private final boolean bias;
        private final boolean outputBias;
        private final double scale;
        private final double attentionLogitSoftcap;
        private final double clipQkv;
        private final QueryKeyNorm queryKeyNorm;
        private final List<Integer> windows;
        private final Optional<RotaryEmbedding> windowPositions;

        private Attention(Builder builder) {
            heads = List.copyOf(builder.heads);
            keyValueHeads = List.copyOf(builder.keyValueHeads);
            headDim = builder.headDim;
            projection = Objects.requireNonNull(builder.projection, "projection");
            bias = builder.bias;
            outputBias = builder.outputBias;
            scale = builder.scale;
            attentionLogitSoftcap = builder.attentionLogitSoftcap;
            clipQkv = builder.clipQkv;
            queryKeyNorm = Objects.requireNonNull(builder.queryKeyNorm, "queryKeyNorm");
            windows = List.copyOf(builder.windows);
            windowPositions = Objects.requireNonNull(builder.windowPositions, "windowPositions");
            requirePositive("headDim", headDim);
            for (int layer = 0; layer < windows.size(); layer++) {
                if (at(heads, layer) % at(keyValueHeads, layer) != 0) {
                    throw new IllegalArgumentException(
                            at(heads, layer)
                                    + " query heads cannot share "
                                    + at(keyValueHeads, layer)
                                    + " key-value heads");
                }
            }
        }

        /** Parts to set; those of methods named {@code opt} have a default. */
        public static Builder builder() {
            return new Builder();
        }

        /** Query heads: one number, or one for each layer. */
        public List<Integer> heads() {
            return heads;
        }

        /**
         * Key and value heads, which the query heads share evenly: one number, or one for each
         * layer.
         */
        public List<Integer> keyValueHeads() {
            return keyValueHeads;
        }

        /** Width of a head. */
        public int headDim() {
            return headDim;
        }

        /** How the matrices of queries, keys and values are stored. */
        public Projection projection() {
            return projection;
        }

        /** Whether those have biases. */
        public boolean bias() {
            return bias;
        }

        /** Whether the output projection has one. */
        public boolean outputBias() {
            return outputBias;
        }

        /** What scores are multiplied with. */
        public double scale() {
            return scale;
        }

        /** Scores are {@code cap * tanh(score / cap)} then; 0 for no cap. */
        public double attentionLogitSoftcap() {
            return attentionLogitSoftcap;
        }

        /** Queries, keys and values are clipped to this size; 0 for no clipping. */
        public double clipQkv() {
            return clipQkv;
        }

        /** Which queries and keys are normalized. */
        public QueryKeyNorm queryKeyNorm() {
            return queryKeyNorm;
        }

        /** By layer, how many positions a token sees, its own included; 0 for all before it. */
        public List<Integer> windows() {
            return windows;
        }

        /** The rotary embedding of layers with a window, where it is another. */
        public Optional<RotaryEmbedding> windowPositions() {
            return windowPositions;
        }

        /**
         * Llama's attention.
         *
         * @param layers how many layers there are
         * @param window how many positions a token sees; 0 for all before it
         */
        public static Attention llama(
                int heads, int keyValueHeads, int headDim, boolean bias, int layers, int window) {
            return builder()
                    .setHeads(List.of(heads))
                    .setKeyValueHeads(List.of(keyValueHeads))
                    .setHeadDim(headDim)
                    .optBias(bias)
                    .optOutputBias(bias)
                    .setScale(1 / Math.sqrt(headDim))
                    .setWindows(Collections.nCopies(layers, window))
                    .build();
        }

        /** Sets what {@link Attention} is made of. */
        public static final class Builder {
            private List<Integer> heads;
            private List<Integer> keyValueHeads;
            private int headDim;
            private Projection projection = Projection.SEPARATE;
            private boolean bias;
            private boolean outputBias;
            private double scale;
            private double attentionLogitSoftcap;
            private double clipQkv;
            private QueryKeyNorm queryKeyNorm = QueryKeyNorm.NONE;
            private List<Integer> windows;
            private Optional<RotaryEmbedding> windowPositions = Optional.empty();

            @SuppressWarnings("NullAway.Init") // what is required is set before build()
            private Builder() {}

            /** See {@link Attention#heads()}. */
            public Builder setHeads(List<Integer> heads) {
                this.heads = heads;
                return this;
            }

            /** See {@link Attention#keyValueHeads()}. */
            public Builder setKeyValueHeads(List<Integer> keyValueHeads) {
                this.keyValueHeads = keyValueHeads;
                return this;
            }

            /** See {@link Attention#headDim()}. */
            public Builder setHeadDim(int headDim) {
                this.headDim = headDim;
                return this;
            }

            /** See {@link Attention#projection()}; {@code Projection.SEPARATE} by default. */
            public Builder optProjection(Projection projection) {
                this.projection = projection;
                return this;
            }

            /** See {@link Attention#bias()}; {@code false} by default. */
            public Builder optBias(boolean bias) {
                this.bias = bias;
                return this;
            }

            /** See {@link Attention#outputBias()}; {@code false} by default. */
            public Builder optOutputBias(boolean outputBias) {
                this.outputBias = outputBias;
                return this;
            }

            /** See {@link Attention#scale()}. */
            public Builder setScale(double scale) {
                this.scale = scale;
                return this;
            }

            /** See {@link Attention#attentionLogitSoftcap()}; {@code 0} by default. */
            public Builder optAttentionLogitSoftcap(double attentionLogitSoftcap) {
                this.attentionLogitSoftcap = attentionLogitSoftcap;
                return this;
            }

            /** See {@link Attention#clipQkv()}; {@code 0} by default. */
            public Builder optClipQkv(double clipQkv) {
                this.clipQkv = clipQkv;
                return this;
            }

            /** See {@link Attention#queryKeyNorm()}; {@code QueryKeyNorm.NONE} by default. */
            public Builder optQueryKeyNorm(QueryKeyNorm queryKeyNorm) {
                this.queryKeyNorm = queryKeyNorm;
                return this;
            }

            /** See {@link Attention#windows()}. */
            public Builder setWindows(List<Integer> windows) {
                this.windows = windows;
                return this;
            }

            /** See {@link Attention#windowPositions()}; that of the other layers by default. */
            public Builder optWindowPositions(Optional<RotaryEmbedding> windowPositions) {
                this.windowPositions = windowPositions;
                return this;
            }

            /**
             * The configuration.
             *
             * @throws NullPointerException if something required is missing
             * @throws IllegalArgumentException if the parts do not fit together
             */
            public Attention build() {
                return new Attention(this);
            }
        }
    }

    /**
     * What a feed-forward block is made of.
     *
     * @param widths of its inner layer: one number, or one for each layer
     * @param activation what its inner layer, or its gate, goes through
     * @param gated whether it is {@code down(activation(gate(x)) * up(x))}, or else {@code
     *     down(activation(up(x)))}
     * @param projection how its matrices are stored
     * @param bias whether they have biases
     */
    public record FeedForward(
            List<Integer> widths,
            HiddenActivation activation,
            boolean gated,
            Projection projection,
            boolean bias) {
        public FeedForward {
            widths = List.copyOf(widths);
        }
    }

    /** What a norm computes. */
    public enum NormKind {
        /** {@code x / sqrt(mean(x^2) + eps) * gain}. */
        RMS,
        /** {@code x / sqrt(mean(x^2) + eps) * (1 + gain)}: Gemma's. */
        RMS_PLUS_ONE,
        /** LayerNorm with gain and bias. */
        LAYER,
        /** LayerNorm without parameters: OLMo's. */
        LAYER_PLAIN
    }

    /** Where norms stand. */
    public enum NormPlacement {
        /** Before attention and before the feed-forward block. */
        BEFORE,
        /** After both, before they are added (OLMo 2). */
        AFTER,
        /** Before and after both (Gemma 2 and 3). */
        AROUND,
        /** Once, before both, which are added together (Phi). */
        SHARED
    }

    /**
     * How and where hidden states are normalized.
     *
     * @param kind what a norm computes
     * @param epsilon what is added before the root is taken
     * @param placement where norms stand
     */
    public record Norm(NormKind kind, double epsilon, NormPlacement placement) {}

    /**
     * What makes logits of hidden states.
     *
     * @param tied whether its matrix is the embedding
     * @param bias whether it has a bias
     * @param finalLogitSoftcap logits are {@code cap * tanh(logit / cap)} then; 0 for no cap
     */
    public record Head(boolean tied, boolean bias, double finalLogitSoftcap) {
        /** Without bias and cap. */
        public static Head plain(boolean tied) {
            return new Head(tied, false, 0);
        }
    }

    /** How a parameter is made and trained. */
    enum Kind {
        /** A matrix: normally distributed, with weight decay. */
        MATRIX,
        /** A norm's gain: ones, without weight decay. */
        GAIN,
        /** A bias, or what is added to a gain of one: zeros, without weight decay. */
        BIAS
    }

    /** A parameter's shape and kind. */
    record Parameter(Kind kind, long... shape) {}

    /** Query heads of a layer. */
    public int heads(int layer) {
        return at(attention.heads, layer);
    }

    /** Key and value heads of a layer. */
    public int keyValueHeads(int layer) {
        return at(attention.keyValueHeads, layer);
    }

    /** Width of a layer's feed-forward block. */
    public int feedForwardWidth(int layer) {
        return at(feedForward.widths, layer);
    }

    private static int at(List<Integer> numbers, int layer) {
        return numbers.get(numbers.size() == 1 ? 0 : layer);
    }

    /** Width of a head. */
    public int headDim() {
        return attention.headDim;
    }

    /** The shapes of the parameters by name, in the order of the forward pass. */
    public Map<String, long[]> parameterShapes() {
        Map<String, long[]> shapes = new LinkedHashMap<>();
        parameters().forEach((name, parameter) -> shapes.put(name, parameter.shape()));
        return shapes;
    }

    /**
     * The linear maps of all layers by the name of their module, in the order of the forward pass;
     * matrices that are stored in one are one map.
     *
     * @return the width of each map's output and of its input, however its matrix is stored
     */
    public Map<String, long[]> linearMaps() {
        return linearMaps;
    }

    /** The parameters by name, in the order of the forward pass. */
    Map<String, Parameter> parameters() {
        return parameters;
    }

    private Parameters allParameters() {
        Parameters all = new Parameters();
        all.put(names.embedding(), Kind.MATRIX, vocabularySize, hiddenSize);
        if (positions instanceof PositionEmbedding.Learned) {
            all.put(names.positions(), Kind.MATRIX, maxPositions, hiddenSize);
        }
        for (int layer = 0; layer < layers; layer++) {
            layer(layer, all);
        }
        all.norm(names.finalNorm(), hiddenSize);
        if (!head.tied) {
            all.put(names.headWeight(), Kind.MATRIX, vocabularySize, hiddenSize);
        }
        if (head.bias) {
            all.put(names.head() + ".bias", Kind.BIAS, vocabularySize);
        }
        return all;
    }

    private void layer(int layer, Parameters all) {
        NormPlacement placement = norm.placement;
        if (placement != NormPlacement.AFTER) {
            all.norm(names.of(layer, names.inputNorm()), hiddenSize);
        }
        int queries = heads(layer) * attention.headDim;
        int keys = keyValueHeads(layer) * attention.headDim;
        if (attention.projection == Projection.SEPARATE) {
            all.linear(names.of(layer, names.query()), queries, hiddenSize, attention.bias);
            all.linear(names.of(layer, names.key()), keys, hiddenSize, attention.bias);
            all.linear(names.of(layer, names.value()), keys, hiddenSize, attention.bias);
        } else {
            all.linear(
                    names.of(layer, names.queryKeyValue()),
                    queries + 2L * keys,
                    hiddenSize,
                    attention.bias,
                    attention.projection);
        }
        if (attention.queryKeyNorm != QueryKeyNorm.NONE) {
            boolean whole = attention.queryKeyNorm == QueryKeyNorm.WHOLE;
            all.norm(names.of(layer, names.queryNorm()), whole ? queries : attention.headDim);
            all.norm(names.of(layer, names.keyNorm()), whole ? keys : attention.headDim);
        }
        all.linear(
                names.of(layer, names.attentionOutput()),
                hiddenSize,
                queries,
                attention.outputBias,
                attention.projection);
        if (placement != NormPlacement.SHARED) {
            all.norm(names.of(layer, names.postAttentionNorm()), hiddenSize);
        }
        if (placement == NormPlacement.AROUND) {
            all.norm(names.of(layer, names.preFeedForwardNorm()), hiddenSize);
        }
        feedForward(layer, all);
        if (placement == NormPlacement.AFTER || placement == NormPlacement.AROUND) {
            all.norm(names.of(layer, names.postFeedForwardNorm()), hiddenSize);
        }
    }

    private void feedForward(int layer, Parameters all) {
        int width = feedForwardWidth(layer);
        Projection stored = feedForward.projection;
        if (feedForward.gated && stored == Projection.FUSED) {
            all.linear(names.of(layer, names.gateUp()), 2L * width, hiddenSize, feedForward.bias);
        } else {
            if (feedForward.gated) {
                all.linear(names.of(layer, names.gate()), width, hiddenSize, feedForward.bias);
            }
            all.linear(names.of(layer, names.up()), width, hiddenSize, feedForward.bias, stored);
        }
        all.linear(names.of(layer, names.down()), hiddenSize, width, feedForward.bias, stored);
    }

    /** Parameters in the order in which they are put. */
    private final class Parameters {
        private final Map<String, Parameter> parameters = new LinkedHashMap<>();
        private final Map<String, long[]> maps = new LinkedHashMap<>();

        void put(String name, Kind kind, long... shape) {
            parameters.put(name, new Parameter(kind, shape));
        }

        void linear(String name, long out, long in, boolean bias) {
            linear(name, out, in, bias, Projection.SEPARATE);
        }

        void linear(String name, long out, long in, boolean bias, Projection stored) {
            boolean transposed = stored == Projection.FUSED_TRANSPOSED;
            maps.put(name, new long[] {out, in});
            put(name + ".weight", Kind.MATRIX, transposed ? in : out, transposed ? out : in);
            if (bias) {
                put(name + ".bias", Kind.BIAS, out);
            }
        }

        void norm(String name, long width) {
            if (norm.kind == NormKind.LAYER_PLAIN) {
                return;
            }
            put(
                    name + ".weight",
                    norm.kind == NormKind.RMS_PLUS_ONE ? Kind.BIAS : Kind.GAIN,
                    width);
            if (norm.kind == NormKind.LAYER) {
                put(name + ".bias", Kind.BIAS, width);
            }
        }
    }

    /** Whether matrices are stored as {@code [in, out]}, as GPT-2's are. */
    public boolean hasTransposedMaps() {
        return attention.projection == Projection.FUSED_TRANSPOSED;
    }

    /** See {@link io.github.dl4jjepa.core.decoder.Decoder#forwardFlops}. */
    double forwardFlops(int[] positions, long labels) {
        double products = (double) hiddenSize * vocabularySize * labels;
        for (int layer = 0; layer < layers; layer++) {
            long perToken =
                    2L * (heads(layer) + keyValueHeads(layer)) * headDim() * hiddenSize
                            + (feedForward.gated ? 3L : 2L) * hiddenSize * feedForwardWidth(layer);
            int window = attention.windows.get(layer);
            long seen = 0;
            for (int position : positions) {
                seen += window == 0 ? position + 1 : Math.min(position + 1, window);
            }
            // Queries by keys, weights by values.
            double scores = 2.0 * heads(layer) * headDim() * seen;
            products += (double) perToken * positions.length + scores;
        }
        return 2 * products;
    }

    /** The same model with more (or fewer) token ids. */
    public DecoderConfig withVocabularySize(int size) {
        return with(size, head);
    }

    /** The same model without a head of its own. */
    public DecoderConfig withoutHead() {
        return with(vocabularySize, Head.plain(true));
    }

    private DecoderConfig with(int size, Head other) {
        return builder()
                .setVocabularySize(size)
                .setHiddenSize(hiddenSize)
                .setLayers(layers)
                .setAttention(attention)
                .setFeedForward(feedForward)
                .setNorm(norm)
                .optEmbeddingScale(embeddingScale)
                .setHead(other)
                .setPositions(positions)
                .setNames(names)
                .setMaxPositions(maxPositions)
                .optInitializerRange(initializerRange)
                .build();
    }

    /** Sets what {@link DecoderConfig} is made of. */
    public static final class Builder {
        private int vocabularySize;
        private int hiddenSize;
        private int layers;
        private Attention attention;
        private FeedForward feedForward;
        private Norm norm;
        private double embeddingScale = 1;
        private Head head;
        private PositionEmbedding positions;
        private TensorNames names;
        private int maxPositions;
        private double initializerRange = 0.02;

        @SuppressWarnings("NullAway.Init") // what is required is set before build()
        private Builder() {}

        /** See {@link DecoderConfig#vocabularySize()}. */
        public Builder setVocabularySize(int vocabularySize) {
            this.vocabularySize = vocabularySize;
            return this;
        }

        /** See {@link DecoderConfig#hiddenSize()}. */
        public Builder setHiddenSize(int hiddenSize) {
            this.hiddenSize = hiddenSize;
            return this;
        }

        /** See {@link DecoderConfig#layers()}. */
        public Builder setLayers(int layers) {
            this.layers = layers;
            return this;
        }

        /** See {@link DecoderConfig#attention()}. */
        public Builder setAttention(Attention attention) {
            this.attention = attention;
            return this;
        }

        /** See {@link DecoderConfig#feedForward()}. */
        public Builder setFeedForward(FeedForward feedForward) {
            this.feedForward = feedForward;
            return this;
        }

        /** See {@link DecoderConfig#norm()}. */
        public Builder setNorm(Norm norm) {
            this.norm = norm;
            return this;
        }

        /** See {@link DecoderConfig#embeddingScale()}; {@code 1} by default. */
        public Builder optEmbeddingScale(double embeddingScale) {
            this.embeddingScale = embeddingScale;
            return this;
        }

        /** See {@link DecoderConfig#head()}. */
        public Builder setHead(Head head) {
            this.head = head;
            return this;
        }

        /** See {@link DecoderConfig#positions()}. */
        public Builder setPositions(PositionEmbedding positions) {
            this.positions = positions;
            return this;
        }

        /** See {@link DecoderConfig#names()}. */
        public Builder setNames(TensorNames names) {
            this.names = names;
            return this;
        }

        /** See {@link DecoderConfig#maxPositions()}. */
        public Builder setMaxPositions(int maxPositions) {
            this.maxPositions = maxPositions;
            return this;
        }

        /** See {@link DecoderConfig#initializerRange()}; {@code 0.02} by default. */
        public Builder optInitializerRange(double initializerRange) {
            this.initializerRange = initializerRange;
            return this;
        }

        /**
         * The configuration.
         *
         * @throws NullPointerException if something required is missing
         * @throws IllegalArgumentException if the parts do not fit together
         */
        public DecoderConfig build() {
            return new DecoderConfig(this);
        }
    }

    /** Activation functions of feed-forward blocks. */
    public enum HiddenActivation {
        /** {@code x * sigmoid(x)}, also called swish. */
        SILU {
            @Override
            SDVariable apply(SDVariable x) {
                return BlockOps.silu(x);
            }

            @Override
            SDVariable gate(SDVariable gate, SDVariable up) {
                return BlockOps.siluGate(gate, up);
            }
        },
        /**
         * {@code x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))}: {@code gelu_new} and
         * {@code gelu_pytorch_tanh}.
         */
        GELU_TANH {
            @Override
            SDVariable apply(SDVariable x) {
                return BlockOps.geluTanh(x);
            }

            @Override
            SDVariable gate(SDVariable gate, SDVariable up) {
                return BlockOps.geluTanhGate(gate, up);
            }
        };

        abstract SDVariable apply(SDVariable x);

        /** {@code apply(gate) * up}. */
        abstract SDVariable gate(SDVariable gate, SDVariable up);
    }
}
