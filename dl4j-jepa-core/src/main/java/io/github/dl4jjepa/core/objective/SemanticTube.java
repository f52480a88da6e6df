package io.github.dl4jjepa.core.objective;

import org.nd4j.autodiff.samediff.SDVariable;

/**
 * Semantic tube prediction (arXiv 2602.22617): {@code 1 - cos(h_t - h_r, h_r - h_s)} for hidden
 * states of one conversation at random tokens s &lt; r &lt; t, drawn anew for each optimizer step:
 * the path of hidden states is to be straight. There is no second view, and a step costs what plain
 * training costs. The prediction is {@code h_t - h_r}, the target {@code h_r - h_s}, one pair a
 * conversation.
 *
 * <p>The lambdas that the paper found best lie between 0.01 and 0.08, and at 0.0025 for 8 B
 * parameters.
 */
final class SemanticTube implements Distance {
    private static final long serialVersionUID = 1L;

    @Override
    public SDVariable between(Distance.Pairs pairs) {
        return CosineDistance.between(pairs.prediction(), pairs.target());
    }

    @Override
    public boolean readsViews() {
        return false;
    }
}
