package io.github.dl4jjepa.core.diagnostics;

import java.util.Arrays;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * A singular value decomposition, without the right singular vectors.
 *
 * @param left DOUBLE {@code [rows, min(rows, columns)]}, the left singular vectors
 * @param singularValues in descending order
 */
record Svd(INDArray left, double[] singularValues) {
    static Svd of(INDArray matrix) {
        int rows = matrix.rows();
        int columns = matrix.columns();
        int count = Math.min(rows, columns);
        INDArray values = Nd4j.create(matrix.dataType(), count);
        INDArray left = Nd4j.create(matrix.dataType(), new long[] {rows, rows}, 'f');
        INDArray right = Nd4j.create(matrix.dataType(), new long[] {columns, columns}, 'f');
        Nd4j.getBlasWrapper().lapack().gesvd(matrix.dup('f'), values, left, right);
        return new Svd(
                left.get(NDArrayIndex.all(), NDArrayIndex.interval(0, count)),
                values.toDoubleVector());
    }

    /** {@code exp} of the entropy of the singular values as shares of their sum. */
    double effectiveRank() {
        double sum = Arrays.stream(singularValues).sum();
        double entropy =
                Arrays.stream(singularValues)
                        .map(value -> value / sum)
                        .filter(share -> share > 0)
                        .map(share -> -share * Math.log(share))
                        .sum();
        return Math.exp(entropy);
    }

    /** An orthonormal basis of what the columns span, {@code [rows, rank]}. */
    INDArray rangeBasis() {
        double smallest = singularValues[0] * Math.ulp(1.0) * Math.max(left.rows(), left.columns());
        long rank = Arrays.stream(singularValues).filter(value -> value > smallest).count();
        return left.get(NDArrayIndex.all(), NDArrayIndex.interval(0, rank));
    }
}
