package io.github.dl4jjepa.core.objective;

import io.github.dl4jjepa.core.ops.Ops;
import io.github.dl4jjepa.core.parameters.Parameter;
import io.github.dl4jjepa.core.parameters.ParameterSet;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A trained matrix applied to the prediction's readout before it is compared: Pred as a linear map,
 * one of the paper's ablations (ICLR 2026 version of arXiv 2509.14252). It begins as the identity,
 * is trained with the model and kept beside it; generation does without.
 */
public final class LinearPredictor {
    private static final String WEIGHT = "linear_predictor.weight";

    private final Parameter weight;

    /**
     * @param hiddenSize width of the hidden states
     * @param dataType the decoder's, FLOAT or DOUBLE
     */
    public LinearPredictor(int hiddenSize, DataType dataType) {
        this(Nd4j.eye(hiddenSize).castTo(dataType));
    }

    /**
     * A predictor that was trained.
     *
     * @param weight {@code [hidden, hidden]}, of the decoder's type
     */
    public LinearPredictor(INDArray weight) {
        this.weight = new Parameter(WEIGHT, weight, true, true, Parameter.Group.AUXILIARY);
    }

    /** The matrix, {@code [hidden, hidden]}. */
    public ParameterSet parameters() {
        return new ParameterSet(List.of(weight));
    }

    /**
     * Draws the product with the matrix.
     *
     * @param readouts {@code [pairs, hidden]}
     * @return {@code [pairs, hidden]}
     */
    SDVariable apply(SDVariable readouts) {
        return Ops.linear(readouts, weight.drawIn(readouts.getSameDiff()));
    }

    /** Floating-point operations of applying it. */
    double forwardFlops(int pairs) {
        return 2.0 * weight.array().length() * pairs;
    }
}
