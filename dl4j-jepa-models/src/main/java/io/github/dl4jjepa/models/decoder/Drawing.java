package io.github.dl4jjepa.models.decoder;

import java.util.function.Function;
import org.nd4j.autodiff.samediff.SDIndex;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A graph that a decoder is drawn into, shared by its parts.
 *
 * @param config what the decoder is made of
 * @param graph the graph
 * @param dataType of parameters and activations
 * @param parameter gives a parameter's variable in the graph by its name
 * @param adapter adds to the weights
 */
record Drawing(
        DecoderConfig config,
        SameDiff graph,
        DataType dataType,
        Function<String, SDVariable> parameter,
        AdapterGraph adapter) {
    TensorNames names() {
        return config.names();
    }

    /** {@code cap * tanh(x / cap)}; {@code x} itself where the cap is 0. */
    SDVariable capped(SDVariable x, double cap) {
        return cap == 0 ? x : graph.math().tanh(x.mul(1 / cap)).mul(cap);
    }

    /** 1 where a condition holds, 0 elsewhere. */
    SDVariable number(SDVariable condition) {
        return condition.castTo(dataType);
    }

    /** A constant {@code [1, n]}. */
    SDVariable constant(double[] row) {
        return graph.constant(Nd4j.createFromArray(new double[][] {row}).castTo(dataType));
    }

    /** Some columns of a matrix. */
    static SDVariable columns(SDVariable x, int from, int to) {
        return x.get(SDIndex.all(), SDIndex.interval(from, to));
    }
}
