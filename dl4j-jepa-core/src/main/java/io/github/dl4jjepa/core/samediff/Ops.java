package io.github.dl4jjepa.core.samediff;

import java.util.Arrays;
import java.util.function.UnaryOperator;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Operators whose gradient is right and cheap.
 *
 * <p>Stock SameDiff forgets repeated indices in the gradient of {@code gather}, and differentiates
 * every product and sum as if both operands were broadcast and both were trained. The operators
 * here are SameDiff's own, with their gradient replaced; graphs that use them can be saved and run
 * like any other.
 */
public final class Ops {
    static {
        CorrectedGradients.install();
    }

    private Ops() {}

    /**
     * Selects rows.
     *
     * @param table {@code [rows, …]}
     * @param indices integers, {@code [n]}; an index may occur several times
     * @return {@code [n, …]}
     */
    public static SDVariable gather(SDVariable table, SDVariable indices) {
        return table.getSameDiff().gather(table, indices, 0);
    }

    /** Indices whose negative entries, which stand for none, are 0 and can be gathered. */
    public static SDVariable negativeAsZero(SDVariable indices) {
        return indices.getSameDiff().math().max(indices, indices.mul(0));
    }

    /** Product of two variables of one shape. */
    public static SDVariable multiply(SDVariable a, SDVariable b) {
        return CorrectedGradients.multiply(a, b, Operand.SAME_SHAPE);
    }

    /**
     * Scales the columns of a matrix: {@code x[i, j] * gain[j]}.
     *
     * @param x {@code [n, width]}
     * @param gain {@code [width]}; a constant has no gradient
     */
    public static SDVariable scaleColumns(SDVariable x, SDVariable gain) {
        return CorrectedGradients.multiply(
                x, gain, gain.isConstant() ? Operand.CONSTANT : Operand.PER_COLUMN);
    }

    /**
     * Scales the rows of a matrix: {@code x[i, j] * factor[i]}.
     *
     * @param x {@code [n, width]}
     * @param factor {@code [n, 1]}
     */
    public static SDVariable scaleRows(SDVariable x, SDVariable factor) {
        return CorrectedGradients.multiply(x, factor, Operand.PER_ROW);
    }

    /**
     * Rows less their mean.
     *
     * @param x {@code [n, width]}
     */
    public static SDVariable centredRows(SDVariable x) {
        // Through an integer, so that the ones take no gradient.
        SDVariable ones = x.getSameDiff().onesLike(x.castTo(DataType.INT32)).castTo(x.dataType());
        return add(x, scaleRows(ones, x.mean(true, 1).neg()));
    }

    /** Product with a variable that is not trained, of a shape that broadcasts to {@code x}'s. */
    public static SDVariable multiplyConstant(SDVariable x, SDVariable constant) {
        return CorrectedGradients.multiply(x, constant, Operand.CONSTANT);
    }

    /** Sum of two variables of one shape. */
    public static SDVariable add(SDVariable a, SDVariable b) {
        return CorrectedGradients.add(a, b, Operand.SAME_SHAPE);
    }

    /**
     * Adds a bias to every row.
     *
     * @param x {@code [n, width]}
     * @param bias {@code [width]}; a constant has no gradient
     */
    public static SDVariable addBias(SDVariable x, SDVariable bias) {
        return CorrectedGradients.add(
                x, bias, bias.isConstant() ? Operand.CONSTANT : Operand.PER_COLUMN);
    }

    /** Sum with a variable that is not trained, of a shape that broadcasts to {@code x}'s. */
    public static SDVariable addConstant(SDVariable x, SDVariable constant) {
        return CorrectedGradients.add(x, constant, Operand.CONSTANT);
    }

    /** The same value, taken for a constant when the graph is differentiated. */
    public static SDVariable stopGradient(SDVariable x) {
        return CorrectedGradients.stopGradient(x);
    }

    /** {@code 1 / (1 + exp(-x))}. */
    public static SDVariable sigmoid(SDVariable x) {
        return CorrectedGradients.sigmoid(x);
    }

