package io.github.dl4jjepa.models.safetensors;

import java.nio.ByteBuffer;
import org.bytedeco.javacpp.BytePointer;
import org.nd4j.linalg.api.buffer.DataBuffer;
import org.nd4j.linalg.api.concurrency.AffinityManager.Location;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.shape.Shape;
import org.nd4j.linalg.factory.Nd4j;

/**
 * An array's elements as bytes of host memory, in C order, a region at a time: an array may be
 * larger than the 2 GB a {@link ByteBuffer} can see.
 *
 * <p>On a backend whose arrays live elsewhere, {@link #of} brings them to the host and {@link
 * #written()} says that the host's copy is now the valid one.
 */
final class HostMemory {
    private final INDArray array;
    private final BytePointer memory;
    private final long start;

    private HostMemory(INDArray array) {
        Nd4j.getAffinityManager().ensureLocation(array, Location.HOST);
        DataBuffer data = array.data();
        this.array = array;
        this.memory = new BytePointer(data.pointer());
        this.start = data.offset() * data.getElementSize();
    }

    /**
     * @param array not empty, and {@linkplain #isDense dense}
     */
    static HostMemory of(INDArray array) {
        return new HostMemory(array);
    }

    /** Whether the elements lie side by side in C order. */
    static boolean isDense(INDArray array) {
        return array.ordering() == 'c' && Shape.hasDefaultStridesForShape(array);
    }

    /** The bytes from {@code offset} on, in the machine's byte order. */
    ByteBuffer region(long offset, int length) {
        long first = start + offset;
        return memory.position(first).limit(first + length).asByteBuffer();
    }

    /** Tells the backend that the regions were written to. */
    void written() {
        Nd4j.getAffinityManager().tagLocation(array, Location.HOST);
    }
}
