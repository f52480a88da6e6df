package io.github.dl4jjepa.examples.spark;

import io.github.dl4jjepa.core.internal.samediff.FloatMemory;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Arrays by name as one vector, their values one after the other in the order of the names, which
 * is cut into blocks to be sent.
 *
 * <p>Driver and executors make it of the same names and shapes, so that blocks need no names.
 */
final class FlatArrays {
    /** How many values a block has, but for the last: 16 MB. */
    static final int BLOCK = 1 << 22;

    /** How many values are copied at a time. */
    private static final int BUFFER = 1 << 14;

    private final Map<String, Long> starts = new LinkedHashMap<>();
    private final Map<String, INDArray> arrays;
    private final long length;

    /**
     * @param arrays FLOAT, in C order without gaps; they stay the caller's
     */
    FlatArrays(Map<String, INDArray> arrays) {
        this.arrays = new LinkedHashMap<>(arrays);
        long start = 0;
        for (Map.Entry<String, INDArray> entry : arrays.entrySet()) {
            if (!FloatMemory.isReadable(entry.getValue())) {
                throw new IllegalArgumentException(
                        entry.getKey()
                                + " must be FLOAT in C order, not "
                                + entry.getValue().shapeInfoToString());
            }
            starts.put(entry.getKey(), start);
            start += entry.getValue().length();
        }
        length = start;
    }

    /** The size of all values. */
    long bytes() {
        return length * Float.BYTES;
    }

    /** Zeros for all values. */
    float[][] newBlocks() {
        float[][] blocks = new float[Math.toIntExact((length + BLOCK - 1) / BLOCK)][];
        for (int i = 0; i < blocks.length; i++) {
            blocks[i] = new float[(int) Math.min(BLOCK, length - (long) i * BLOCK)];
        }
        return blocks;
    }

    /** Copies the arrays' values. */
    float[][] toBlocks() {
        float[][] blocks = newBlocks();
        arrays.forEach((name, array) -> copy(name, array, blocks, FlatArrays::get));
        return blocks;
    }

    /** Sets the arrays' values. */
    void set(float[][] blocks) {
        arrays.forEach((name, array) -> copy(name, array, blocks, FlatArrays::put));
    }

    /** Sets an array to the values that one of these arrays has in the blocks. */
    void get(float[][] blocks, String name, INDArray array) {
        copy(name, array, blocks, FlatArrays::put);
    }

    /** Adds the values of an array to those that one of these arrays has in the blocks. */
    void add(float[][] blocks, String name, INDArray addend) {
        if (FloatMemory.isReadable(addend)) {
            copy(name, addend, blocks, FlatArrays::add);
            return;
        }
        try (INDArray dense = addend.dup('c')) {
            copy(name, dense, blocks, FlatArrays::add);
        }
    }

    /** What happens to some values of an array and of a block, by way of a buffer. */
    private interface Transfer {
        void run(
                FloatMemory memory,
                long position,
                float[] block,
                int index,
                float[] buffer,
                int count);
    }

    private void copy(String name, INDArray array, float[][] blocks, Transfer transfer) {
        long start = Objects.requireNonNull(starts.get(name), name);
        FloatMemory memory = FloatMemory.of(array);
        float[] buffer = new float[(int) Math.min(BUFFER, memory.length())];
        int count;
        for (long position = 0; position < memory.length(); position += count) {
            long flat = start + position;
            int index = (int) (flat % BLOCK);
            count =
                    (int)
                            Math.min(
                                    buffer.length,
                                    Math.min(BLOCK - index, memory.length() - position));
            transfer.run(memory, position, blocks[(int) (flat / BLOCK)], index, buffer, count);
        }
    }

    private static void get(
            FloatMemory memory,
            long position,
            float[] block,
            int index,
            float[] buffer,
            int count) {
        memory.get(position, buffer, count);
        System.arraycopy(buffer, 0, block, index, count);
    }

    private static void put(
            FloatMemory memory,
            long position,
            float[] block,
            int index,
            float[] buffer,
            int count) {
        System.arraycopy(block, index, buffer, 0, count);
        memory.put(position, buffer, count);
    }

    private static void add(
            FloatMemory memory,
            long position,
            float[] block,
            int index,
            float[] buffer,
            int count) {
        memory.get(position, buffer, count);
        for (int i = 0; i < count; i++) {
            block[index + i] += buffer[i];
        }
    }
}
