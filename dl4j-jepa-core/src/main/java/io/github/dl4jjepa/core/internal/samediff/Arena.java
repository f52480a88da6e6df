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
    private final List<Block> blocks = new ArrayList<>();
    private long used;
    private long mostUsed;

    /**
     * @param dataType FLOAT or DOUBLE
     */
    public Arena(DataType dataType) {
        this.dataType = dataType;
    }

    DataType dataType() {
        return dataType;
    }

    /** A place for an array, to be given back. */
    record Place(Block block, long start, long length) {}

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
        return blocks.size() * SMALL_BLOCK_BYTES < LARGE_BLOCK_BYTES
                ? SMALL_BLOCK_BYTES
                : LARGE_BLOCK_BYTES;
    }

    /** Takes a place back. */
    void free(Place place) {
        used -= place.length();
        place.block().giveBack(place.start(), place.length());
    }

    /** The array of a place: uninitialized, in C order. */
    INDArray array(Place place, long[] shape) {
        return Nd4j.create(
                place.block().buffer, shape, Nd4j.getStrides(shape), place.start(), 'c', dataType);
    }

    /** Frees the memory; arrays lying in it become invalid. */
    @Override
    public void close() {
        blocks.forEach(block -> block.buffer.close());
        blocks.clear();
    }

    /** One piece of memory and its gaps. */
    private final class Block {
        private final DataBuffer buffer;
        private final TreeMap<Long, Long> gaps = new TreeMap<>();

        Block(long length) {
            buffer = Nd4j.createBuffer(dataType, length, false);
            gaps.put(0L, length);
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
