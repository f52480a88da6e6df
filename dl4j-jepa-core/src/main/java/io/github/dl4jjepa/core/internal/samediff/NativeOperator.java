package io.github.dl4jjepa.core.internal.samediff;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.bytedeco.javacpp.BooleanPointer;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.nativeblas.NativeOps;
import org.nd4j.nativeblas.NativeOpsHolder;
import org.nd4j.nativeblas.OpaqueContext;
import org.nd4j.nativeblas.OpaqueShapeList;

/**
 * An operator of ND4J's on the CPU, with a native context that is kept.
 *
 * <p>ND4J's own contexts keep an {@code INDArray} of all that they are bound to, and are freed only
 * when the collector finds them. This one is bound to addresses, and freed when it is closed.
 */
final class NativeOperator implements BoundOperator {
    private static final NativeOps NATIVE = NativeOpsHolder.getInstance().getDeviceNativeOps();

    private final DynamicCustomOp operator;
    private final OpaqueContext context;

    /** Binds an operator, as {@link BoundOperator#bind} says. */
    NativeOperator(
            DynamicCustomOp operator,
            Tensor[] inputs,
            List<DataType> types,
            BiFunction<DataType, long[], Tensor> allocate) {
        this.operator = operator;
        List<long[]> shapes = outputShapes(operator, inputs);
        List<Tensor> outputs =
                IntStream.range(0, shapes.size())
                        .mapToObj(i -> allocate.apply(types.get(i), shapes.get(i)))
                        .toList();
        context = NATIVE.createGraphContext(1);
        try (Arguments arguments = new Arguments(operator)) {
            arguments.putInto(context);
        }
        for (int i = 0; i < inputs.length; i++) {
            try (LongPointer shapeInfo = new LongPointer(inputs[i].shapeInfo())) {
                NATIVE.setGraphContextInputArray(
                        context, i, buffer(inputs[i]), shapeInfo, null, null);
            }
        }
        for (int i = 0; i < outputs.size(); i++) {
            try (LongPointer shapeInfo = new LongPointer(outputs.get(i).shapeInfo())) {
                NATIVE.setGraphContextOutputArray(
                        context, i, buffer(outputs.get(i)), shapeInfo, null, null);
            }
        }
    }

    private static Pointer buffer(Tensor tensor) {
        return tensor.isEmpty() ? null : new Address(tensor.address());
    }

    /** The shapes of an operator's outputs. */
    static List<long[]> outputShapes(DynamicCustomOp operator, Tensor[] inputs) {
        long[][] shapeInfos = Stream.of(inputs).map(Tensor::shapeInfo).toArray(long[][]::new);
        long length = Stream.of(shapeInfos).mapToLong(info -> info.length).sum();
        try (Arguments arguments = new Arguments(operator);
                PointerPointer<Pointer> buffers = new PointerPointer<>(inputs.length + 1L);
                PointerPointer<Pointer> infos = new PointerPointer<>(inputs.length + 1L);
                LongPointer memory = new LongPointer(length + 1)) {
            long next = 0;
            for (int i = 0; i < inputs.length; i++) {
                memory.position(next).put(shapeInfos[i], 0, shapeInfos[i].length);
                infos.put(i, new Address(memory.position(0).address() + next * Long.BYTES));
                buffers.put(i, buffer(inputs[i]));
                next += shapeInfos[i].length;
            }
            return arguments.outputShapes(buffers, infos, inputs.length);
        }
    }

    @Override
    public void run() {
        if (NATIVE.execCustomOp2(null, operator.opHash(), context) != 0) {
            throw new IllegalStateException(failure(operator));
        }
    }

    private static String failure(DynamicCustomOp operator) {
        return "the operator "
                + operator.opName()
                + " ("
                + operator.getOwnName()
                + ") failed: "
                + NATIVE.lastErrorMessage();
    }

    @Override
    public void close() {
        if (!context.isNull()) {
            NATIVE.deleteGraphContext(context);
            context.setNull();
        }
    }

    /** An operator's arguments that are not arrays, in native memory; null where there are none. */
    private record Arguments(
            LongPointer integers,
            DoublePointer reals,
            BooleanPointer booleans,
            IntPointer types,
            DynamicCustomOp operator)
            implements AutoCloseable {
        Arguments(DynamicCustomOp operator) {
            this(
                    operator.numIArguments() == 0 ? null : new LongPointer(operator.iArgs()),
                    operator.numTArguments() == 0 ? null : new DoublePointer(operator.tArgs()),
                    operator.numBArguments() == 0 ? null : new BooleanPointer(operator.bArgs()),
                    operator.numDArguments() == 0
                            ? null
                            : new IntPointer(
                                    Stream.of(operator.dArgs())
                                            .mapToInt(DataType::toInt)
                                            .toArray()),
                    operator);
        }

        void putInto(OpaqueContext context) {
            if (integers != null) {
                NATIVE.setGraphContextIArguments(context, integers, operator.numIArguments());
            }
            if (reals != null) {
                NATIVE.setGraphContextTArguments(context, reals, operator.numTArguments());
            }
            if (booleans != null) {
                NATIVE.setGraphContextBArguments(context, booleans, operator.numBArguments());
            }
            if (types != null) {
                NATIVE.setGraphContextDArguments(context, types, operator.numDArguments());
            }
        }

        List<long[]> outputShapes(
                PointerPointer<Pointer> buffers, PointerPointer<Pointer> infos, int inputs) {
            OpaqueShapeList list =
                    NATIVE.calculateOutputShapes2(
                            null,
                            operator.opHash(),
                            buffers,
                            infos,
                            inputs,
                            reals,
                            operator.numTArguments(),
                            integers,
                            operator.numIArguments(),
                            booleans,
                            operator.numBArguments(),
                            types,
                            operator.numDArguments());
            if (NATIVE.lastErrorCode() != 0) {
                throw new IllegalStateException(failure(operator));
            }
            List<long[]> shapes = new ArrayList<>();
            for (long i = 0; i < NATIVE.getShapeListSize(list); i++) {
                LongPointer info = NATIVE.getShape(list, i);
                long[] shape = new long[Math.toIntExact(info.get(0))];
                info.position(1).get(shape);
                shapes.add(shape);
            }
            NATIVE.deleteShapeList(list);
            return shapes;
        }

        @Override
        public void close() {
            Stream.of(integers, reals, booleans, types)
                    .filter(pointer -> pointer != null)
                    .forEach(Pointer::close);
        }
    }
}
