package io.github.dl4jjepa.core.internal.samediff;

import org.bytedeco.javacpp.Pointer;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The memory of an array as matrices one after another, or their transposes.
 *
 * @param data the first value
 * @param count how many matrices there are
 * @param stride values from one to the next
 * @param rowStride values from a row to the next
 * @param columnStride values from a column to the next
 */
record Matrices(
        Pointer data,
        long count,
        long rows,
        long columns,
        long stride,
        long rowStride,
        long columnStride) {
    /** The last two axes of an array in C order without gaps. */
    static Matrices of(INDArray array) {
        long rows = array.size(-2);
        long columns = array.size(-1);
        return new Matrices(
                array.data().addressPointer(),
                array.length() / (rows * columns),
                rows,
                columns,
                rows * columns,
                columns,
                1);
    }

    Matrices transposed(boolean condition) {
        return condition
                ? new Matrices(data, count, columns, rows, stride, columnStride, rowStride)
                : this;
    }
}
