package io.github.dl4jjepa.core.internal.samediff;

import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;

/** Draws the operators that {@link GraphExecutor} computes in Java; SameDiff cannot run them. */
public final class FusedOperators {
    static {
        CorrectedGradients.install();
    }

    private FusedOperators() {}

    /**
     * Whether these operators may be applied to a variable: it is FLOAT, and of a graph made by
     * {@link Graphs#createForExecutor}.
     */
    public static boolean areDrawnFor(SDVariable x) {
        return x.dataType() == DataType.FLOAT && Graphs.isForExecutor(x.getSameDiff());
    }

    /** SiLU of the first variable, times the second if there is one. */
    public static SDVariable silu(SDVariable... gateAndUp) {
        return GatedActivation.draw(GatedActivation.Kind.SILU, gateAndUp);
    }

    /** GELU, approximated by tanh, of the first variable, times the second if there is one. */
    public static SDVariable geluTanh(SDVariable... gateAndUp) {
        return GatedActivation.draw(GatedActivation.Kind.GELU_TANH, gateAndUp);
    }

    /**
     * RMSNorm over rows.
     *
     * @param x {@code [n, width]}
     * @param weight {@code [width]}; without a gradient if it is a constant
     * @param offset added to the weight
     * @param epsilon added to the mean square
     */
    public static SDVariable rmsNorm(
            SDVariable x, SDVariable weight, double offset, double epsilon) {
        return RowNorm.draw(x, weight, null, new RowNorm.Form(false, epsilon, offset));
    }

    /**
     * LayerNorm over rows.
     *
     * @param x {@code [n, width]}
     * @param weight {@code [width]}, or null
     * @param bias {@code [width]} with a weight, else null; both are trained, or both are constants
     * @param epsilon added to the variance
     */
    public static SDVariable layerNorm(
            SDVariable x, SDVariable weight, SDVariable bias, double epsilon) {
        return RowNorm.draw(x, weight, bias, new RowNorm.Form(true, epsilon, 0));
    }

    /**
     * Cross entropy in nats, summed over the rows that have a target.
     *
     * @param logits {@code [n, classes]}
     * @param targets INT32 {@code [n]}, negative where a row is to be left out
     */
    public static SDVariable crossEntropySum(SDVariable logits, SDVariable targets) {
        return CrossEntropy.draw(logits, targets);
    }

    /**
     * Softmax over the keys.
     *
     * @param scores {@code [rows, heads, queries, keys]}
     * @param mask {@code [rows, 1, queries, keys]}, added to the scores; without a gradient
     */
    public static SDVariable maskedSoftmax(SDVariable scores, SDVariable mask) {
        return MaskedSoftmax.draw(scores, mask);
    }

    /**
     * Attention: for each query, the mean of the values of the keys that it sees, weighted by the
     * softmax of their products with it.
     *
     * @param queries {@code [rows * time, heads * headDim]}, scaled
     * @param keys {@code [rows * time, keyValueHeads * headDim]}
     * @param values {@code [rows * time, keyValueHeads * headDim]}
     * @param positions INT32 {@code [rows, time]}; a token sees keys up to its own position
     * @param segments INT32 {@code [rows, time]}; a token sees keys of its own segment,
     * @param prefixes INT32 {@code [rows, time]}; and of the segment that this names
     * @param headDim width of a head
     * @param window how many positions a token sees, its own included; 0 for all
     * @return {@code [rows * time, heads * headDim]}
     */
    public static SDVariable attention(
            SDVariable queries,
            SDVariable keys,
            SDVariable values,
            SDVariable positions,
            SDVariable segments,
            SDVariable prefixes,
            int headDim,
            int window) {
        return Attention.draw(
                queries, keys, values, List.of(positions, segments, prefixes), headDim, window);
    }

    /**
     * Attention of one new token a row to itself and to past tokens; without a gradient.
     *
     * @param queries {@code [rows, heads * headDim]}, scaled
     * @param keys {@code [rows, keyValueHeads * headDim]}
     * @param values {@code [rows, keyValueHeads * headDim]}
     * @param pastKeys {@code [rows, keyValueHeads, past, headDim]}; a view's values are read where
     *     they are
     * @param pastValues likewise
     * @param mask {@code [rows, 1, 1, past]}, added to the scores
     * @param softcap bounds the scores: {@code softcap * tanh(score / softcap)}; 0 for no bound
     * @return {@code [rows, heads * headDim]}
     */
    public static SDVariable cachedAttention(
            SDVariable queries,
            SDVariable keys,
            SDVariable values,
            SDVariable pastKeys,
            SDVariable pastValues,
            SDVariable mask,
            double softcap) {
        return CachedAttention.draw(queries, keys, values, pastKeys, pastValues, mask, softcap);
    }

    /**
     * The rotation of heads: {@code x cos + rotated(x) sin}.
     *
     * @param x {@code [n, heads * headDim]}
     * @param cosines {@code [n, headDim]}, without a gradient
     * @param sines {@code [n, headDim]}, without a gradient, the same for both halves of a head
     * @param pairs half the width of a head's turned part
     */
    public static SDVariable rotary(SDVariable x, SDVariable cosines, SDVariable sines, int pairs) {
        return Rotary.draw(x, cosines, sines, pairs);
    }
}
