package io.github.dl4jjepa.core.internal.samediff;

import java.util.List;
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

/**
 * An operator that ND4J's executioner runs: all on a GPU, and older ones on the CPU, for which
 * {@link NativeOperator} does not do.
 */
final class ExecutionerOperator {
    private ExecutionerOperator() {}

    /** Binds an operator, as {@link BoundOperator#bind} says. */
    static BoundOperator bind(
            DifferentialFunction operator,
            Tensor[] inputs,
            List<DataType> types,
            BiFunction<DataType, long[], Tensor> allocate) {
        if (operator instanceof DynamicCustomOp custom) {
            return new Custom(custom, inputs, types, allocate);
        }
        if (operator instanceof BaseOp legacy) {
            return new Legacy(legacy, inputs, types, allocate);
        }
        throw new IllegalArgumentException("the operator " + operator.opName() + " cannot be run");
    }

    /** The shapes of an operator's outputs. */
    static List<long[]> outputShapes(DynamicCustomOp operator, Tensor[] inputs) {
        OpContext context = context(operator, inputs);
        try {
            return shapes(operator.calculateOutputShape(context));
        } finally {
            context.purge();
        }
    }

    private static List<long[]> shapes(List<LongShapeDescriptor> descriptors) {
        return descriptors.stream().map(LongShapeDescriptor::getShape).toList();
    }

    private static OpContext context(DynamicCustomOp operator, Tensor[] inputs) {
        INDArray[] arrays = new INDArray[inputs.length];
        for (int i = 0; i < inputs.length; i++) {
            arrays[i] = inputs[i].array();
        }
        OpContext context = Nd4j.getExecutioner().buildContext();
        context.setArgs(
                arrays, operator.iArgs(), operator.dArgs(), operator.tArgs(), operator.bArgs());
        return context;
    }

    /** An operator that is run through a context. */
    private static final class Custom implements BoundOperator {
        private final DynamicCustomOp operator;
        private final OpContext context;

        Custom(
                DynamicCustomOp operator,
                Tensor[] inputs,
                List<DataType> types,
                BiFunction<DataType, long[], Tensor> allocate) {
            this.operator = operator;
            context = context(operator, inputs);
            List<long[]> shapes = shapes(operator.calculateOutputShape(context));
            for (int i = 0; i < shapes.size(); i++) {
                context.setOutputArray(i, allocate.apply(types.get(i), shapes.get(i)).array());
            }
        }

        @Override
        public void run() {
            Nd4j.exec(operator, context);
        }

        /** What is left of the context is freed when the collector finds it. */
        @Override
        public void close() {
            context.purge();
        }
    }

    /**
     * An operator that holds its arrays itself; other recordings set theirs. Its axes, or its
     * scalar, are a property, which SameDiff may hand over as an input.
     */
    private static final class Legacy implements BoundOperator {
        private final BaseOp operator;
        private final INDArray x;
        private final INDArray second;
        private final int[] axes;
        private final INDArray result;

        Legacy(
                BaseOp operator,
                Tensor[] inputs,
                List<DataType> types,
                BiFunction<DataType, long[], Tensor> allocate) {
            this.operator = operator;
            x = inputs[0].array();
            second = inputs.length < 2 ? null : inputs[1].array();
            boolean hasAxes =
                    second != null
                            && operator instanceof ReduceOp reduce
                            && reduce.getOpType() != Op.Type.REDUCE3;
            axes = hasAxes ? Shape.normalizeAxis(x.rank(), second.toIntVector()) : null;
            setInputs();
            long[] shape = operator.calculateOutputShape().get(0).getShape();
            result = allocate.apply(types.get(0), shape).array();
        }

        private void setInputs() {
            operator.setX(x);
            if (axes != null) {
                operator.setDimensions(axes);
            } else if (second != null && operator instanceof ScalarOp scalar) {
                scalar.setScalar(second);
            } else if (second != null) {
                operator.setY(second);
            }
        }

        @Override
        public void run() {
            setInputs();
            operator.setZ(result);
            Nd4j.exec((Op) operator);
        }
    }
}
