package io.github.dl4jjepa.core.internal.samediff;

import org.bytedeco.javacpp.Pointer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.shape.options.ArrayOptionsHelper;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A value of a graph, as the operators that are bound to it see it: a place, a type and a shape.
 *
 * <p>An {@code INDArray} takes a kilobyte of Java's heap, and native memory that is freed only when
 * the collector finds it. A graph has hundreds of intermediate results for each shape of its
 * inputs, of which nearly none is ever asked for as such: for these, an array is made when it is.
 */
final class Tensor {
    private final DataType dataType;
    private final long[] shape;

    /** Where the value lies in an arena; null if it is an array's. */
    private final Arena.Block block;

    private final long start;
    private INDArray array;
    private FloatMemory floats;

    private Tensor(DataType dataType, long[] shape, Arena.Block block, long start, INDArray array) {
        this.dataType = dataType;
        this.shape = shape;
        this.block = block;
        this.start = start;
        this.array = array;
    }

    /** An array, which must stay open for as long as the tensor is used. */
    static Tensor of(INDArray array) {
        return new Tensor(array.dataType(), array.shape(), null, 0, array);
    }

    /**
     * A part of a block, in C order without gaps.
     *
     * @param start the number of the first value
     */
    static Tensor of(Arena.Block block, long start, long[] shape) {
        return new Tensor(block.dataType(), shape, block, start, null);
    }

    DataType dataType() {
        return dataType;
    }

    /** The sizes of the axes; not to be changed. */
    long[] shape() {
        return shape;
    }

    int rank() {
        return shape.length;
    }

    /** Length of an axis; of the last ones if it is negative. */
    long size(int axis) {
        return shape[axis < 0 ? shape.length + axis : axis];
    }

    long length() {
        return length(shape);
    }

    /** How many values a shape has. */
    static long length(long[] shape) {
        long length = 1;
        for (long size : shape) {
            length *= size;
        }
        return length;
    }

    /** Whether it lies in C order without gaps. */
    boolean isDense() {
        return block != null || isDense(array);
    }

    /** Whether an array lies in C order without gaps. */
    static boolean isDense(INDArray array) {
        return array.length() <= 1
                || array.elementWiseStride() == 1 && (array.ordering() == 'c' || array.isVector());
    }

    /** Whether its axes are in C order. */
    boolean isRowMajor() {
        return block != null || array.ordering() == 'c';
    }

    /** Where the first value lies in the CPU's memory; 0 if it is empty. */
    long address() {
        if (block != null) {
            return block.address(start);
        }
        return array.isEmpty() ? 0 : array.data().addressPointer().address();
    }

    /**
     * The values.
     *
     * @throws IllegalArgumentException if it is not FLOAT, in C order without gaps
     */
    FloatMemory floats() {
        if (floats == null) {
            if (dataType != DataType.FLOAT || !isDense()) {
                throw new IllegalArgumentException(
                        "FLOAT in C order is needed, not " + array().shapeInfoToString());
            }
            floats =
                    block != null
                            ? block.floats(start, length())
                            : FloatMemory.of(new Address(address()), length());
        }
        return floats;
    }

    /** The same memory in another shape; a copy if there are gaps in it. */
    Tensor reshaped(long[] newShape) {
        return block == null
                ? of(array.reshape('c', newShape))
                : new Tensor(dataType, newShape, block, start, null);
    }

    /** The value as ND4J's. */
    INDArray array() {
        if (array == null) {
            array = block.array(start, shape);
        }
        return array;
    }

    /** Copies an array of the same shape. */
    void assign(INDArray source) {
        if (source.isEmpty()) {
            return;
        }
        Tensor other = of(source);
        if (Nd4j.getEnvironment().isCPU()
                && other.dataType == dataType
                && other.isDense()
                && isDense()) {
            Pointer.memcpy(
                    new Address(address()),
                    new Address(other.address()),
                    length() * dataType.width());
        } else {
            array().assign(source);
        }
    }

    /** Whether ND4J holds it to be empty. */
    boolean isEmpty() {
        return length() == 0 && array().isEmpty();
    }

    /**
     * How ND4J describes it to native code: rank, sizes, strides, flags, distance of values and
     * order.
     */
    long[] shapeInfo() {
        if (block == null || length() == 0) {
            return array().shapeInfoJava();
        }
        int rank = shape.length;
        long[] info = new long[2 * rank + 4];
        info[0] = rank;
        System.arraycopy(shape, 0, info, 1, rank);
        System.arraycopy(Nd4j.getStrides(shape), 0, info, 1 + rank, rank);
        info[2 * rank + 1] = ArrayOptionsHelper.setOptionBit(0L, dataType);
        info[2 * rank + 2] = 1;
        info[2 * rank + 3] = 'c';
        return info;
    }
}
