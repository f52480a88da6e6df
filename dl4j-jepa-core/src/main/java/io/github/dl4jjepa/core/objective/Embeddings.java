package io.github.dl4jjepa.core.objective;

import io.github.dl4jjepa.core.ops.Ops;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;

/** Arithmetic on matrices of embeddings, {@code [n, hidden]}, that holds for n = 1 too. */
final class Embeddings {
    /** Added to a squared norm before its root is taken, so that a zero vector has a gradient. */
    static final double EPSILON = 1e-12;

    private Embeddings() {}

    /** {@code a - b}. */
    static SDVariable difference(SDVariable a, SDVariable b) {
        return Ops.add(a, b.neg());
    }

    /** {@code |x|^2} of each row, {@code [n]}. */
    static SDVariable squaredNorms(SDVariable x) {
        return Ops.multiply(x, x).sum(1);
    }

    /** Rows of length 1; a zero row stays zero. */
    static SDVariable normalized(SDVariable x) {
        SDVariable scale = x.getSameDiff().math().rsqrt(squaredNorms(x).add(EPSILON));
        return Ops.scaleRows(x, scale.reshape(-1, 1));
    }

    /** Rows less their mean. */
    static SDVariable centered(SDVariable x) {
        return Ops.add(x, ones(x).mmul(columnMeans(x)).neg());
    }

    /** Mean of the rows, {@code [1, hidden]}. */
    static SDVariable columnMeans(SDVariable x) {
        // A product and not a mean: SameDiff cannot reduce an axis of length 1.
        SDVariable sums = x.getSameDiff().mmul(ones(x), x, true, false, false);
        return Ops.multiplyConstant(sums, rows(x).rdiv(1.0));
    }

    /** A column of ones, {@code [n, 1]}. */
    static SDVariable ones(SDVariable x) {
        SameDiff graph = x.getSameDiff();
        SDVariable shape = graph.stack(0, graph.sizeAt(x, 0), graph.constant(1L));
        return graph.fill(shape, x.dataType(), 1);
    }

    /** n, a scalar of the embeddings' type. */
    static SDVariable rows(SDVariable x) {
        return x.getSameDiff().sizeAt(x, 0).castTo(x.dataType());
    }
}
