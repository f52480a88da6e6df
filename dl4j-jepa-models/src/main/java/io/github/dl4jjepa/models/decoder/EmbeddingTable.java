package io.github.dl4jjepa.models.decoder;

import io.github.dl4jjepa.core.ops.Ops;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * A table of embeddings: of tokens or of positions.
 *
 * @param name the name of its parameter, {@code [rows, hidden]}
 */
record EmbeddingTable(String name) {
    /**
     * Draws the look-up of rows.
     *
     * @param ids INT32, of any shape
     * @return {@code [n, hidden]}
     */
    SDVariable lookUp(Drawing drawing, SDVariable ids) {
        SDVariable list = ids.reshape(-1);
        SDVariable rows = Ops.gather(drawing.parameter().apply(name), list);
        return drawing.adapter().lookUp(name, list, rows);
    }

    /**
     * Draws the product with every row, as a head computes it.
     *
     * @param x {@code [n, hidden]}
     * @return {@code [n, rows]}
     */
    SDVariable logits(Drawing drawing, SDVariable x) {
        SDVariable logits = Ops.linear(x, drawing.parameter().apply(name));
        return drawing.adapter().logits(name, x, logits, drawing.config().vocabularySize());
    }
}
