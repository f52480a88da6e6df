package io.github.dl4jjepa.core.internal.samediff;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.nd4j.linalg.api.buffer.DataBuffer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Memory for the intermediate results of a graph, kept from one run to the next.
 *
 * <p>Results are given out and taken back while a graph runs, so that a result lies where one that
 * is no longer needed lay before. The memory grows in blocks and never shrinks or moves: arrays of
 * earlier runs stay valid places. Giving out depends on the order of calls alone.
 */
public final class Arena implements AutoCloseable {
    private static final long SMALL_BLOCK_BYTES = 64L << 20;

    /**
     * A large model's blocks are large, so that its embedding's gradient fits where activations
     * lay.
     */
    private static final long LARGE_BLOCK_BYTES = 256L << 20;

    private static final long ALIGNMENT_BYTES = 64;

    private final DataType dataType;
    private final long smallBlockBytes;
    private final List<Block> blocks = new ArrayList<>();
    private long used;
    private long mostUsed;

    /**
     * @param dataType FLOAT or DOUBLE
     */
    public Arena(DataType dataType) {
        this(dataType, SMALL_BLOCK_BYTES);
    }

    /**
     * @param dataType any
     * @param smallBlockBytes size of the first blocks
     */
    Arena(DataType dataType, long smallBlockBytes) {
        this.dataType = dataType;
        this.smallBlockBytes = smallBlockBytes;
    }

    DataType dataType() {
        return dataType;
    }

    /** A place for a value, to be given back. */
    record Place(Block block, long start, long length) {
        /** The value that lies there: uninitialized, in C order. */
        Tensor tensor(long[] shape) {
            return Tensor.of(block, start, shape);
        }

        /** Gives it back. */
        void free() {
            block.giveBack(start, length);
        }
    }

    /** Finds a place, in the smallest gap that is large enough. */
    Place allocate(long length) {
        long unit = ALIGNMENT_BYTES / dataType.width();
        long rounded = (length + unit - 1) / unit * unit;
        Place best = null;
        for (Block block : blocks) {
            Place candidate = block.smallestGap(rounded);
            if (candidate != null && (best == null || candidate.length() < best.length())) {
                best = candidate;
            }
        }
        if (best == null) {
            Block block = new Block(Math.max(rounded, nextBlockBytes() / dataType.width()));
            blocks.add(block);
            best = block.smallestGap(rounded);
        }
        used += rounded;
        mostUsed = Math.max(mostUsed, used);
        return best.block().take(best.start(), rounded);
    }

    /** How many bytes were given out at once, at most. */
    public long mostBytesUsed() {
        return mostUsed * dataType.width();
    }

    private long nextBlockBytes() {
        return blocks.size() * smallBlockBytes < LARGE_BLOCK_BYTES
                ? smallBlockBytes
                : LARGE_BLOCK_BYTES;
    }

    /** Frees the memory; arrays lying in it become invalid. */
    @Override
    public void close() {
        blocks.forEach(block -> block.buffer.close());
        blocks.clear();
    }

    /** One piece of memory and its gaps. */
    final class Block {
        private final DataBuffer buffer;
        private final long address;
        private final FloatMemory floats;
        private final TreeMap<Long, Long> gaps = new TreeMap<>();

        Block(long length) {
            buffer = Nd4j.createBuffer(dataType, length, false);
            boolean isCpu = Nd4j.getEnvironment().isCPU();
            address = isCpu ? buffer.addressPointer().address() : 0;
            floats =
                    isCpu && dataType == DataType.FLOAT
                            ? FloatMemory.of(new Address(address), length)
                            : null;
            gaps.put(0L, length);
        }

        DataType dataType() {
            return dataType;
        }

        /** The array that begins at a place; uninitialized, in C order. */
        INDArray array(long start, long[] shape) {
            return Nd4j.create(buffer, shape, Nd4j.getStrides(shape), start, 'c', dataType);
        }

        /** Where a value lies, if the backend is the CPU's. */
        long address(long start) {
            return address + start * dataType.width();
        }

        /** Some of the block's values, if they are FLOAT and the backend is the CPU's. */
        FloatMemory floats(long start, long length) {
            return floats.part(start, length);
        }

        Place smallestGap(long length) {
            Place smallest = null;
            for (var gap : gaps.entrySet()) {
                if (gap.getValue() >= length
                        && (smallest == null || gap.getValue() < smallest.length())) {
                    smallest = new Place(this, gap.getKey(), gap.getValue());
                }
            }
            return smallest;
        }

        Place take(long start, long length) {
            long gap = gaps.remove(start);
            if (gap > length) {
                gaps.put(start + length, gap - length);
            }
            return new Place(this, start, length);
        }

        void giveBack(long start, long length) {
            used -= length;
            long end = start + length;
            Long after = gaps.remove(end);
            if (after != null) {
                length += after;
            }
            var before = gaps.lowerEntry(start);
            if (before != null && before.getKey() + before.getValue() == start) {
                gaps.put(before.getKey(), before.getValue() + length);
            } else {
                gaps.put(start, length);
            }
        }
    }
}
