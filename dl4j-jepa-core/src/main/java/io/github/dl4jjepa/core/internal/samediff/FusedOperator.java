package io.github.dl4jjepa.core.internal.samediff;

import java.nio.ByteOrder;
import java.nio.IntBuffer;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import org.bytedeco.javacpp.IntPointer;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ops.DynamicCustomOp;

/**
 * An operator that {@link GraphExecutor} computes in Java, in one pass over its arrays.
 *
 * <p>SameDiff can draw and differentiate it, but neither run nor save it: it occurs in graphs made
 * by {@link Graphs#createForExecutor} only. Its integer and floating-point arguments survive the
 * copy that SameDiff makes of a graph to differentiate it.
 */
abstract class FusedOperator extends DynamicCustomOp {
    /** What SameDiff finds operators by whose names the native library does not know. */
    static final long HASH = 0;

    FusedOperator() {}

    FusedOperator(SDVariable... inputs) {
        super(inputs[0].getSameDiff(), inputs);
    }

    /** Allocates the outputs and binds the operator. */
    final BoundOperator bind(Tensor[] inputs, BiFunction<DataType, long[], Tensor> allocate) {
        Tensor[] outputs =
                outputShapes(inputs).stream()
                        .map(shape -> allocate.apply(DataType.FLOAT, shape))
                        .toArray(Tensor[]::new);
        Runnable kernel = kernel(inputs, outputs);
        return kernel::run;
    }

    /** The shapes of the outputs, which are FLOAT. */
    abstract List<long[]> outputShapes(Tensor[] inputs);

    /** What computes the outputs from what the inputs hold when it is run. */
    abstract Runnable kernel(Tensor[] inputs, Tensor[] outputs);

    /** Length of a tensor's last axis. */
    static int width(Tensor tensor) {
        return Math.toIntExact(tensor.size(-1));
    }

    /** How many rows a tensor has, all but its last axis being one. */
    static int rows(Tensor tensor) {
        return Math.toIntExact(tensor.length() / tensor.size(-1));
    }

    /** How many blocks of a size make up a number. */
    static int blocks(long values, int size) {
        return Math.toIntExact((values + size - 1) / size);
    }

    /**
     * An input's integers, to be read when a kernel runs.
     *
     * @throws IllegalArgumentException if it is not INT32 without gaps
     */
    static IntBuffer integers(Tensor tensor) {
        if (tensor.dataType() != DataType.INT32 || !tensor.isDense()) {
            throw new IllegalArgumentException(
                    "INT32 without gaps is needed, not " + tensor.array().shapeInfoToString());
        }
        return new IntPointer(new Address(tensor.address()))
                .capacity(tensor.length())
                .asByteBuffer()
                .order(ByteOrder.nativeOrder())
                .asIntBuffer();
    }

    @Override
    public abstract int getNumOutputs();

    @Override
    public final List<DataType> calculateOutputDataTypes(List<DataType> inputs) {
        return Collections.nCopies(getNumOutputs(), DataType.FLOAT);
    }

    @Override
    public final long opHash() {
        return HASH;
    }

    /** There are none beyond the arguments. */
    @Override
    public final Map<String, Object> propertiesForFunction() {
        return new LinkedHashMap<>();
    }

    @Override
    public final void setPropertiesForFunction(Map<String, Object> properties) {}
}
