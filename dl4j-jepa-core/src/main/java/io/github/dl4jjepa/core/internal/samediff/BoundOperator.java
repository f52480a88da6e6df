package io.github.dl4jjepa.core.internal.samediff;

import java.util.List;
import java.util.function.BiFunction;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;

/** An operator of a graph, bound to the arrays it reads and writes. */
interface BoundOperator extends AutoCloseable {
    /**
     * Binds an operator; it is run by {@link #run}.
     *
     * @param operator the operator
     * @param inputs what it reads
     * @param types the types of its outputs
     * @param prefersOneDnn whether matrix products are oneDNN's where there is the library
     * @param allocate makes an output of a type and shape; called in the order of the outputs
     */
    static BoundOperator bind(
            DifferentialFunction operator,
            INDArray[] inputs,
            List<DataType> types,
            boolean prefersOneDnn,
            BiFunction<DataType, long[], INDArray> allocate) {
        if (operator instanceof FusedOperator fused) {
            return fused.bind(inputs, allocate);
        }
        if (prefersOneDnn && MatrixProducts.canBind(operator, inputs)) {
            return MatrixProducts.bind((DynamicCustomOp) operator, inputs, allocate);
        }
        return new NativeOperator(operator, inputs, types, allocate);
    }

    /** Computes the outputs from what the inputs hold now. */
    void run();

    @Override
    default void close() {}
}
