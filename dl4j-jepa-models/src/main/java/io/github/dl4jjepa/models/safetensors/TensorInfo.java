package io.github.dl4jjepa.models.safetensors;

import java.nio.file.Path;
import java.util.List;

/**
 * One tensor of a checkpoint, as the header of its file describes it.
 *
 * @param name the checkpoint's name for it
 * @param dtype type of its elements as stored
 * @param shape its dimensions; empty for a scalar
 * @param file the file that holds it
 * @param offset its first byte, counted from the start of the file
 * @param length its size in bytes
 */
public record TensorInfo(
        String name, Dtype dtype, List<Long> shape, Path file, long offset, long length) {
    /** Copies the shape. */
    public TensorInfo {
        shape = List.copyOf(shape);
    }

    /** Number of elements. */
    public long elements() {
        return length * Byte.SIZE / dtype.bits();
    }

    /** The shape as ND4J takes it. */
    public long[] dimensions() {
        return shape.stream().mapToLong(Long::longValue).toArray();
    }
}
