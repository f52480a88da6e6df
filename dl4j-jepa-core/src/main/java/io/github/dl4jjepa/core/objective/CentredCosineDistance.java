package io.github.dl4jjepa.core.objective;

import org.nd4j.autodiff.samediff.SDVariable;

/**
 * {@code 1 - cos(p - mean(p), t - mean(t))}, the means being those of the batch's predictions and
 * of its targets: what all embeddings have in common, which is most of a decoder's hidden state,
 * does not count.
 *
 * <p>In a batch of one pair, or of equal pairs, nothing is left after centring; the distance is
 * then 1, with a finite gradient.
 */
public final class CentredCosineDistance implements Distance {
    private static final long serialVersionUID = 1L;

    @Override
    public SDVariable between(EmbeddingPairs pairs) {
        return CosineDistance.between(
                Embeddings.centred(pairs.prediction()), Embeddings.centred(pairs.target()));
    }

    @Override
    public boolean comparesAcrossPairs() {
        return true;
    }
}
