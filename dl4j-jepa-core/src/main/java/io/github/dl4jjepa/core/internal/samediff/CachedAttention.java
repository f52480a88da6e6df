package io.github.dl4jjepa.core.internal.samediff;

import io.github.dl4jjepa.core.internal.samediff.TileProduct.Tile;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * Attention of one new token a row to itself and to the tokens that were read before it, whose keys
 * and values are read where the cache has them. Without a gradient.
 */
final class CachedAttention {
    private CachedAttention() {}

    /**
     * Draws the attention.
     *
     * @param queries {@code [rows, heads * headDim]}, scaled
     * @param keys {@code [rows, keyValueHeads * headDim]}
     * @param values {@code [rows, keyValueHeads * headDim]}
     * @param pastKeys {@code [rows, keyValueHeads, past, headDim]}
     * @param pastValues {@code [rows, keyValueHeads, past, headDim]}
     * @param mask {@code [rows, 1, 1, past]}, added to the scores
     * @param softcap bounds the scores: {@code softcap * tanh(score / softcap)}; 0 for no bound
     */
    static SDVariable draw(
            SDVariable queries,
            SDVariable keys,
            SDVariable values,
            SDVariable pastKeys,
            SDVariable pastValues,
            SDVariable mask,
            double softcap) {
        return new Forward(softcap, queries, keys, values, pastKeys, pastValues, mask)
                .outputVariable();
    }

    /** What the values are mixed to: {@code [rows, heads * headDim]}. */
    public static final class Forward extends FusedOperator {
        public Forward() {}

        Forward(double softcap, SDVariable... inputs) {
            super(inputs);
            addTArgument(softcap);
        }

        @Override
        public String opName() {
            return "dl4j_jepa_cached_attention";
        }

        @Override
        public int getNumOutputs() {
            return 1;
        }

        @Override
        List<long[]> outputShapes(Tensor[] inputs) {
            return List.of(inputs[0].shape());
        }

        @Override
        Runnable kernel(Tensor[] inputs, Tensor[] outputs) {
            Rows rows = new Rows(inputs, outputs[0], getTArgument(0).floatValue());
            return rows::run;
        }
    }

    /** All rows; a key-value head of a row, with the query heads that share it, is a block. */
    private static final class Rows {
        private final FloatMemory queries;
        private final FloatMemory keys;
        private final FloatMemory values;
        private final FloatMemory mask;
        private final FloatMemory result;
        private final long ofQueries;
        private final long ofKeys;
        private final long ofValues;
        private final long ofResult;
        private final long[] keyStrides;
        private final long[] valueStrides;
        private final long maskStride;
        private final int blocks;
        private final int heads;
        private final int past;
        private final int headDim;
        private final int group;
        private final int together;
        private final float softcap;

        Rows(Tensor[] inputs, Tensor output, float softcap) {
            queries = inputs[0].floats();
            keys = inputs[1].floats();
            values = inputs[2].floats();
            mask = FloatMemory.spanning(inputs[5].array());
            result = output.floats();
            ofQueries = inputs[0].address();
            ofKeys = inputs[3].address();
            ofValues = inputs[4].address();
            ofResult = output.address();
            keyStrides = inputs[3].array().stride();
            valueStrides = inputs[4].array().stride();
            maskStride = inputs[5].array().stride(0);
            heads = Math.toIntExact(inputs[3].size(1));
            past = Math.toIntExact(inputs[3].size(2));
            headDim = Math.toIntExact(inputs[3].size(3));
            group = FusedOperator.width(inputs[0]) / (heads * headDim);
            blocks = Math.toIntExact(inputs[3].size(0)) * heads;
            together = Math.max(1, TileProduct.MULTIPLICATIONS / (group * headDim));
            this.softcap = softcap;
        }

        void run() {
            KernelThreads.run(
                    blocks,
                    (long) blocks * past * headDim * (group + 1),
                    (from, to) -> {
                        VectorLoops.Scratch scratch = VectorLoops.Scratch.get();
                        for (int block = from; block < to; block++) {
                            attend(block, scratch);
                        }
                    });
        }

        private void attend(int block, VectorLoops.Scratch scratch) {
            int row = block / heads;
            int head = block % heads;
            int width = past + 1;
            long first = (long) block * group * headDim;
            Attention.Scores scores = Attention.Scores.get(0, (long) group * width);
            Tile query = Tile.at(ofQueries, first, headDim);
            long firstKey = row * keyStrides[0] + head * keyStrides[1];
            for (int token = 0; token < past; token += together) {
                TileProduct.timesTransposed(
                        query,
                        Tile.at(ofKeys, firstKey + token * keyStrides[2], (int) keyStrides[2]),
                        Tile.at(scores.address(), token, width),
                        group,
                        Math.min(together, past - token),
                        headDim);
            }
            float[] weights = scratch.block(2, group * width);
            scores.memory().get(0, weights, group * width);
            scoreItself(block, weights, scratch);
            if (softcap > 0) {
                for (int i = 0; i < group * width; i++) {
                    weights[i] = softcap * (float) Math.tanh(weights[i] / softcap);
                }
            }
            hide(row, weights, scratch);
            MaskedSoftmax.softmax(weights, group, width, scratch);
            scores.memory().put(0, weights, group * width);

            mixItself(block, weights, scratch);
            Tile mixed = Tile.at(ofResult, first, headDim);
            long firstValue = row * valueStrides[0] + head * valueStrides[1];
            for (int token = 0; token < past; token += together) {
                TileProduct.times(
                        Tile.at(scores.address(), token, width),
                        Tile.at(
                                ofValues,
                                firstValue + token * valueStrides[2],
                                (int) valueStrides[2]),
                        mixed,
                        group,
                        headDim,
                        Math.min(together, past - token),
                        true);
            }
        }

        /** The scores of the new token's own key, behind those of the past ones. */
        private void scoreItself(int block, float[] scores, VectorLoops.Scratch scratch) {
            float[] query = scratch.block(0, headDim);
            float[] key = scratch.block(1, headDim);
            keys.get((long) block * headDim, key, headDim);
            for (int i = 0; i < group; i++) {
                queries.get(((long) block * group + i) * headDim, query, headDim);
                scores[i * (past + 1) + past] = VectorLoops.dot(query, key, 0, headDim);
            }
        }

        private void hide(int row, float[] scores, VectorLoops.Scratch scratch) {
            int width = past + 1;
            float[] added = scratch.block(3, group * width);
            mask.get(row * maskStride, added, past);
            added[past] = 0;
            for (int i = 1; i < group; i++) {
                System.arraycopy(added, 0, added, i * width, width);
            }
            VectorLoops.add(scores, added, group * width);
        }

        /** What the new token's own value gives; the past ones' are added to it. */
        private void mixItself(int block, float[] weights, VectorLoops.Scratch scratch) {
            float[] value = scratch.block(0, headDim);
            for (int i = 0; i < group; i++) {
                values.get((long) block * headDim, value, headDim);
                VectorLoops.multiply(value, 0, weights[i * (past + 1) + past], headDim);
                result.put(((long) block * group + i) * headDim, value, headDim);
            }
        }
    }
}
