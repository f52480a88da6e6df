package io.github.dl4jjepa.core.internal.samediff;

import static org.bytedeco.dnnl.global.dnnl.dnnl_sgemm;

import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.javacpp.Loader;

/**
 * Matrix products by oneDNN. To be touched only through {@link MatrixProducts}: without the
 * optional library this class cannot be loaded.
 *
 * <p>They are calls of its {@code sgemm}, not primitives: a primitive is compiled for its shape, of
 * which ragged batches have thousands, and was no faster.
 */
final class OneDnn {
    private OneDnn() {}

    /**
     * Loads the library.
     *
     * @throws LinkageError if there is none
     */
    static void load() {
        Loader.load(dnnl.class);
    }

    /** As {@link TileProduct} says. */
    static void multiply(
            boolean transposesA,
            boolean transposesB,
            TileProduct.Tile a,
            TileProduct.Tile b,
            TileProduct.Tile result,
            int m,
            int n,
            int k,
            boolean adds) {
        TileProduct.Pointers pointers = TileProduct.Pointers.to(a, b, result);
        int status =
                dnnl_sgemm(
                        (byte) (transposesA ? 'T' : 'N'),
                        (byte) (transposesB ? 'T' : 'N'),
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
        if (status != 0) {
            throw new IllegalStateException("oneDNN reports status " + status);
        }
    }
}
