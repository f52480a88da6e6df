package io.github.dl4jjepa.core.internal.samediff;

import java.util.List;
import java.util.Set;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.linalg.api.ops.DynamicCustomOp;

/** Operators whose result is their input's memory, in the same shape or another. */
final class Views {
    private static final String IDENTITY = "identity";
    private static final Set<String> OPERATORS = Set.of(IDENTITY, "reshape", "expand_dims");

    private Views() {}

    /** Whether an operator's result is its input's memory. */
    static boolean isView(DifferentialFunction operator) {
        return OPERATORS.contains(operator.opName());
    }

    /** The result of an operator for which {@link #isView} holds. */
    static Tensor of(DifferentialFunction operator, Tensor[] inputs) {
        if (operator.opName().equals(IDENTITY)) {
            return inputs[0];
        }
        List<long[]> shapes = BoundOperator.outputShapes((DynamicCustomOp) operator, inputs);
        return inputs[0].reshaped(shapes.get(0));
    }
}
