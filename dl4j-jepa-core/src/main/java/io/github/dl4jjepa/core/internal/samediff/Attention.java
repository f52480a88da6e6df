package io.github.dl4jjepa.core.internal.samediff;

import static io.github.dl4jjepa.core.internal.samediff.VectorLoops.BLOCK;

import io.github.dl4jjepa.core.internal.samediff.TileProduct.Tile;
import java.nio.IntBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.bytedeco.javacpp.FloatPointer;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * Attention of tokens to tokens of their row, and its gradient.
 *
 * <p>Scores are computed for a block of queries at a time, and again in the backward pass, which is
 * left the logarithms of their sums (arXiv 2205.14135): the memory grows with the tokens, not with
 * their square. Blocks of keys that no query of a block sees are passed over. Heads are read where
 * they lie in {@code [rows * time, heads * headDim]}.
 *
 * <p>A thread works on the query heads of one key-value head of one row, so that it alone adds to
 * the gradients of that head's keys and values.
 */
final class Attention {
    private static final float MASKED = -1e9f;

    /**
     * Exponentials that are taken of scores as they are add up to something between these, or else
     * are taken of scores less their maximum, which costs a third more. Below, scores that count
     * might be taken for 0; above, one may be more than a float can hold.
     */
    private static final float LEAST_SUM = 1e-18f;

    private static final float MOST_SUM = 1e30f;

    private Attention() {}

    /**
     * Draws the weighted sums of values.
     *
     * @param queries {@code [rows * time, heads * headDim]}, scaled
     * @param keys {@code [rows * time, keyValueHeads * headDim]}
     * @param values {@code [rows * time, keyValueHeads * headDim]}
     * @param seen INT32 {@code [rows, time]} each: positions, segments, prefixes
     */
    static SDVariable draw(
            SDVariable queries,
            SDVariable keys,
            SDVariable values,
            List<SDVariable> seen,
            int headDim,
            int window) {
        return new Forward(
                        headDim,
                        window,
                        queries,
                        keys,
                        values,
                        seen.get(0),
                        seen.get(1),
                        seen.get(2))
                .outputVariables()[0];
    }

    /** What forward and backward pass have in common; both begin with the same inputs. */
    private abstract static class Pass extends FusedOperator {
        static final int INPUTS = 6;

        Pass() {}

        Pass(int headDim, int window, SDVariable... inputs) {
            super(inputs);
            addIArgument(headDim, window);
        }

        final int headDim() {
            return getIArgument(0).intValue();
        }

        final int window() {
            return getIArgument(1).intValue();
        }
    }

    /** Sizes, and where things lie. */
    private static final class Shape {
        final int headDim;
        final int window;
        final int rows;
        final int time;
        final int heads;
        final int keyValueHeads;
        final int group;
        final int queryBlock;
        final int keyBlock;

        Shape(Pass pass, Tensor[] inputs) {
            headDim = pass.headDim();
            window = pass.window();
            rows = Math.toIntExact(inputs[3].size(0));
            time = Math.toIntExact(inputs[3].size(1));
            heads = FusedOperator.width(inputs[0]) / headDim;
            keyValueHeads = FusedOperator.width(inputs[1]) / headDim;
            group = heads / keyValueHeads;
            int area = Math.max(1, TileProduct.MULTIPLICATIONS / headDim);
            int queries = Math.max(1, Integer.highestOneBit((int) Math.sqrt(area)));
            queryBlock = even(queries);
            keyBlock = even(area / queries);
        }

        /** A size for blocks of about equal length, at most the one that is given. */
        private int even(int most) {
            int count = FusedOperator.blocks(time, most);
            return (time + count - 1) / count;
        }

        long scores() {
            return (long) rows * heads * time * time;
        }
    }

