package io.github.dl4jjepa.models.decoder;

import io.github.dl4jjepa.core.internal.samediff.FusedOperators;
import io.github.dl4jjepa.core.ops.Ops;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * What decoder blocks are made of besides matrix products: drawn as one fused operator each where
 * the graph may have them, and otherwise composed of SameDiff's own.
 */
final class BlockOps {
    private BlockOps() {}

    /** {@code x * Ops.sigmoid(x)}, also called swish. */
    static SDVariable silu(SDVariable x) {
        // Not nn().swish: its native gradient is NaN from x = 45 on.
        return FusedOperators.areDrawnFor(x)
                ? FusedOperators.silu(x)
                : Ops.multiply(x, Ops.sigmoid(x));
    }

    /** {@code silu(gate) * up}, of one shape. */
    static SDVariable siluGate(SDVariable gate, SDVariable up) {
        return FusedOperators.areDrawnFor(gate)
                ? FusedOperators.silu(gate, up)
                : Ops.multiply(silu(gate), up);
    }

    /**
     * {@code x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))}. Neither of SameDiff's GELUs is
     * this one.
     */
    static SDVariable geluTanh(SDVariable x) {
        if (FusedOperators.areDrawnFor(x)) {
            return FusedOperators.geluTanh(x);
        }
        // x / 2 * (1 + tanh(u)) is x * Ops.sigmoid(2u).
        SDVariable cube = Ops.multiply(Ops.multiply(x, x), x);
        SDVariable twice = Ops.add(x, cube.mul(0.044715)).mul(2 * Math.sqrt(2 / Math.PI));
        return Ops.multiply(x, Ops.sigmoid(twice));
    }

    /** {@code geluTanh(gate) * up}, of one shape. */
    static SDVariable geluTanhGate(SDVariable gate, SDVariable up) {
        return FusedOperators.areDrawnFor(gate)
                ? FusedOperators.geluTanh(gate, up)
                : Ops.multiply(geluTanh(gate), up);
    }

    /**
     * RMSNorm (arXiv 1910.07467): rows divided by the root of their mean square.
     *
     * @param x {@code [n, width]}
     * @param weight {@code [width]}; a constant has no gradient
     * @param offset what the rows are multiplied with is {@code weight + offset}
     * @param epsilon added to the mean square
     */
    static SDVariable rmsNorm(SDVariable x, SDVariable weight, double offset, double epsilon) {
        if (FusedOperators.areDrawnFor(x)) {
            return FusedOperators.rmsNorm(x, weight, offset, epsilon);
        }
        SDVariable normed = normedRows(x, epsilon);
        if (offset == 0) {
            return Ops.scaleColumns(normed, weight);
        }
        SDVariable gain = weight.add(offset);
        return weight.isConstant()
                ? Ops.multiplyConstant(normed, gain)
                : Ops.scaleColumns(normed, gain);
    }

    /**
     * LayerNorm (arXiv 1607.06450): rows less their mean, divided by their standard deviation.
     *
     * @param x {@code [n, width]}
     * @param weight {@code [width]}, or null to neither scale nor shift; a constant has no gradient
     * @param bias {@code [width]}, with a weight; a constant has no gradient
     * @param epsilon added to the variance
     */
    static SDVariable layerNorm(
            SDVariable x, @Nullable SDVariable weight, @Nullable SDVariable bias, double epsilon) {
        if (FusedOperators.areDrawnFor(x)
                && (weight == null || bias == null || weight.isConstant() == bias.isConstant())) {
            return FusedOperators.layerNorm(x, weight, bias, epsilon);
        }
        SDVariable normed = normedRows(Ops.centeredRows(x), epsilon);
        return weight == null || bias == null
                ? normed
                : Ops.addBias(Ops.scaleColumns(normed, weight), bias);
    }

    private static SDVariable normedRows(SDVariable x, double epsilon) {
        SDVariable meanSquare = Ops.multiply(x, x).mean(true, 1);
        return Ops.scaleRows(x, x.getSameDiff().math().rsqrt(meanSquare.add(epsilon)));
    }

    /**
     * Softmax of attention scores over the keys.
     *
     * @param scores {@code [rows, heads, queries, keys]}
     * @param mask {@code [rows, 1, queries, keys]}: what is added to the scores; without a gradient
     */
    static SDVariable maskedSoftmax(SDVariable scores, SDVariable mask) {
        return FusedOperators.areDrawnFor(scores)
                ? FusedOperators.maskedSoftmax(scores, mask)
                : scores.getSameDiff().nn().softmax(Ops.addConstant(scores, mask), -1);
    }

    /**
     * The rotation of heads by angles: {@code x cos + rotated(x) sin}, with {@code rotated(x) =
     * (-x2, x1)} for the halves x1, x2 of a head's turned part.
     *
     * @param cosines {@code [n, headDim]}, without a gradient
     * @param sines {@code [n, headDim]}, without a gradient, the same for both halves
     * @param rotation {@code [headDim, headDim]}: the constant R with {@code rotated(x) = x R}
     * @param pairs half the width of the turned part
     * @param heads how many heads there are
     * @return draws the rotation of {@code [n, heads * headDim]}
     */
    static UnaryOperator<SDVariable> rotary(
            SDVariable cosines, SDVariable sines, SDVariable rotation, int pairs, int heads) {
        if (FusedOperators.areDrawnFor(cosines)) {
            return x -> FusedOperators.rotary(x, cosines, sines, pairs);
        }
        long headDim = rotation.getArr().size(0);
        SDVariable allCosines = Ops.repeat(cosines, heads, 1);
        SDVariable allSines = Ops.repeat(sines, heads, 1);
        return x -> {
            SDVariable rotated = x.reshape(-1, headDim).mmul(rotation).reshape(-1, heads * headDim);
            return Ops.add(
                    Ops.multiplyConstant(x, allCosines), Ops.multiplyConstant(rotated, allSines));
        };
    }
}
