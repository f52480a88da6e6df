package io.github.dl4jjepa.core.internal.samediff;

import java.util.Arrays;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Attention of one new token a row to itself and to the tokens that were read before it, whose keys
 * and values are read where the cache has them. Without a gradient.
 */
final class CachedAttention {
    /** What lies below is masked: its key and value are not read. */
    private static final float SEEN = -1e8f;

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
        List<long[]> outputShapes(INDArray[] inputs) {
            return List.of(inputs[0].shape());
        }

        @Override
        Runnable kernel(INDArray[] inputs, INDArray[] outputs) {
            Rows rows = new Rows(inputs, outputs[0], getTArgument(0).floatValue());
            return rows::run;
        }
    }

    /** All rows; a key-value head of a row, with the query heads that share it, is a block. */
    private static final class Rows {
        private final FloatMemory queries;
        private final FloatMemory keys;
        private final FloatMemory values;
        private final FloatMemory pastKeys;
        private final FloatMemory pastValues;
        private final FloatMemory mask;
        private final FloatMemory result;
        private final long[] keyStrides;
        private final long[] valueStrides;
        private final long maskStride;
        private final int blocks;
        private final int heads;
        private final int past;
        private final int headDim;
        private final int group;
        private final float softcap;

        Rows(INDArray[] inputs, INDArray output, float softcap) {
            queries = FloatMemory.of(inputs[0]);
            keys = FloatMemory.of(inputs[1]);
            values = FloatMemory.of(inputs[2]);
            pastKeys = FloatMemory.spanning(inputs[3]);
            pastValues = FloatMemory.spanning(inputs[4]);
            mask = FloatMemory.spanning(inputs[5]);
            result = FloatMemory.of(output);
            keyStrides = inputs[3].stride();
            valueStrides = inputs[4].stride();
            maskStride = inputs[5].stride(0);
            heads = Math.toIntExact(inputs[3].size(1));
            past = Math.toIntExact(inputs[3].size(2));
            headDim = Math.toIntExact(inputs[3].size(3));
            group = FusedOperator.width(inputs[0]) / (heads * headDim);
            blocks = Math.toIntExact(inputs[3].size(0)) * heads;
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
            float[] repeated = scratch.block(0, group * headDim);
            float[] query = scratch.block(1, group * headDim);
            float[] weights = scratch.block(2, group * width);
            float[] seen = scratch.block(3, past);
            float[] mixed = scratch.block(4, group * headDim);
            queries.get((long) block * group * headDim, query, group * headDim);
            mask.get(row * maskStride, seen, past);

            long firstKey = row * keyStrides[0] + head * keyStrides[1];
            for (int token = 0; token < past; token++) {
                if (seen[token] > SEEN) {
                    repeat(pastKeys, firstKey + token * keyStrides[2], repeated);
                    score(query, repeated, weights, token, seen[token]);
                } else {
                    for (int i = 0; i < group; i++) {
                        weights[i * width + token] = seen[token];
                    }
                }
            }
            repeat(keys, (long) block * headDim, repeated);
            score(query, repeated, weights, past, 0);
            MaskedSoftmax.softmax(weights, group, width, scratch);

            repeat(values, (long) block * headDim, repeated);
            Arrays.fill(mixed, 0, group * headDim, 0);
            mix(mixed, repeated, weights, past);
            long firstValue = row * valueStrides[0] + head * valueStrides[1];
            for (int token = 0; token < past; token++) {
                if (seen[token] > SEEN) {
                    repeat(pastValues, firstValue + token * valueStrides[2], repeated);
                    mix(mixed, repeated, weights, token);
                }
            }
            result.put((long) block * group * headDim, mixed, group * headDim);
        }

        /** Reads a key or value once for each of the query heads that share it. */
        private void repeat(FloatMemory memory, long position, float[] repeated) {
            memory.get(position, repeated, headDim);
            for (int i = 1; i < group; i++) {
                System.arraycopy(repeated, 0, repeated, i * headDim, headDim);
            }
        }

        private void score(float[] query, float[] key, float[] scores, int token, float mask) {
            for (int i = 0; i < group; i++) {
                float score = VectorLoops.dot(query, key, i * headDim, headDim);
                if (softcap > 0) {
                    score = softcap * (float) Math.tanh(score / softcap);
                }
                scores[i * (past + 1) + token] = score + mask;
            }
        }

        private void mix(float[] mixed, float[] value, float[] weights, int token) {
            for (int i = 0; i < group; i++) {
                float weight = weights[i * (past + 1) + token];
                VectorLoops.addScaled(mixed, value, i * headDim, weight, headDim);
            }
        }
    }
}
