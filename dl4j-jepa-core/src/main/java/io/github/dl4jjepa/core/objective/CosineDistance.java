package io.github.dl4jjepa.core.objective;

import io.github.dl4jjepa.core.ops.Ops;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * The paper's distance, {@code 1 - cos(p, t)} (arXiv 2509.14252, section 3.1): 0 where prediction
 * and target point the same way, 2 where they are opposed.
 *
 * <p>{@code cos(p, t) = p.t / sqrt((|p|^2 + eps) (|t|^2 + eps))} with eps = 1e-12, so that a zero
 * vector has the finite distance 1 and a finite gradient. At the norms that hidden states have, eps
 * is below rounding.
 *
 * <p>Nothing in it keeps embeddings apart: it is least where all point one way, and is seen to go
 * there. Look at the diagnostics; {@link InfoNce} and the {@link Regularizer}s are remedies.
 */
final class CosineDistance implements Distance {
    private static final long serialVersionUID = 1L;

    @Override
    public SDVariable between(Distance.Pairs pairs) {
        return between(pairs.prediction(), pairs.target());
    }

    static SDVariable between(SDVariable prediction, SDVariable target) {
        SDVariable cosines =
                Ops.multiply(Embeddings.normalized(prediction), Embeddings.normalized(target))
                        .sum(1);
        return cosines.rsub(1.0);
    }
}
