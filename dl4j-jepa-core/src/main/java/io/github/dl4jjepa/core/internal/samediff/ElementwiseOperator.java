package io.github.dl4jjepa.core.internal.samediff;

import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.linalg.api.buffer.DataBuffer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ops.BaseOp;
import org.nd4j.linalg.api.ops.Op;
import org.nd4j.linalg.api.ops.ScalarOp;
import org.nd4j.linalg.api.ops.TransformOp;
import org.nd4j.nativeblas.NativeOps;
import org.nd4j.nativeblas.NativeOpsHolder;
import org.nd4j.nativeblas.OpaqueDataBuffer;

/**
 * An older operator of ND4J's on the CPU that makes of each value another, or of each value and a
 * scalar; bound to addresses, like {@link NativeOperator}.
 */
final class ElementwiseOperator implements BoundOperator {
    private static final NativeOps NATIVE = NativeOpsHolder.getInstance().getDeviceNativeOps();
    private static final Map<Op.Type, Transform> TRANSFORMS =
            Map.of(
                    Op.Type.TRANSFORM_SAME, NATIVE::execTransformSame,
                    Op.Type.TRANSFORM_STRICT, NATIVE::execTransformStrict,
                    Op.Type.TRANSFORM_FLOAT, NATIVE::execTransformFloat,
                    Op.Type.TRANSFORM_BOOL, NATIVE::execTransformBool);
    private static final Map<Op.Type, WithScalar> WITH_SCALAR =
            Map.of(
                    Op.Type.SCALAR, NATIVE::execScalar,
                    Op.Type.SCALAR_BOOL, NATIVE::execScalarBool);

    private final BaseOp operator;
    private final Op.Type type;
    private final Memory x;

    /** Null without a scalar. */
    private final Memory scalar;

    private final Memory result;

    /** Null without further arguments. */
    private final DataBuffer arguments;

    /** Binds an operator, as {@link BoundOperator#bind} says. */
    ElementwiseOperator(
            BaseOp operator,
            Tensor[] inputs,
            List<DataType> types,
            BiFunction<DataType, long[], Tensor> allocate) {
        this.operator = operator;
        type = operator instanceof ScalarOp scalarOp ? scalarOp.getOpType() : operator.opType();
        x = new Memory(inputs[0]);
        scalar =
                operator instanceof ScalarOp scalarOp
                        ? new Memory(inputs.length > 1 ? inputs[1] : Tensor.of(scalarOp.scalar()))
                        : null;
        result = new Memory(allocate.apply(types.get(0), inputs[0].shape()));
        boolean ofInput = type == Op.Type.TRANSFORM_BOOL || type == Op.Type.SCALAR_BOOL;
        arguments =
                operator.extraArgs() == null
                        ? null
                        : operator.extraArgsDataBuff(ofInput ? inputs[0].dataType() : types.get(0));
    }

    /** Whether an operator can be bound here. */
    static boolean canBind(DifferentialFunction operator, Tensor[] inputs) {
        if (inputs.length == 0 || inputs[0].isEmpty()) {
            return false;
        }
        if (operator instanceof TransformOp transform && operator instanceof BaseOp legacy) {
            return inputs.length == 1
                    && legacy.y() == null
                    && TRANSFORMS.containsKey(transform.getOpType());
        }
        return operator instanceof ScalarOp scalarOp
                && operator instanceof BaseOp
                && scalarOp.dimensions() == null
                && (inputs.length > 1 || scalarOp.scalar() != null);
    }

    @Override
    public void run() {
        Pointer further = arguments == null ? null : arguments.addressPointer();
        int number = operator.opNum();
        if (scalar == null) {
            TRANSFORMS
                    .get(type)
                    .run(
                            null,
                            number,
                            x.buffer,
                            x.shapeInfo,
                            null,
                            result.buffer,
                            result.shapeInfo,
                            null,
                            further);
        } else {
            WITH_SCALAR
                    .get(type)
                    .run(
                            null,
                            number,
                            x.buffer,
                            x.shapeInfo,
                            null,
                            result.buffer,
                            result.shapeInfo,
                            null,
                            scalar.buffer,
                            scalar.shapeInfo,
                            null,
                            further);
        }
        if (NATIVE.lastErrorCode() != 0) {
            throw new IllegalStateException(
                    "the operator " + operator.opName() + " failed: " + NATIVE.lastErrorMessage());
        }
    }

    @Override
    public void close() {
        x.close();
        result.close();
        if (scalar != null) {
            scalar.close();
        }
    }

    /** The native operators of one type without a scalar. */
    private interface Transform {
        void run(
                PointerPointer<?> none,
                int number,
                OpaqueDataBuffer x,
                LongPointer shapeInfo,
                LongPointer onDevice,
                OpaqueDataBuffer result,
                LongPointer resultShapeInfo,
                LongPointer resultOnDevice,
                Pointer arguments);
    }

    /** The native operators of one type with a scalar. */
    private interface WithScalar {
        void run(
                PointerPointer<?> none,
                int number,
                OpaqueDataBuffer x,
                LongPointer shapeInfo,
                LongPointer onDevice,
                OpaqueDataBuffer result,
                LongPointer resultShapeInfo,
                LongPointer resultOnDevice,
                OpaqueDataBuffer scalar,
                LongPointer scalarShapeInfo,
                LongPointer scalarOnDevice,
                Pointer arguments);
    }

    /** A tensor as the native operators take it. */
    private static final class Memory implements AutoCloseable {
        private final OpaqueDataBuffer buffer;
        private final LongPointer shapeInfo;

        Memory(Tensor tensor) {
            shapeInfo = new LongPointer(tensor.shapeInfo());
            buffer =
                    NATIVE.dbCreateExternalDataBuffer(
                            tensor.length(),
                            tensor.dataType().toInt(),
                            new Address(tensor.address()),
                            null);
        }

        @Override
        public void close() {
            if (!buffer.isNull()) {
                NATIVE.deleteDataBuffer(buffer);
                buffer.setNull();
                shapeInfo.close();
            }
        }
    }
}