    /** What decides which keys queries see, of all rows. */
    private record Seen(IntBuffer positions, IntBuffer segments, IntBuffer prefixes) {
        static Seen of(Tensor[] inputs) {
            return new Seen(
                    FusedOperator.integers(inputs[3]),
                    FusedOperator.integers(inputs[4]),
                    FusedOperator.integers(inputs[5]));
        }
    }

    /** Which keys the queries of a row see, block by block. */
    private static final class Sight {
        private final Shape shape;
        private final Seen seen;
        private final int[] position;
        private final int[] segment;
        private final int[] prefix;

        /** The blocks of keys that the present block of queries may see, and how many there are. */
        private final int[] visible;

        private int visibleBlocks;

        /** How many keys these blocks have. */
        private int width;

        /** Whether an earlier block of queries of the row may see a block of keys. */
        private final boolean[] seenBefore;

        /**
         * {@code [queries, width]}, added to scores: 0 where a query sees a key. The thread's block
         * 5.
         */
        private final float[] mask;

        Sight(Shape shape, Seen seen) {
            this.shape = shape;
            this.seen = seen;
            position = new int[shape.time];
            segment = new int[shape.time];
            prefix = new int[shape.time];
            visible = new int[FusedOperator.blocks(shape.time, shape.keyBlock)];
            seenBefore = new boolean[visible.length];
            mask = VectorLoops.Scratch.get().block(5, shape.queryBlock * shape.time);
        }

        void goToRow(int row) {
            int first = row * shape.time;
            seen.positions.get(first, position);
            seen.segments.get(first, segment);
            seen.prefixes.get(first, prefix);
            visibleBlocks = 0;
            Arrays.fill(seenBefore, false);
        }

        /** Goes on to the next block of queries. */
        void goToQueries(int first, int count) {
            for (int i = 0; i < visibleBlocks; i++) {
                seenBefore[visible[i]] = true;
            }
            Range at = Range.of(position, first, count);
            Range own = Range.of(segment, first, count);
            Range before = Range.of(prefix, first, count);
            visibleBlocks = 0;
            width = 0;
            for (int block = 0; block < visible.length; block++) {
                int key = block * shape.keyBlock;
                Range keyAt = Range.of(position, key, keys(block));
                Range of = Range.of(segment, key, keys(block));
                if (keyAt.least() <= at.most()
                        && (of.meets(own) || of.meets(before))
                        && (shape.window == 0 || keyAt.most() > at.least() - shape.window)) {
                    visible[visibleBlocks] = block;
                    visibleBlocks++;
                    width += keys(block);
                }
            }
            for (int query = 0; query < count; query++) {
                int column = query * width;
                for (int i = 0; i < visibleBlocks; i++) {
                    int key = visible[i] * shape.keyBlock;
                    int end = key + keys(visible[i]);
                    for (; key < end; key++) {
                        mask[column] = sees(first + query, key) ? 0 : MASKED;
                        column++;
                    }
                }
            }
        }

        int keys(int block) {
            return Math.min(shape.keyBlock, shape.time - block * shape.keyBlock);
        }

        private boolean sees(int query, int key) {
            return position[key] <= position[query]
                    && (segment[key] == segment[query] || segment[key] == prefix[query])
                    && (shape.window == 0 || position[key] > position[query] - shape.window);
        }
    }

    /** The least and the most of some values. */
    private record Range(int least, int most) {
        static Range of(int[] values, int first, int count) {
            int least = values[first];
            int most = least;
            for (int i = first + 1; i < first + count; i++) {
                least = Math.min(least, values[i]);
                most = Math.max(most, values[i]);
            }
            return new Range(least, most);
        }

        boolean meets(Range other) {
            return least <= other.most && other.least <= most;
        }
    }

    /** Off-heap memory for scores, of a thread, used again from kernel to kernel. */
    static final class Scores {
        private static final ThreadLocal<Scores[]> OF_THREAD =
                ThreadLocal.withInitial(() -> new Scores[] {new Scores(1), new Scores(1)});

        private final FloatPointer data;
        private final FloatMemory memory;

