package io.github.dl4jjepa.core.objective;

import org.nd4j.autodiff.samediff.SDVariable;

/**
 * The Euclidean norm {@code |p - t|} (the paper's ablation "L2-norm", arXiv 2509.14252, table 3).
 *
 * <p>Computed as {@code sqrt(|p - t|^2 + 1e-12)}: 1e-6 where prediction and target are equal, with
 * gradient 0 there. Hidden states have norms of tens, so its gradient at lambda = 1 is far above
 * the language model's; calibrate lambda by the ratio of gradients.
 */
final class L2Distance implements Distance {
    private static final long serialVersionUID = 1L;

    @Override
    public SDVariable between(Distance.Pairs pairs) {
        SDVariable difference = Embeddings.difference(pairs.prediction(), pairs.target());
        return difference
                .getSameDiff()
                .math()
                .sqrt(Embeddings.squaredNorms(difference).add(Embeddings.EPSILON));
    }
}
