package io.github.dl4jjepa.models.decoder;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Everything in which decoders differ, as data.
 *
 * @param vocabularySize number of token ids
 * @param hiddenSize width of the hidden states
 * @param layers number of transformer blocks
 * @param heads query heads
 * @param keyValueHeads key and value heads; divides {@code heads} (grouped-query attention)
 * @param headDim width of a head, even
 * @param intermediateSize width of the feed-forward block
 * @param activation of the feed-forward block
 * @param normEpsilon added to the mean square in RMSNorm
 * @param attentionBias whether q, k, v and o have biases
 * @param mlpBias whether the feed-forward projections have biases
 * @param tiedHead whether the head's matrix is the embedding
 * @param positions how the decoder knows where a token stands
 * @param slidingWindow how many positions a token sees, its own included; 0 for all before it
 * @param maxPositions the longest row the model was made for
 * @param initializerRange standard deviation of randomly initialised matrices
 */
public record DecoderConfig(
        int vocabularySize,
        int hiddenSize,
        int layers,
        int heads,
        int keyValueHeads,
        int headDim,
        int intermediateSize,
        Activation activation,
        double normEpsilon,
        boolean attentionBias,
        boolean mlpBias,
        boolean tiedHead,
        PositionEmbedding positions,
        int slidingWindow,
        int maxPositions,
        double initializerRange) {

    /** Name of the embedding's parameter. */
    public static final String EMBEDDING = "model.embed_tokens.weight";

    /** Name of the learned positions' parameter. */
    static final String POSITIONS = "model.embed_positions.weight";

    /** Name of the head's parameter, where it is not tied. */
    public static final String HEAD = "lm_head.weight";

    static final String FINAL_NORM = "model.norm.weight";

    public DecoderConfig {
        if (heads % keyValueHeads != 0) {
            throw new IllegalArgumentException(
                    heads + " query heads cannot share " + keyValueHeads + " key-value heads");
        }
        if (slidingWindow < 0) {
            throw new IllegalArgumentException("a window of " + slidingWindow + " positions");
        }
        if (headDim % 2 != 0) {
            throw new IllegalArgumentException(
                    "rotary embedding needs an even head width, not " + headDim);
        }
    }

    /** How a parameter is made and trained. */
    enum Kind {
        /** A matrix: normally distributed, with weight decay. */
        MATRIX,
        /** A norm's gain: ones, without weight decay. */
        GAIN,
        /** A bias: zeros, without weight decay. */
        BIAS
    }

    /** A parameter's shape and kind. */
    record Parameter(Kind kind, long... shape) {}

    /** The shapes of the parameters by name, in the order of the forward pass. */
    public Map<String, long[]> parameterShapes() {
        Map<String, long[]> shapes = new LinkedHashMap<>();
        parameters().forEach((name, parameter) -> shapes.put(name, parameter.shape()));
        return shapes;
    }

    /** The parameters by name, in the order of the forward pass. */
    Map<String, Parameter> parameters() {
        Map<String, Parameter> parameters = new LinkedHashMap<>();
        parameters.put(EMBEDDING, new Parameter(Kind.MATRIX, vocabularySize, hiddenSize));
        if (positions instanceof PositionEmbedding.Learned) {
            parameters.put(POSITIONS, new Parameter(Kind.MATRIX, maxPositions, hiddenSize));
        }
        for (int layer = 0; layer < layers; layer++) {
            String attention = attention(layer);
            String mlp = mlp(layer);
            parameters.put(inputNorm(layer), new Parameter(Kind.GAIN, hiddenSize));
            putLinear(parameters, attention + "q_proj", heads * headDim, hiddenSize, attentionBias);
            putLinear(
                    parameters,
                    attention + "k_proj",
                    keyValueHeads * headDim,
                    hiddenSize,
                    attentionBias);
            putLinear(
                    parameters,
                    attention + "v_proj",
                    keyValueHeads * headDim,
                    hiddenSize,
                    attentionBias);
            putLinear(parameters, attention + "o_proj", hiddenSize, heads * headDim, attentionBias);
            parameters.put(postAttentionNorm(layer), new Parameter(Kind.GAIN, hiddenSize));
            putLinear(parameters, mlp + "gate_proj", intermediateSize, hiddenSize, mlpBias);
            putLinear(parameters, mlp + "up_proj", intermediateSize, hiddenSize, mlpBias);
            putLinear(parameters, mlp + "down_proj", hiddenSize, intermediateSize, mlpBias);
        }
        parameters.put(FINAL_NORM, new Parameter(Kind.GAIN, hiddenSize));
        if (!tiedHead) {
            parameters.put(HEAD, new Parameter(Kind.MATRIX, vocabularySize, hiddenSize));
        }
        return parameters;
    }

    /** See {@link io.github.dl4jjepa.core.decoder.Decoder#forwardFlops}. */
    double forwardFlops(int[] positions, long labels) {
        long perLayer =
                (2L * heads + 2L * keyValueHeads) * headDim * hiddenSize
                        + 3L * hiddenSize * intermediateSize;
        long seen = 0;
        for (int position : positions) {
            seen += slidingWindow == 0 ? position + 1 : Math.min(position + 1, slidingWindow);
        }
        double attention = 2.0 * heads * headDim * seen; // queries by keys, weights by values
        double head = (double) hiddenSize * vocabularySize * labels;
        return 2 * (layers * ((double) perLayer * positions.length + attention) + head);
    }

    private static void putLinear(
            Map<String, Parameter> parameters, String name, long out, long in, boolean bias) {
        parameters.put(name + ".weight", new Parameter(Kind.MATRIX, out, in));
        if (bias) {
            parameters.put(name + ".bias", new Parameter(Kind.BIAS, out));
        }
    }

    static String attention(int layer) {
        return layer(layer) + "self_attn.";
    }

    static String mlp(int layer) {
        return layer(layer) + "mlp.";
    }

    static String inputNorm(int layer) {
        return layer(layer) + "input_layernorm.weight";
    }

    static String postAttentionNorm(int layer) {
        return layer(layer) + "post_attention_layernorm.weight";
    }

    private static String layer(int layer) {
        return "model.layers." + layer + ".";
    }

    /** The same model with more (or fewer) token ids. */
    public DecoderConfig withVocabularySize(int size) {
        return with(size, tiedHead);
    }

    /** The same model without a head of its own. */
    public DecoderConfig withoutHead() {
        return with(vocabularySize, true);
    }

    private DecoderConfig with(int size, boolean tied) {
        return new DecoderConfig(
                size,
                hiddenSize,
                layers,
                heads,
                keyValueHeads,
                headDim,
                intermediateSize,
                activation,
                normEpsilon,
                attentionBias,
                mlpBias,
                tied,
                positions,
                slidingWindow,
                maxPositions,
                initializerRange);
    }
}
