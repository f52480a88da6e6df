package io.github.dl4jjepa.models.safetensors;

import java.nio.file.Path;

/**
 * Where a tensor lies.
 *
 * @param name the tensor's name
 * @param dtype type of its numbers
 * @param shape its shape; empty for a scalar
 * @param file the file it lies in
 * @param offset where in the file its bytes begin
 * @param bytes how many they are
 */
public record TensorInfo(
        String name, Dtype dtype, long[] shape, Path file, long offset, long bytes) {
    /** How many numbers the tensor has. */
    public long length() {
        return bytes / dtype.bytes();
    }
}
