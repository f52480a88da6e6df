package io.github.dl4jjepa.models.decoder;

import io.github.dl4jjepa.core.ops.Ops;
import io.github.dl4jjepa.models.decoder.DecoderConfig.Projection;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * A linear map. With {@link EmbeddingTable} the only place where a matrix of parameters meets
 * activations.
 *
 * @param name the map's name; its parameters are {@code name.weight} and {@code name.bias}
 * @param hasBias whether it has a bias
 * @param transposed whether the matrix is stored as {@code [in, out]}, not as {@code [out, in]}
 */
record Linear(String name, boolean hasBias, boolean transposed) {
    /** A map whose matrix is stored as {@code [out, in]}. */
    static Linear of(String name, boolean hasBias) {
        return new Linear(name, hasBias, false);
    }

    /** A map whose matrix is stored as a projection of the family is. */
    static Linear of(String name, boolean hasBias, Projection stored) {
        return new Linear(name, hasBias, stored == Projection.FUSED_TRANSPOSED);
    }

    /**
     * Draws the map.
     *
     * @param x {@code [n, in]}
     * @return {@code [n, out]}
     */
    SDVariable draw(Drawing drawing, SDVariable x) {
        SDVariable weight = drawing.parameter().apply(name + ".weight");
        SDVariable frozen = transposed ? Ops.linearTransposed(x, weight) : Ops.linear(x, weight);
        SDVariable product = drawing.adapter().linear(name, x, frozen);
        return hasBias ? Ops.addBias(product, drawing.parameter().apply(name + ".bias")) : product;
    }
}