    /** {@code x * sigmoid(x)}, also called swish. */
    public static SDVariable silu(SDVariable x) {
        // Not nn().swish: its native gradient is NaN from x = 45 on.
        return isFused(x)
                ? GatedActivation.draw(GatedActivation.Kind.SILU, x)
                : multiply(x, sigmoid(x));
    }

    /** {@code silu(gate) * up}, of one shape. */
    public static SDVariable siluGate(SDVariable gate, SDVariable up) {
        return isFused(gate)
                ? GatedActivation.draw(GatedActivation.Kind.SILU, gate, up)
                : multiply(silu(gate), up);
    }

    /**
     * {@code x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))}. Neither of SameDiff's GELUs is
     * this one.
     */
    public static SDVariable geluTanh(SDVariable x) {
        if (isFused(x)) {
            return GatedActivation.draw(GatedActivation.Kind.GELU_TANH, x);
        }
        // x / 2 * (1 + tanh(u)) is x * sigmoid(2u).
        SDVariable cube = multiply(multiply(x, x), x);
        SDVariable twice = add(x, cube.mul(0.044715)).mul(2 * Math.sqrt(2 / Math.PI));
        return multiply(x, sigmoid(twice));
    }

    /** {@code geluTanh(gate) * up}, of one shape. */
    public static SDVariable geluTanhGate(SDVariable gate, SDVariable up) {
        return isFused(gate)
                ? GatedActivation.draw(GatedActivation.Kind.GELU_TANH, gate, up)
                : multiply(geluTanh(gate), up);
    }

    /**
     * RMSNorm (arXiv 1910.07467): rows divided by the root of their mean square.
     *
     * @param x {@code [n, width]}
     * @param weight {@code [width]}; a constant has no gradient
     * @param offset what the rows are multiplied with is {@code weight + offset}
     * @param epsilon added to the mean square
     */
    public static SDVariable rmsNorm(
            SDVariable x, SDVariable weight, double offset, double epsilon) {
        if (isFused(x)) {
            return RowNorm.draw(x, weight, null, new RowNorm.Form(false, epsilon, offset));
        }
        SDVariable normed = normedRows(x, epsilon);
        if (offset == 0) {
            return scaleColumns(normed, weight);
        }
        SDVariable gain = weight.add(offset);
        return weight.isConstant() ? multiplyConstant(normed, gain) : scaleColumns(normed, gain);
    }

    /**
     * LayerNorm (arXiv 1607.06450): rows less their mean, divided by their standard deviation.
     *
     * @param x {@code [n, width]}
     * @param weight {@code [width]}, or null to neither scale nor shift; a constant has no gradient
     * @param bias {@code [width]}, with a weight; a constant has no gradient
     * @param epsilon added to the variance
     */
    public static SDVariable layerNorm(
            SDVariable x, SDVariable weight, SDVariable bias, double epsilon) {
        if (isFused(x) && (weight == null || weight.isConstant() == bias.isConstant())) {
            return RowNorm.draw(x, weight, bias, new RowNorm.Form(true, epsilon, 0));
        }
        SDVariable normed = normedRows(centredRows(x), epsilon);
        return weight == null ? normed : addBias(scaleColumns(normed, weight), bias);
    }

    private static SDVariable normedRows(SDVariable x, double epsilon) {
        SDVariable meanSquare = multiply(x, x).mean(true, 1);
        return scaleRows(x, x.getSameDiff().math().rsqrt(meanSquare.add(epsilon)));
    }