        private Scores(long length) {
            data = new FloatPointer(length);
            memory = FloatMemory.of(data, length);
        }

        long address() {
            return data.address();
        }

        FloatMemory memory() {
            return memory;
        }

        /** One of the thread's two, with room for so many values. */
        static Scores get(int number, long length) {
            Scores[] scores = OF_THREAD.get();
            if (scores[number].memory.length() < length) {
                scores[number].data.close();
                scores[number] = new Scores(length);
            }
            return scores[number];
        }
    }

    /** A matrix of heads, as an operand of products. */
    private static final class Heads {
        private final long address;

        Heads(Tensor heads) {
            heads.floats();
            address = heads.address();
        }
    }

    /** Some queries of one head, and the keys that they may see. */
    private record Block(Shape shape, Sight sight, int row, int head, int first, int count) {
        /** Goes through all blocks, with threads. */
        static void forEach(Shape shape, Seen seen, Consumer<Block> action) {
            KernelThreads.run(
                    shape.rows * shape.keyValueHeads,
                    shape.scores(),
                    (from, to) -> {
                        Sight sight = new Sight(shape, seen);
                        int task = from;
                        while (task < to) {
                            int row = task / shape.keyValueHeads;
                            int end = Math.min(to, (row + 1) * shape.keyValueHeads);
                            int firstHead = task % shape.keyValueHeads * shape.group;
                            int heads = (end - task) * shape.group;
                            sight.goToRow(row);
                            for (int first = 0; first < shape.time; first += shape.queryBlock) {
                                int count = Math.min(shape.queryBlock, shape.time - first);
                                sight.goToQueries(first, count);
                                for (int head = firstHead; head < firstHead + heads; head++) {
                                    action.accept(new Block(shape, sight, row, head, first, count));
                                }
                            }
                            task = end;
                        }
                    });
        }

        /** {@code [count, sight.width]}: products of queries, or their like, with keys. */
        Scores scores(int number, Heads queries, Heads keys) {
            int width = sight.width;
            Scores scores = Scores.get(number, (long) shape.queryBlock * shape.time);
            Tile query = ofQueries(queries);
            int column = 0;
            for (int i = 0; i < sight.visibleBlocks; i++) {
                int block = sight.visible[i];
                int keyCount = sight.keys(block);
                TileProduct.timesTransposed(
                        query,
                        ofKeys(keys, block),
                        Tile.at(scores.address(), column, width),
                        count,
                        keyCount,
                        shape.headDim);
                column += keyCount;
            }
            return scores;
        }

        /** Sums values, or their like, by weights. */
        void mix(Scores weights, Heads values, Heads result) {
            Tile sums = ofQueries(result);
            int column = 0;
            for (int i = 0; i < sight.visibleBlocks; i++) {
                int block = sight.visible[i];
                int keyCount = sight.keys(block);
                TileProduct.times(
                        Tile.at(weights.address(), column, sight.width),
                        ofKeys(values, block),
                        sums,
                        count,
                        shape.headDim,
                        keyCount,
                        i > 0);
                column += keyCount;
            }
        }

        /** Adds to the gradients of keys what queries, or their like, give them by weights. */
        void addToKeys(Scores weights, Heads queries, Heads gradients) {
            Tile query = ofQueries(queries);
            int column = 0;
            for (int i = 0; i < sight.visibleBlocks; i++) {
                int block = sight.visible[i];
                int keyCount = sight.keys(block);
                TileProduct.transposedTimes(
                        Tile.at(weights.address(), column, sight.width),
                        query,
                        ofKeys(gradients, block),
                        keyCount,
                        shape.headDim,
                        count,
                        sight.seenBefore[block] || head % shape.group > 0);
                column += keyCount;
            }
        }

        /** Where some of the block's scores begin that lie one after another in their memory. */
        long ofScores(int query) {
            return (long) query * sight.width;
        }

