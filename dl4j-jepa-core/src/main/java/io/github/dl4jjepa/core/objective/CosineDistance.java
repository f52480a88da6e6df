package io.github.dl4jjepa.core.objective;

import io.github.dl4jjepa.core.samediff.Ops;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * The paper's distance, {@code 1 - cos(p, t)} (arXiv 2509.14252, section 3.1): 0 where prediction
 * and target point the same way, 2 where they are opposed.
 *
 * <p>{@code cos(p, t) = p.t / sqrt((|p|^2 + eps) (|t|^2 + eps))} with eps = 1e-12, so that a zero
 * vector has the finite distance 1 and a finite gradient. At the norms that hidden states have, eps
 * is below rounding.
 */
public final class CosineDistance implements Distance {
    private static final double EPSILON = 1e-12;

    @Override
    public SDVariable between(SDVariable prediction, SDVariable target) {
        SDVariable dot = Ops.multiply(prediction, target).sum(1);
        SDVariable norms = Ops.multiply(squaredNorm(prediction), squaredNorm(target));
        return Ops.multiply(dot, prediction.getSameDiff().math().rsqrt(norms)).rsub(1.0);
    }

    private static SDVariable squaredNorm(SDVariable x) {
        return Ops.multiply(x, x).sum(1).add(EPSILON);
    }
}
