package io.github.dl4jjepa.core.internal.samediff;

import java.util.List;
import java.util.Set;
import java.util.function.BiFunction;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.BaseOp;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.api.ops.Op;
import org.nd4j.linalg.api.ops.OpContext;
import org.nd4j.linalg.api.ops.ReduceOp;
import org.nd4j.linalg.api.ops.ScalarOp;
import org.nd4j.linalg.api.shape.LongShapeDescriptor;
import org.nd4j.linalg.api.shape.Shape;
import org.nd4j.linalg.factory.Nd4j;

/** An operator of ND4J's, with a native context that is kept. */
final class NativeOperator implements BoundOperator {
    private static final Set<String> SHAPE_READERS = Set.of("shape_of", "size_at");
    private static final String IDENTITY = "identity";
    private static final Set<String> VIEWS = Set.of(IDENTITY, "reshape", "expand_dims");

    private final DifferentialFunction operator;
    private final OpContext context = Nd4j.getExecutioner().buildContext();

    /** Binds an operator, as {@link BoundOperator#bind} says. */
    NativeOperator(
            DifferentialFunction operator,
            INDArray[] inputs,
            List<DataType> types,
            BiFunction<DataType, long[], INDArray> allocate) {
        this.operator = operator;
        List<LongShapeDescriptor> shapes;
        if (operator instanceof DynamicCustomOp custom) {
            context.setArgs(inputs, custom.iArgs(), custom.dArgs(), custom.tArgs(), custom.bArgs());
            shapes = custom.calculateOutputShape(context);
        } else if (operator instanceof BaseOp legacy) {
            bind(legacy, inputs);
            shapes = legacy.calculateOutputShape(context);
        } else {
            throw new IllegalArgumentException(
                    "the operator " + operator.opName() + " cannot be run");
        }
        for (int i = 0; i < shapes.size(); i++) {
            context.setOutputArray(i, allocate.apply(types.get(i), shapes.get(i).getShape()));
        }
    }

    /**
     * Older operators take their axes, or their scalar, as a property; SameDiff may hand them over
     * as an input.
     */
    private void bind(BaseOp legacy, INDArray[] inputs) {
        context.setInputArray(0, inputs[0]);
        if (inputs.length < 2) {
            return;
        }
        if (legacy instanceof ReduceOp reduce && reduce.getOpType() != Op.Type.REDUCE3) {
            legacy.setDimensions(Shape.normalizeAxis(inputs[0].rank(), inputs[1].toIntVector()));
        } else if (legacy instanceof ScalarOp scalar) {
            scalar.setScalar(inputs[1]);
        } else {
            context.setInputArray(1, inputs[1]);
        }
    }

    /** Whether the operator's result follows from the shape of its input alone. */
    static boolean readsShapeOnly(DifferentialFunction operator) {
        return SHAPE_READERS.contains(operator.opName());
    }

    /** Whether the operator's result is its input's memory in another shape. */
    static boolean givesView(DifferentialFunction operator) {
        return VIEWS.contains(operator.opName());
    }

    /** The operator's result if it is its input's memory in another shape, or null. */
    static INDArray view(DifferentialFunction operator, INDArray[] inputs) {
        if (!givesView(operator)) {
            return null;
        }
        return operator.opName().equals(IDENTITY)
                ? inputs[0]
                : reshaped((DynamicCustomOp) operator, inputs);
    }

    private static INDArray reshaped(DynamicCustomOp operator, INDArray[] inputs) {
        OpContext context = Nd4j.getExecutioner().buildContext();
        try {
            context.setArgs(
                    inputs, operator.iArgs(), operator.dArgs(), operator.tArgs(), operator.bArgs());
            long[] shape = operator.calculateOutputShape(context).get(0).getShape();
            return inputs[0].reshape('c', shape);
        } finally {
            close(context);
        }
    }

    @Override
    public void run() {
        if (operator instanceof DynamicCustomOp custom) {
            Nd4j.exec(custom, context);
        } else {
            Nd4j.exec((Op) operator, context);
        }
    }

    @Override
    public void close() {
        close(context);
    }

    private static void close(OpContext context) {
        try {
            context.close();
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }
}