        /** Where the logarithm of the sum of a query's scores lies. */
        long ofSum(int query) {
            return ((long) row * shape.heads + head) * shape.time + first + query;
        }

        private Tile ofQueries(Heads heads) {
            long position =
                    (((long) row * shape.time + first) * shape.heads + head) * shape.headDim;
            return Tile.at(heads.address, position, shape.heads * shape.headDim);
        }

        private Tile ofKeys(Heads heads, int block) {
            long token = (long) row * shape.time + (long) block * shape.keyBlock;
            long position = (token * shape.keyValueHeads + head / shape.group) * shape.headDim;
            return Tile.at(heads.address, position, shape.keyValueHeads * shape.headDim);
        }

        /** So many queries' scores are a block of {@link VectorLoops}. */
        int together() {
            return Math.max(1, BLOCK / sight.width);
        }

        /** Adds the mask to the scores of some queries. */
        void hide(float[] scores, int query, int queries, float[] buffer) {
            int n = queries * sight.width;
            System.arraycopy(sight.mask, query * sight.width, buffer, 0, n);
            VectorLoops.add(scores, buffer, n);
        }
    }

    /** The sums of values; and {@code [rows, heads, time]}, logarithms of sums of scores. */
    public static final class Forward extends Pass {
        public Forward() {}

        Forward(int headDim, int window, SDVariable... inputs) {
            super(headDim, window, inputs);
        }

        @Override
        public String opName() {
            return "dl4j_jepa_attention";
        }

        @Override
        public int getNumOutputs() {
            return 2;
        }

        @Override
        List<long[]> outputShapes(Tensor[] inputs) {
            Shape shape = new Shape(this, inputs);
            return List.of(inputs[0].shape(), new long[] {shape.rows, shape.heads, shape.time});
        }

        @Override
        public List<SDVariable> doDiff(List<SDVariable> gradients) {
            SDVariable[] inputs = Arrays.copyOf(args(), INPUTS + 2);
            inputs[INPUTS] = outputVariables()[1];
            inputs[INPUTS + 1] = gradients.get(0);
            return List.of(new Backward(headDim(), window(), inputs).outputVariables());
        }

        @Override
        Runnable kernel(Tensor[] inputs, Tensor[] outputs) {
            Shape shape = new Shape(this, inputs);
            Seen seen = Seen.of(inputs);
            Heads queries = new Heads(inputs[0]);
            Heads keys = new Heads(inputs[1]);
            Heads values = new Heads(inputs[2]);
            Heads result = new Heads(outputs[0]);
            FloatMemory sums = outputs[1].floats();
            return () ->
                    Block.forEach(
                            shape,
                            seen,
                            block -> {
                                Scores scores = block.scores(0, queries, keys);
                                softmax(block, scores.memory, sums);
                                block.mix(scores, values, result);
                            });
        }

        /** Makes probabilities of a block's scores. */
        private static void softmax(Block block, FloatMemory scores, FloatMemory sums) {
            int width = block.sight.width;
            int together = block.together();
            VectorLoops.Scratch scratch = VectorLoops.Scratch.get();
            float[] x = scratch.block(0, together * width);
            float[] buffer = scratch.block(1, together * width);
            float[] logarithms = scratch.block(2, together);
            for (int first = 0; first < block.count; first += together) {
                int count = Math.min(together, block.count - first);
                scores.get(block.ofScores(first), x, count * width);
                block.hide(x, first, count, buffer);
                VectorLoops.atMost(x, VectorLoops.MOST_EXPONENT, count * width);
                scratch.expOrZero(x, count * width);
                for (int i = 0; i < count; i++) {
                    float sum = VectorLoops.sum(x, i * width, width);
                    if (sum > LEAST_SUM && sum < MOST_SUM) {
                        VectorLoops.multiply(x, i * width, 1 / sum, width);
                        logarithms[i] = (float) Math.log(sum);
                    } else {
                        logarithms[i] = shiftedSoftmax(block, scores, first + i, scratch);
                        System.arraycopy(scratch.block(3, width), 0, x, i * width, width);
                    }
                }
                scores.put(block.ofScores(first), x, count * width);
                sums.put(block.ofSum(first), logarithms, count);
            }
        }

