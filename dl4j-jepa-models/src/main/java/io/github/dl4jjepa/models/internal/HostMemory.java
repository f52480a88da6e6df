package io.github.dl4jjepa.models.internal;

import java.io.IOException;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import org.bytedeco.javacpp.BytePointer;
import org.nd4j.linalg.api.buffer.DataBuffer;
import org.nd4j.linalg.api.concurrency.AffinityManager.Location;
import org.nd4j.linalg.api.memory.pointers.PagedPointer;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.shape.Shape;
import org.nd4j.linalg.factory.Nd4j;

/**
 * An array's elements as bytes of host memory, region by region: an array may be larger than the 2
 * GB that a {@link ByteBuffer} can see.
 *
 * <p>Arrays that live on a device are brought to the host first; after writing, the backend is told
 * that the host's copy is the valid one.
 */
public final class HostMemory {
    private HostMemory() {}

    /** Takes one region. */
    @FunctionalInterface
    public interface Visitor {
        /**
         * Takes one region.
         *
         * @param first index of the region's first element, in C order
         * @param region the elements in the machine's byte order; valid during the call only
         */
        void visit(long first, ByteBuffer region) throws IOException;
    }

    /** Whether the elements lie side by side in C order, as the visits need them. */
    public static boolean isDense(INDArray array) {
        return array.ordering() == 'c' && Shape.hasDefaultStridesForShape(array);
    }

    /** Shows a dense array, at most {@code elements} of it at a time. */
    public static void read(INDArray array, int elements, Visitor visitor) throws IOException {
        if (array.isEmpty()) {
            return;
        }
        Nd4j.getAffinityManager().ensureLocation(array, Location.HOST);
        DataBuffer data = array.data();
        int width = data.getElementSize();
        // A pointer's asByteBuffer counts from its address, not from its position: move the former.
        long address = data.pointer().address() + data.offset() * width;
        try {
            for (long first = 0; first < array.length(); first += elements) {
                long count = Math.min(elements, array.length() - first);
                ByteBuffer region =
                        new BytePointer(new PagedPointer(address + first * width))
                                .limit(count * width)
                                .asByteBuffer();
                visitor.visit(first, region);
            }
        } finally {
            Reference.reachabilityFence(array);
        }
    }

    /** Has a dense array filled, at most {@code elements} of it at a time. */
    public static void write(INDArray array, int elements, Visitor visitor) throws IOException {
        read(array, elements, visitor);
        Nd4j.getAffinityManager().tagLocation(array, Location.HOST);
    }
}
