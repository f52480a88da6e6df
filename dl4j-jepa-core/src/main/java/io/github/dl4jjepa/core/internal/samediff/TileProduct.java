package io.github.dl4jjepa.core.internal.samediff;

import static org.bytedeco.openblas.global.openblas_nolapack.CblasNoTrans;
import static org.bytedeco.openblas.global.openblas_nolapack.CblasRowMajor;
import static org.bytedeco.openblas.global.openblas_nolapack.CblasTrans;

import org.bytedeco.openblas.global.openblas_nolapack;

/**
 * Products of small matrices that lie within larger ones, for kernels that have several threads
 * themselves: by oneDNN where there is the library, else by ND4J's OpenBLAS.
 */
final class TileProduct {
    /**
     * A product of so many multiplications is computed by the calling thread alone: oneDNN shares
     * out larger ones from some 200,000 on, OpenBLAS from 262,144.
     */
    static final int MULTIPLICATIONS = 1 << 17;

    private TileProduct() {}

    /**
     * A matrix in row order.
     *
     * @param address where its values begin
     * @param rowStride values from one row to the next
     */
    record Tile(long address, int rowStride) {
        /** The matrix that begins at a value of some memory. */
        static Tile at(long memory, long position, int rowStride) {
            return new Tile(memory + position * Float.BYTES, rowStride);
        }
    }

    /** Pointers to the factors and the result of the products of a thread. */
    static final class Pointers {
        private static final ThreadLocal<Pointers> OF_THREAD =
                ThreadLocal.withInitial(Pointers::new);

        final Address a = new Address(0);
        final Address b = new Address(0);
        final Address result = new Address(0);

        static Pointers to(Tile a, Tile b, Tile result) {
            Pointers pointers = OF_THREAD.get();
            pointers.a.moveTo(a.address());
            pointers.b.moveTo(b.address());
            pointers.result.moveTo(result.address());
            return pointers;
        }
    }

    /**
     * {@code result = a b^T}.
     *
     * @param a {@code [m, k]}
     * @param b {@code [n, k]}
     * @param result {@code [m, n]}
     */
    static void timesTransposed(Tile a, Tile b, Tile result, int m, int n, int k) {
        multiply(false, true, a, b, result, m, n, k, false);
    }

    /**
     * {@code result = a b}, or {@code result += a b}.
     *
     * @param a {@code [m, k]}
     * @param b {@code [k, n]}
     * @param result {@code [m, n]}
     */
    static void times(Tile a, Tile b, Tile result, int m, int n, int k, boolean adds) {
        multiply(false, false, a, b, result, m, n, k, adds);
    }

    /**
     * {@code result = a^T b}, or {@code result += a^T b}.
     *
     * @param a {@code [k, m]}
     * @param b {@code [k, n]}
     * @param result {@code [m, n]}
     */
    static void transposedTimes(Tile a, Tile b, Tile result, int m, int n, int k, boolean adds) {
        multiply(true, false, a, b, result, m, n, k, adds);
    }

    /**
     * {@code result = a b} or {@code result += a b}, either factor transposed where that is said.
     */
    static void multiply(
            boolean transposesA,
            boolean transposesB,
            Tile a,
            Tile b,
            Tile result,
            int m,
            int n,
            int k,
            boolean adds) {
        if (MatrixProducts.HAS_ONE_DNN) {
            OneDnn.multiply(transposesA, transposesB, a, b, result, m, n, k, adds);
        } else {
            multiplyByOpenBlas(transposesA, transposesB, a, b, result, m, n, k, adds);
        }
    }

    static void multiplyByOpenBlas(
            boolean transposesA,
            boolean transposesB,
            Tile a,
            Tile b,
            Tile result,
            int m,
            int n,
            int k,
            boolean adds) {
        Pointers pointers = Pointers.to(a, b, result);
        openblas_nolapack.cblas_sgemm(
                CblasRowMajor,
                transposesA ? CblasTrans : CblasNoTrans,
                transposesB ? CblasTrans : CblasNoTrans,
                m,
                n,
                k,
                1,
                pointers.a,
                a.rowStride(),
                pointers.b,
                b.rowStride(),
                adds ? 1 : 0,
                pointers.result,
                result.rowStride());
    }
}
