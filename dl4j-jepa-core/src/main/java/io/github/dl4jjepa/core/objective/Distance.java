package io.github.dl4jjepa.core.objective;

import java.io.Serializable;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * How far predictions are from their targets in embedding space: the d of the JEPA term.
 *
 * <p>An implementation of one's own needs {@link #between} alone; operators whose gradient is right
 * are those of {@link io.github.dl4jjepa.core.ops.Ops}.
 */
public interface Distance extends Serializable {
    /**
     * Draws the distance of every pair.
     *
     * @param pairs the pairs of one batch
     * @return {@code [pairs]}
     */
    SDVariable between(Pairs pairs);

    /**
     * Whether a pair's distance depends on the other pairs of its batch. If so, the pairs of all
     * micro-batches of an optimizer step are compared together.
     */
    default boolean comparesAcrossPairs() {
        return false;
    }

    /**
     * Whether what is compared are two views, each encoded alone; if not, a pair is made of three
     * hidden states of a conversation's row, as {@link SemanticTube} says.
     */
    default boolean readsViews() {
        return true;
    }

    /**
     * What the JEPA term compares, as variables of one graph.
     *
     * @param prediction Pred(Enc(Text)), {@code [pairs, hidden]}
     * @param target Enc(Code), {@code [pairs, hidden]}
     * @param answerIds INT32 {@code [pairs]}; two pairs have the same number where their targets
     *     read the same tokens
     */
    public record Pairs(SDVariable prediction, SDVariable target, SDVariable answerIds) {}
}