        /**
         * Makes probabilities of one query's scores, less the greatest, in the thread's block 3.
         *
         * @return the logarithm of the sum of the scores' exponentials
         */
        private static float shiftedSoftmax(
                Block block, FloatMemory scores, int query, VectorLoops.Scratch scratch) {
            int width = block.sight.width;
            float[] x = scratch.block(3, width);
            scores.get(block.ofScores(query), x, width);
            block.hide(x, query, 1, scratch.block(4, width));
            float max = VectorLoops.max(x, 0, width);
            VectorLoops.subtract(x, 0, max, width);
            scratch.expOrZero(x, width);
            float sum = VectorLoops.sum(x, 0, width);
            VectorLoops.multiply(x, 0, 1 / sum, width);
            return max + (float) Math.log(sum);
        }
    }

    /** The gradients of queries, keys and values. */
    public static final class Backward extends Pass {
        public Backward() {}

        Backward(int headDim, int window, SDVariable... inputs) {
            super(headDim, window, inputs);
        }

        @Override
        public String opName() {
            return "dl4j_jepa_attention_bp";
        }

        @Override
        public int getNumOutputs() {
            return 3;
        }

        @Override
        List<long[]> outputShapes(Tensor[] inputs) {
            return List.of(inputs[0].shape(), inputs[1].shape(), inputs[2].shape());
        }

        @Override
        Runnable kernel(Tensor[] inputs, Tensor[] outputs) {
            Shape shape = new Shape(this, inputs);
            Seen seen = Seen.of(inputs);
            Heads queries = new Heads(inputs[0]);
            Heads keys = new Heads(inputs[1]);
            Heads values = new Heads(inputs[2]);
            FloatMemory sums = inputs[INPUTS].floats();
            Heads gradient = new Heads(inputs[INPUTS + 1]);
            Heads ofQueries = new Heads(outputs[0]);
            Heads ofKeys = new Heads(outputs[1]);
            Heads ofValues = new Heads(outputs[2]);
            return () ->
                    Block.forEach(
                            shape,
                            seen,
                            block -> {
                                Scores weights = block.scores(0, queries, keys);
                                Scores slopes = block.scores(1, gradient, values);
                                differentiate(block, weights.memory, slopes.memory, sums);
                                block.mix(slopes, keys, ofQueries);
                                block.addToKeys(weights, gradient, ofValues);
                                block.addToKeys(slopes, queries, ofKeys);
                            });
        }

        /**
         * Makes probabilities of a block's scores, and the scores' gradients of the probabilities'.
         */
        private static void differentiate(
                Block block, FloatMemory scores, FloatMemory slopes, FloatMemory sums) {
            int width = block.sight.width;
            int together = block.together();
            VectorLoops.Scratch scratch = VectorLoops.Scratch.get();
            float[] p = scratch.block(0, together * width);
            float[] d = scratch.block(1, together * width);
            float[] logarithms = scratch.block(2, together);
            for (int first = 0; first < block.count; first += together) {
                int count = Math.min(together, block.count - first);
                scores.get(block.ofScores(first), p, count * width);
                block.hide(p, first, count, d);
                sums.get(block.ofSum(first), logarithms, count);
                for (int i = 0; i < count; i++) {
                    VectorLoops.subtract(p, i * width, logarithms[i], width);
                }
                scratch.expOrZero(p, count * width);
                slopes.get(block.ofScores(first), d, count * width);
                for (int i = 0; i < count; i++) {
                    MaskedSoftmax.differentiate(d, p, i * width, width);
                }
                scores.put(block.ofScores(first), p, count * width);
                slopes.put(block.ofScores(first), d, count * width);
            }
        }
    }
}
