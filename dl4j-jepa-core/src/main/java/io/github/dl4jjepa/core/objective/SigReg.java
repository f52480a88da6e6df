package io.github.dl4jjepa.core.objective;

import io.github.dl4jjepa.core.ops.Ops;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Sketched isotropic Gaussian regularization (LeJEPA, arXiv 2511.08544, section 4 and algorithm 1):
 * how far the embeddings are from a standard normal distribution, seen along random directions.
 *
 * <p>For each direction a the Epps-Pulley statistic is {@code n * integral |phi(u) - exp(-u^2 /
 * 2)|^2 exp(-u^2 / 2) du}, phi being the empirical characteristic function of the n projections
 * {@code a.z}, integrated over -5..5 by the trapezoidal rule with 17 points; the penalty is the
 * mean over directions.
 */
final class SigReg implements Regularizer {
    private static final long serialVersionUID = 1L;

    /** As many directions as LeJEPA's algorithm 1 has. */
    public static final int DEFAULT_DIRECTIONS = 256;

    private static final int POINTS = 17;
    private static final double LIMIT = 5;

    private final int directions;

    /**
     * @param directions how many; {@link #DEFAULT_DIRECTIONS}
     */
    public SigReg(int directions) {
        if (directions < 1) {
            throw new IllegalArgumentException("directions must be 1 or more, not " + directions);
        }
        this.directions = directions;
    }

    @Override
    public int directions() {
        return directions;
    }

    @Override
    public SDVariable penalty(SDVariable embeddings, @Nullable SDVariable directions) {
        SameDiff graph = embeddings.getSameDiff();
        double[] points = new double[POINTS];
        double step = 2 * LIMIT / (POINTS - 1);
        Arrays.setAll(points, i -> -LIMIT + i * step);
        double[] gaussian = Arrays.stream(points).map(u -> Math.exp(-u * u / 2)).toArray();
        double[] weights = gaussian.clone();
        for (int i = 0; i < POINTS; i++) {
            weights[i] *= i == 0 || i == POINTS - 1 ? step / 2 : step;
        }

        SDVariable projections = embeddings.mmul(Objects.requireNonNull(directions)).reshape(-1, 1);
        SDVariable angles = projections.mmul(row(graph, embeddings, points));
        SDVariable n = graph.sizeAt(embeddings, 0);
        SDVariable shape = graph.stack(0, n, graph.constant((long) this.directions * POINTS));
        SDVariable cosines = Embeddings.columnMeans(graph.math().cos(angles).reshape(shape));
        SDVariable sines = Embeddings.columnMeans(graph.math().sin(angles).reshape(shape));
        SDVariable expected = repeated(graph, embeddings, gaussian);
        SDVariable real = Ops.addConstant(cosines, expected.neg());
        SDVariable squares = Ops.add(Ops.multiply(real, real), Ops.multiply(sines, sines));
        SDVariable weighted =
                Ops.multiplyConstant(squares, repeated(graph, embeddings, weights)).sum();
        return Ops.multiplyConstant(weighted, Embeddings.rows(embeddings).div(this.directions));
    }

    private static SDVariable row(SameDiff graph, SDVariable like, double[] values) {
        return graph.constant(
                Nd4j.createFromArray(values).castTo(like.dataType()).reshape(1, values.length));
    }

    /** The values, once for each direction. */
    private SDVariable repeated(SameDiff graph, SDVariable like, double[] values) {
        INDArray row = Nd4j.createFromArray(values).castTo(like.dataType()).reshape(1, POINTS);
        return graph.constant(Nd4j.tile(row, 1, directions));
    }
}
