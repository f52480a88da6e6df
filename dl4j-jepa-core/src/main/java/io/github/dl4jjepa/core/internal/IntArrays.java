package io.github.dl4jjepa.core.internal;

import org.bytedeco.javacpp.IntPointer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * INT32 arrays, made and read without other arrays: ND4J makes three to read one that is not a
 * vector, of a kilobyte each, and a step reads and makes dozens.
 */
public final class IntArrays {
    private IntArrays() {}

    /** The values of an INT32 array of any shape, in C order. */
    public static int[] values(INDArray array) {
        if (array.isEmpty()
                || !Nd4j.getEnvironment().isCPU()
                || array.dataType() != DataType.INT32
                || array.ordering() != 'c'
                || array.elementWiseStride() != 1) {
            return array.ravel().toIntVector();
        }
        int[] values = new int[Math.toIntExact(array.length())];
        new IntPointer(array.data().addressPointer()).get(values);
        return values;
    }

    /** An array of a shape that has so many values. */
    public static INDArray of(int[] values, long... shape) {
        return values.length == 0
                ? Nd4j.createFromArray(values)
                : Nd4j.create(values, shape, Nd4j.getStrides(shape), 'c', DataType.INT32);
    }
}
