package io.github.dl4jjepa.core.internal.samediff;

import org.bytedeco.javacpp.FloatPointer;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The memory of a FLOAT array as matrices one after another, or their transposes.
 *
 * @param data the first value
 * @param count how many matrices there are
 * @param rows of each, after it is transposed
 * @param columns of each, after it is transposed
 * @param isTransposed whether they lie in memory column by column
 */
record Matrices(FloatPointer data, int count, int rows, int columns, boolean isTransposed) {
    /** The last two axes of an array in C order without gaps. */
    static Matrices of(INDArray array) {
        int rows = Math.toIntExact(array.size(-2));
        int columns = Math.toIntExact(array.size(-1));
        return new Matrices(
                new FloatPointer(array.data().addressPointer()),
                Math.toIntExact(array.length() / rows / columns),
                rows,
                columns,
                false);
    }

    Matrices transposed(boolean condition) {
        return condition ? new Matrices(data, count, columns, rows, !isTransposed) : this;
    }

    /** One of the matrices, as it lies in memory. */
    TileProduct.Tile tile(int index) {
        return TileProduct.Tile.at(
                data, (long) index * rows * columns, isTransposed ? rows : columns);
    }
}
