package io.github.dl4jjepa.models.decoder;

import java.util.Arrays;
import java.util.function.UnaryOperator;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Turns the heads of queries and keys by the angles of their positions. */
final class RotaryGraph {
    private final Drawing drawing;
    private final RotaryEmbedding rotary;
    private final int headDim;

    /** {@code [rows * time, headDim]}. */
    private final SDVariable angles;

    private final SDVariable rotation;

    RotaryGraph(Drawing drawing, RotaryEmbedding rotary, SDVariable positions) {
        this.drawing = drawing;
        this.rotary = rotary;
        headDim = drawing.config().headDim();
        angles = angles(positions);
        rotation =
                drawing.graph()
                        .constant(
                                halfRotation(headDim, rotary.frequencies(headDim).length)
                                        .castTo(drawing.dataType()));
    }

    /**
     * Draws the tables for a number of heads.
     *
     * @param scale what the heads are multiplied with as well
     * @return draws {@code x * cos + rotated(x) * sin} for {@code x} of {@code [rows * time, heads
     *     * headDim]}
     */
    UnaryOperator<SDVariable> turn(int heads, double scale) {
        SDVariable factors = factors(scale);
        return BlockOps.rotary(
                drawing.graph().math().cos(angles).mul(factors),
                drawing.graph().math().sin(angles).mul(factors),
                rotation,
                rotary.frequencies(headDim).length,
                heads);
    }

    /** {@code [rows * time, headDim]}: the angle of each pair, twice. */
    private SDVariable angles(SDVariable positions) {
        SDVariable row = frequencies(rotary.frequencies(headDim));
        RotaryEmbedding.LongRows longRows = rotary.longRows(headDim).orElse(null);
        if (longRows != null) {
            // Positions are counted from 0.
            SDVariable isLong =
                    drawing.number(drawing.graph().max(positions).gte(longRows.longerThan()));
            SDVariable other = frequencies(longRows.frequencies());
            row = row.add(other.sub(row).mul(isLong));
        }
        return positions.castTo(drawing.dataType()).reshape(-1, 1).mmul(row);
    }

    /** {@code [1, headDim]}: the frequency of each pair, twice; 0 where a head is not turned. */
    private SDVariable frequencies(double[] half) {
        double[] frequencies = new double[headDim];
        System.arraycopy(half, 0, frequencies, 0, half.length);
        System.arraycopy(half, 0, frequencies, half.length, half.length);
        return drawing.constant(frequencies);
    }

    /**
     * {@code [1, headDim]}: a scale, times the attention factor where a head is turned, which
     * leaves the rest as it is.
     */
    private SDVariable factors(double scale) {
        double[] factors = new double[headDim];
        int turned = 2 * rotary.frequencies(headDim).length;
        Arrays.fill(factors, 0, turned, scale * rotary.scaling().attentionFactor());
        Arrays.fill(factors, turned, factors.length, scale);
        return drawing.constant(factors);
    }

    /** The matrix R with {@code x R = (-x2, x1)} for the halves x1, x2 of a head's turned part. */
    private static INDArray halfRotation(int headDim, int pairs) {
        double[][] rotation = new double[headDim][headDim];
        for (int i = 0; i < pairs; i++) {
            rotation[i + pairs][i] = -1;
            rotation[i][i + pairs] = 1;
        }
        return Nd4j.createFromArray(rotation);
    }
}
