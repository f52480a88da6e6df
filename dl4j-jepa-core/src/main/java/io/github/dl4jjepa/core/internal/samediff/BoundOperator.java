package io.github.dl4jjepa.core.internal.samediff;

import java.util.List;
import java.util.function.BiFunction;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ops.BaseOp;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.factory.Nd4j;

/** An operator of a graph, bound to what it reads and writes. */
interface BoundOperator extends AutoCloseable {
    /**
     * Binds an operator; it is run by {@link #run}.
     *
     * @param operator the operator
     * @param inputs what it reads; stays where it is
     * @param types the types of its outputs
     * @param prefersOneDnn whether matrix products are oneDNN's where there is the library
     * @param allocate makes an output of a type and shape; called in the order of the outputs
     */
    static BoundOperator bind(
            DifferentialFunction operator,
            Tensor[] inputs,
            List<DataType> types,
            boolean prefersOneDnn,
            BiFunction<DataType, long[], Tensor> allocate) {
        if (operator instanceof FusedOperator fused) {
            return fused.bind(inputs, allocate);
        }
        if (prefersOneDnn && MatrixProducts.canBind(operator, inputs)) {
            return MatrixProducts.bind((DynamicCustomOp) operator, inputs, allocate);
        }
        if (Nd4j.getEnvironment().isCPU()) {
            if (operator instanceof DynamicCustomOp custom) {
                return new NativeOperator(custom, inputs, types, allocate);
            }
            if (ElementwiseOperator.canBind(operator, inputs)) {
                return new ElementwiseOperator((BaseOp) operator, inputs, types, allocate);
            }
        }
        return ExecutionerOperator.bind(operator, inputs, types, allocate);
    }

    /** The shapes of the outputs of an operator of ND4J's. */
    static List<long[]> outputShapes(DynamicCustomOp operator, Tensor[] inputs) {
        return Nd4j.getEnvironment().isCPU()
                ? NativeOperator.outputShapes(operator, inputs)
                : ExecutionerOperator.outputShapes(operator, inputs);
    }

    /** Computes the outputs from what the inputs hold now. */
    void run();

    @Override
    default void close() {}
}
