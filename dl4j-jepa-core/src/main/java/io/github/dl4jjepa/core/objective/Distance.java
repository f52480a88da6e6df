package io.github.dl4jjepa.core.objective;

import org.nd4j.autodiff.samediff.SDVariable;

/** How far a prediction is from its target in embedding space: the d of the JEPA term. */
public interface Distance {
    /**
     * Draws the distance of every pair.
     *
     * @param prediction Pred(Enc(Text)), {@code [pairs, hidden]}
     * @param target Enc(Code), {@code [pairs, hidden]}
     * @return {@code [pairs]}
     */
    SDVariable between(SDVariable prediction, SDVariable target);
}