    /**
     * Softmax of attention scores over the keys.
     *
     * @param scores {@code [rows, heads, queries, keys]}
     * @param mask {@code [rows, 1, queries, keys]}: what is added to the scores; without a gradient
     */
    public static SDVariable maskedSoftmax(SDVariable scores, SDVariable mask) {
        return isFused(scores)
                ? MaskedSoftmax.draw(scores, mask)
                : scores.getSameDiff().nn().softmax(addConstant(scores, mask), -1);
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
    public static UnaryOperator<SDVariable> rotary(
            SDVariable cosines, SDVariable sines, SDVariable rotation, int pairs, int heads) {
        if (isFused(cosines)) {
            return x -> Rotary.draw(x, cosines, sines, pairs);
        }
        long headDim = rotation.getArr().size(0);
        SDVariable allCosines = repeat(cosines, heads, 1);
        SDVariable allSines = repeat(sines, heads, 1);
        return x -> {
            SDVariable rotated = x.reshape(-1, headDim).mmul(rotation).reshape(-1, heads * headDim);
            return add(multiplyConstant(x, allCosines), multiplyConstant(rotated, allSines));
        };
    }

    /** Whether operators that only a {@link GraphExecutor} runs may be drawn for a variable. */
    static boolean isFused(SDVariable x) {
        return x.dataType() == DataType.FLOAT && Graphs.isForExecutor(x.getSameDiff());
    }

    /**
     * A variable side by side with itself; for constants, since nothing makes its gradient cheap.
     *
     * @param times how often
     * @param axis the axis that grows
     */
    public static SDVariable repeat(SDVariable x, int times, int axis) {
        if (times == 1) {
            return x;
        }
        SDVariable[] copies = new SDVariable[times];
        Arrays.fill(copies, x);
        return x.getSameDiff().concat(axis, copies);
    }

    /**
     * Product with a matrix stored as Hugging Face stores it.
     *
     * @param x {@code [n, in]}
     * @param weight {@code [out, in]}; a constant has no gradient
     * @return {@code [n, out]}
     */
    public static SDVariable linear(SDVariable x, SDVariable weight) {
        return weight.isConstant()
                ? CorrectedGradients.constantProduct(x, weight, true)
                : x.getSameDiff().mmul(x, weight, false, true, false);
    }

    /**
     * Product with a matrix stored the other way round, as GPT-2's are.
     *
     * @param x {@code [n, in]}
     * @param weight {@code [in, out]}; a constant has no gradient
     * @return {@code [n, out]}
     */
    public static SDVariable linearTransposed(SDVariable x, SDVariable weight) {
        return weight.isConstant()
                ? CorrectedGradients.constantProduct(x, weight, false)
                : x.mmul(weight);
    }

    /**
     * Cross entropy in nats, summed over the rows that have a target.
     *
     * @param logits {@code [n, classes]}
     * @param targets INT32 {@code [n]}, negative where a row is to be left out
     * @param classes how many classes there are
     * @return a scalar
     */
    public static SDVariable crossEntropySum(SDVariable logits, SDVariable targets, int classes) {
        if (isFused(logits)) {
            return CrossEntropy.draw(logits, targets);
        }
        SDVariable losses = crossEntropy(logits, negativeAsZero(targets), classes);
        return multiplyConstant(losses, targets.gte(0).castTo(logits.dataType())).sum();
    }

    /**
     * Cross entropy of each row in nats, {@code log(sum_j exp(logits[i, j])) - logits[i,
     * target[i]]}.
     *
     * @param logits {@code [n, classes]}
     * @param targets INT32 {@code [n]}
     * @param classes how many classes there are
     * @return {@code [n]}
     */
    public static SDVariable crossEntropy(SDVariable logits, SDVariable targets, int classes) {
        SameDiff graph = logits.getSameDiff();
        // Any shift near the maximum will do; through an integer it takes no gradient.
        SDVariable shift =
                graph.max(logits, true, 1).castTo(DataType.INT32).castTo(logits.dataType());
        SDVariable shifted = addConstant(logits, shift.neg());
        // A product with ones, for the native sum adds one by one: over 50,000 words that costs
        // the loss its fifth digit.
        SDVariable ones = graph.constant(Nd4j.ones(logits.dataType(), classes, 1));
        SDVariable sums = graph.math().exp(shifted).mmul(ones).reshape(-1);
        SDVariable logSum = graph.math().log(sums);

        SDVariable rows = graph.sizeAt(targets, 0);
        SDVariable firstOfRow =
                graph.range(graph.constant(0L), rows, graph.constant(1L), DataType.INT64)
                        .mul(graph.constant((long) classes));
        SDVariable indices = firstOfRow.add(targets.castTo(DataType.INT64));
        return add(logSum, gather(shifted.reshape(-1), indices).neg());
    }
}
