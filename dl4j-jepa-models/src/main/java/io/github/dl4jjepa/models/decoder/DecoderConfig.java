package io.github.dl4jjepa.models.decoder;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a transformer decoder is made of.
 *
 * @param vocabularySize how many token ids there are
 * @param hiddenSize width of a hidden state
 * @param layers how many layers there are
 * @param attention what attention is made of, the same in each layer but for its window
 * @param feedForward what the feed-forward block is made of
 * @param norm how and where hidden states are normalised
 * @param embeddingScale what a token's embedding is multiplied with
 * @param head what makes logits of hidden states
 * @param positions how the decoder knows where a token stands
 * @param names what the tensors are called
 * @param maxPositions the longest row the model was made for
 * @param initializerRange standard deviation of randomly initialised matrices
 */
public record DecoderConfig(
        int vocabularySize,
        int hiddenSize,
        int layers,
        Attention attention,
        FeedForward feedForward,
        Norm norm,
        double embeddingScale,
        Head head,
        PositionEmbedding positions,
        TensorNames names,
        int maxPositions,
        double initializerRange) {

    public DecoderConfig {
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

    /** Which queries and keys are normalised. */
    public enum QueryKeyNorm {
        /** None. */
        NONE,
        /** Each head by itself (Qwen 3, Gemma 3). */
        HEADS,
        /** All heads together (OLMo 2). */
        WHOLE
    }

    /**
     * What attention is made of.
     *
     * @param heads query heads: one number, or one for each layer
     * @param keyValueHeads key and value heads, which the query heads share evenly; likewise
     * @param headDim width of a head
     * @param projection how the matrices of queries, keys and values are stored
     * @param bias whether those have biases
     * @param outputBias whether the output projection has one
     * @param scale what scores are multiplied with
     * @param scoreCap scores are {@code cap * tanh(score / cap)} then; 0 for no cap
     * @param clip queries, keys and values are clipped to this size; 0 for no clipping
     * @param queryKeyNorm which queries and keys are normalised
     * @param windows by layer, how many positions a token sees, its own included; 0 for all before
     *     it
     * @param windowPositions the rotary embedding of layers with a window, where it is another
     */
    public record Attention(
            List<Integer> heads,
            List<Integer> keyValueHeads,
            int headDim,
            Projection projection,
            boolean bias,
            boolean outputBias,
            double scale,
            double scoreCap,
            double clip,
            QueryKeyNorm queryKeyNorm,
            List<Integer> windows,
            Optional<RotaryEmbedding> windowPositions) {
        public Attention {
            heads = List.copyOf(heads);
            keyValueHeads = List.copyOf(keyValueHeads);
            for (int layer = 0; layer < windows.size(); layer++) {
                if (at(heads, layer) % at(keyValueHeads, layer) != 0) {
                    throw new IllegalArgumentException(
                            at(heads, layer)
                                    + " query heads cannot share "
                                    + at(keyValueHeads, layer)
                                    + " key-value heads");
                }
            }
            windows = List.copyOf(windows);
        }

        /**
         * Llama's attention.
         *
         * @param layers how many layers there are
         * @param window how many positions a token sees; 0 for all before it
         */
        public static Attention llama(
                int heads, int keyValueHeads, int headDim, boolean bias, int layers, int window) {
            return new Attention(
                    List.of(heads),
                    List.of(keyValueHeads),
                    headDim,
                    Projection.SEPARATE,
                    bias,
                    bias,
                    1 / Math.sqrt(headDim),
                    0,
                    0,
                    QueryKeyNorm.NONE,
                    Collections.nCopies(layers, window),
                    Optional.empty());
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
            Activation activation,
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
     * How and where hidden states are normalised.
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
     * @param cap logits are {@code cap * tanh(logit / cap)} then; 0 for no cap
     */
    public record Head(boolean tied, boolean bias, double cap) {
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
        return allParameters().maps;
    }

    /** The parameters by name, in the order of the forward pass. */
    Map<String, Parameter> parameters() {
        return allParameters().parameters;
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
        return new DecoderConfig(
                size,
                hiddenSize,
                layers,
                attention,
                feedForward,
                norm,
                embeddingScale,
                other,
                positions,
                names,
                maxPositions,
                initializerRange);
    }
}
