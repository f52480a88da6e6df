package io.github.dl4jjepa.core.internal.samediff;

import java.nio.FloatBuffer;
import org.bytedeco.javacpp.FloatPointer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The off-heap memory of a FLOAT array, to copy from and to in blocks.
 *
 * <p>Loops over {@code float[]} blocks become vector instructions, loops over off-heap memory do
 * not. The copies cost less than a tenth of such a loop.
 */
public final class FloatMemory {
    /** A buffer ends at 2 GB. */
    private static final int REGION_BITS = 28;

    private static final long REGION = 1L << REGION_BITS;

    private final FloatBuffer[] regions;

    /** The number of the first value within the regions. */
    private final long start;

    private final long length;

    private FloatMemory(FloatBuffer[] regions, long start, long length) {
        this.regions = regions;
        this.start = start;
        this.length = length;
    }

    /**
     * The memory of an array, which must stay open as long as this is used.
     *
     * @param array FLOAT, in C order without gaps
     * @throws IllegalArgumentException if it is not
     */
    public static FloatMemory of(INDArray array) {
        return Tensor.of(array).floats();
    }

    /** The memory from an address on, which must stay allocated as long as this is used. */
    static FloatMemory of(FloatPointer address, long length) {
        FloatPointer pointer = new FloatPointer(address);
        FloatBuffer[] regions = new FloatBuffer[Math.toIntExact((length + REGION - 1) / REGION)];
        for (int i = 0; i < regions.length; i++) {
            long end = Math.min(length, (i + 1) * REGION);
            regions[i] = pointer.position(i * REGION).limit(end).asByteBuffer().asFloatBuffer();
        }
        return new FloatMemory(regions, 0, length);
    }

    /**
     * The memory from an array's first value to its last, with all that lies between them.
     *
     * @param array FLOAT, with strides that are not negative
     */
    static FloatMemory spanning(INDArray array) {
        long last = 0;
        for (int axis = 0; axis < array.rank(); axis++) {
            last += (array.size(axis) - 1) * array.stride(axis);
        }
        return of(new FloatPointer(array.data().addressPointer()), last + 1);
    }

    /** Whether an array is FLOAT and lies in C order without gaps. */
    public static boolean isReadable(INDArray array) {
        return array.dataType() == DataType.FLOAT && Tensor.isDense(array);
    }

    /** Some of the values. */
    FloatMemory part(long from, long count) {
        return new FloatMemory(regions, start + from, count);
    }

    /** How many values there are. */
    public long length() {
        return length;
    }

    /** Copies {@code count} values from a position on to the beginning of a block. */
    public void get(long position, float[] block, int count) {
        long at = start + position;
        int region = (int) (at >>> REGION_BITS);
        int index = (int) (at & (REGION - 1));
        FloatBuffer buffer = regions[region];
        int here = Math.min(count, buffer.capacity() - index);
        buffer.get(index, block, 0, here);
        if (here < count) {
            regions[region + 1].get(0, block, here, count - here);
        }
    }

    /** Copies the beginning of a block to a position. */
    public void put(long position, float[] block, int count) {
        long at = start + position;
        int region = (int) (at >>> REGION_BITS);
        int index = (int) (at & (REGION - 1));
        FloatBuffer buffer = regions[region];
        int here = Math.min(count, buffer.capacity() - index);
        buffer.put(index, block, 0, here);
        if (here < count) {
            regions[region + 1].put(0, block, here, count - here);
        }
    }

    float get(long position) {
        long at = start + position;
        return regions[(int) (at >>> REGION_BITS)].get((int) (at & (REGION - 1)));
    }

    void put(long position, float value) {
        long at = start + position;
        regions[(int) (at >>> REGION_BITS)].put((int) (at & (REGION - 1)), value);
    }
}
