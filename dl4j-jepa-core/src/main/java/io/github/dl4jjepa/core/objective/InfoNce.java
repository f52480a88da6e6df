package io.github.dl4jjepa.core.objective;

import io.github.dl4jjepa.core.ops.Ops;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * The cross entropy of telling a prediction's own target from the other targets of its batch (van
 * den Oord et al., arXiv 1807.03748), with {@code s_ij = cos(p_i, t_j) / temperature}:
 *
 * <pre>{@code d_i = log(sum_j exp(s_ij)) - s_ii}</pre>
 *
 * <p>and, unless it is one-way, the mean of that and of the same with the roles of predictions and
 * targets exchanged (CLIP, arXiv 2103.00020). A target that reads the same tokens as the own one is
 * no negative: it is left out of the sum.
 *
 * <p>The negatives are the pairs of all micro-batches of an optimizer step. A batch of one pair has
 * none, and the distance 0.
 */
public final class InfoNce implements Distance {
    private static final long serialVersionUID = 1L;

    /** The paper's temperature (arXiv 2509.14252, table 3). */
    public static final double DEFAULT_TEMPERATURE = 0.07;

    /** Far below any similarity, and finite: its exponential is 0. */
    private static final double EXCLUDED = -1e9;

    private final double temperature;
    private final boolean oneWay;
    private final boolean centered;

    private InfoNce(double temperature, boolean oneWay, boolean centered) {
        if (!(temperature > 0) || Double.isInfinite(temperature)) {
            throw new IllegalArgumentException("temperature must be above 0, not " + temperature);
        }
        this.temperature = temperature;
        this.oneWay = oneWay;
        this.centered = centered;
    }

    /**
     * In both directions.
     *
     * @param temperature what cosines are divided by; {@link #DEFAULT_TEMPERATURE}
     */
    public static InfoNce symmetric(double temperature) {
        return new InfoNce(temperature, false, false);
    }

    /**
     * The authors' variant: a prediction is to find its target, not the reverse.
     *
     * @param temperature what cosines are divided by; {@link #DEFAULT_TEMPERATURE}
     */
    public static InfoNce oneWay(double temperature) {
        return new InfoNce(temperature, true, false);
    }

    /**
     * In both directions, after the batch's mean is taken off predictions and targets, as {@link
     * CenteredCosineDistance} does.
     *
     * @param temperature what cosines are divided by; {@link #DEFAULT_TEMPERATURE}
     */
    public static InfoNce centered(double temperature) {
        return new InfoNce(temperature, false, true);
    }

    /** What cosines are divided by. */
    public double temperature() {
        return temperature;
    }

    DistanceKind kind() {
        if (oneWay) {
            return DistanceKind.INFO_NCE_ONE_WAY;
        }
        return centered ? DistanceKind.CENTERED_INFO_NCE : DistanceKind.INFO_NCE;
    }

    @Override
    public SDVariable between(Distance.Pairs pairs) {
        SDVariable prediction = unit(pairs.prediction());
        SDVariable target = unit(pairs.target());
        SDVariable excluded = excluded(pairs.answerIds(), prediction.dataType());
        SDVariable own = Ops.multiply(prediction, target).sum(1).mul(1 / temperature);
        SDVariable toTarget = crossEntropy(prediction, target, own, excluded);
        if (oneWay) {
            return toTarget;
        }
        SDVariable toPrediction = crossEntropy(target, prediction, own, excluded);
        return Ops.add(toTarget, toPrediction).mul(0.5);
    }

    @Override
    public boolean comparesAcrossPairs() {
        return true;
    }

    private SDVariable unit(SDVariable embeddings) {
        return Embeddings.normalized(centered ? Embeddings.centered(embeddings) : embeddings);
    }

    private SDVariable crossEntropy(
            SDVariable from, SDVariable to, SDVariable own, SDVariable excluded) {
        SameDiff graph = from.getSameDiff();
        // A row of zeros more, excluded too, for a batch of one: matmul_bp is wrong where the
        // product is [1, 1], and SameDiff cannot reduce an axis of length 1.
        SDVariable zeros = row(to, graph.sizeAt(to, 1), 0);
        SDVariable candidates = graph.concat(0, to, zeros);
        SDVariable scaled = graph.mmul(from, candidates, false, true, false).mul(1 / temperature);
        SDVariable similarities =
                Ops.addConstant(
                        scaled,
                        graph.concat(
                                1,
                                excluded,
                                row(to, graph.sizeAt(to, 0), EXCLUDED).reshape(-1, 1)));
        // Any shift near the greatest will do; through an integer it takes no gradient.
        SDVariable greatest =
                graph.max(similarities, true, 1).castTo(DataType.INT32).castTo(from.dataType());
        SDVariable shifts = greatest.mmul(row(to, graph.sizeAt(candidates, 0), 1));
        SDVariable exponentials = graph.math().exp(Ops.addConstant(similarities, shifts.neg()));
        SDVariable logSum = graph.math().log(exponentials.sum(1));
        return Ops.add(Ops.addConstant(logSum, greatest.reshape(-1)), own.neg());
    }

    private static SDVariable row(SDVariable like, SDVariable width, double value) {
        SameDiff graph = like.getSameDiff();
        SDVariable shape = graph.stack(0, graph.constant(1L), width);
        return graph.fill(shape, like.dataType(), value);
    }

    /** What keeps pairs with the own answer, other than the own pair, out of the sum. */
    private static SDVariable excluded(SDVariable answerIds, DataType dataType) {
        SameDiff graph = answerIds.getSameDiff();
        SDVariable numbers =
                graph.range(
                        graph.constant(0L),
                        graph.sizeAt(answerIds, 0),
                        graph.constant(1L),
                        DataType.INT64);
        SDVariable sameAnswer = equal(answerIds).castTo(dataType);
        SDVariable samePair = equal(numbers).castTo(dataType);
        return Ops.addConstant(sameAnswer, samePair.neg()).mul(EXCLUDED);
    }

    private static SDVariable equal(SDVariable numbers) {
        return numbers.reshape(-1, 1).eq(numbers.reshape(1, -1));
    }
}
