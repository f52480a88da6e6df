package io.github.dl4jjepa.core.objective;

import org.nd4j.autodiff.samediff.SDVariable;

/**
 * {@code 1 - cos(p - mean(p), t - mean(t))}, the means being those of the batch's predictions and
 * of its targets: what all embeddings have in common, which is most of a decoder's hidden state,
 * does not count.
 *
 * <p>In a batch of one pair, or of equal pairs, nothing is left after centering; the distance is
 * then 1, with a finite gradient.
 */
final class CenteredCosineDistance implements Distance {
    private static final long serialVersionUID = 1L;

    @Override
    public SDVariable between(Distance.Pairs pairs) {
        return CosineDistance.between(
                Embeddings.centered(pairs.prediction()), Embeddings.centered(pairs.target()));
    }

    @Override
    public boolean comparesAcrossPairs() {
        return true;
    }
}
