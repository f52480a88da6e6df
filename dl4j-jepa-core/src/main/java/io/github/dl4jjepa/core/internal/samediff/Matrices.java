package io.github.dl4jjepa.core.internal.samediff;

/**
 * The memory of a FLOAT array as matrices one after another, or their transposes.
 *
 * @param address where the first value lies
 * @param count how many matrices there are
 * @param rows of each, after it is transposed
 * @param columns of each, after it is transposed
 * @param isTransposed whether they lie in memory column by column
 */
record Matrices(long address, int count, int rows, int columns, boolean isTransposed) {
    /** The last two axes of an array in C order without gaps. */
    static Matrices of(Tensor tensor) {
        int rows = Math.toIntExact(tensor.size(-2));
        int columns = Math.toIntExact(tensor.size(-1));
        return new Matrices(
                tensor.address(),
                Math.toIntExact(tensor.length() / rows / columns),
                rows,
                columns,
                false);
    }

    Matrices transposed(boolean condition) {
        return condition ? new Matrices(address, count, columns, rows, !isTransposed) : this;
    }

    /** One of the matrices, as it lies in memory. */
    TileProduct.Tile tile(int index) {
        return TileProduct.Tile.at(
                address, (long) index * rows * columns, isTransposed ? rows : columns);
    }
}
