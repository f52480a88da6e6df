package io.github.dl4jjepa.core.objective;

import io.github.dl4jjepa.core.ops.Ops;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;

/**
 * The variance and covariance terms of VICReg (arXiv 2105.04906, equations 1 to 4):
 *
 * <pre>
 * {@code mean_j max(0, 1 - sqrt(var(z_j) + 1e-4)) + nu / mu * sum_{i != j} cov(z)_ij^2 / hidden}
 * </pre>
 *
 * <p>with the published weights' ratio nu / mu = 1 / 25 and the unbiased variance. Each unit is to
 * have a standard deviation of 1 or more, and units are not to repeat each other. A batch of one
 * has the variance 0.
 */
final class VicReg implements Regularizer {
    private static final long serialVersionUID = 1L;

    private static final double VARIANCE_EPSILON = 1e-4;
    private static final double COVARIANCE_WEIGHT = 1.0 / 25;

    @Override
    public SDVariable penalty(SDVariable embeddings, @Nullable SDVariable directions) {
        SameDiff graph = embeddings.getSameDiff();
        SDVariable centered = Embeddings.centered(embeddings);
        SDVariable rows = Embeddings.rows(embeddings);
        SDVariable degreesOfFreedom = graph.math().max(rows.sub(1.0), rows.mul(0).add(1.0));
        SDVariable perUnit = graph.sizeAt(embeddings, 1).castTo(embeddings.dataType()).rdiv(1.0);

        SDVariable covariance =
                Ops.multiplyConstant(
                        graph.mmul(centered, centered, true, false, false),
                        degreesOfFreedom.rdiv(1.0));
        SDVariable variances =
                Ops.multiplyConstant(
                        Embeddings.columnMeans(Ops.multiply(centered, centered)).reshape(-1),
                        rows.div(degreesOfFreedom));
        SDVariable deviations = graph.math().sqrt(variances.add(VARIANCE_EPSILON));
        SDVariable missing = graph.nn().relu(deviations.rsub(1.0), 0);
        SDVariable offDiagonal =
                Ops.add(
                        Ops.multiply(covariance, covariance).sum(),
                        Ops.multiply(variances, variances).sum().neg());
        return Ops.multiplyConstant(
                Ops.add(missing.sum(), offDiagonal.mul(COVARIANCE_WEIGHT)), perUnit);
    }
}
