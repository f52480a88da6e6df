package io.github.dl4jjepa.core.ops;

import io.github.dl4jjepa.core.internal.samediff.CorrectedGradients;
import io.github.dl4jjepa.core.internal.samediff.FusedOperators;
import io.github.dl4jjepa.core.internal.samediff.Operand;
import java.util.Arrays;
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
    public static SDVariable centeredRows(SDVariable x) {
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
        if (FusedOperators.areDrawnFor(logits)) {
            return FusedOperators.crossEntropySum(logits, targets);
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
