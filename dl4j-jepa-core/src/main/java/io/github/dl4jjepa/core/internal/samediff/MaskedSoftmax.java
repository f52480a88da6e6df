package io.github.dl4jjepa.core.internal.samediff;

import static io.github.dl4jjepa.core.internal.samediff.VectorLoops.BLOCK;

import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;

/** Softmax over the last axis of attention scores plus a mask, and its gradient. */
final class MaskedSoftmax {
    private MaskedSoftmax() {}

    /**
     * Draws the softmax.
     *
     * @param scores {@code [rows, heads, queries, keys]}
     * @param mask {@code [rows, 1, queries, keys]}, without a gradient
     */
    static SDVariable draw(SDVariable scores, SDVariable mask) {
        return new Forward(scores, mask).outputVariable();
    }

    /** Softmax of rows, in place. */
    static void softmax(float[] x, int rows, int width, VectorLoops.Scratch scratch) {
        for (int row = 0; row < rows; row++) {
            float max = VectorLoops.max(x, row * width, width);
            VectorLoops.subtract(x, row * width, max, width);
        }
        scratch.expOrZero(x, rows * width);
        for (int row = 0; row < rows; row++) {
            float sum = VectorLoops.sum(x, row * width, width);
            VectorLoops.multiply(x, row * width, 1 / sum, width);
        }
    }

    /**
     * Makes the gradient of a row's scores of that of its probabilities, in place.
     *
     * @param d the gradient of the probabilities
     * @param p the probabilities
     */
    static void differentiate(float[] d, float[] p, int from, int width) {
        combine(d, p, from, VectorLoops.dot(d, p, from, width), width);
    }

    private static void combine(float[] d, float[] p, int from, float dot, int n) {
        for (int i = from; i < from + n; i++) {
            d[i] = (d[i] - dot) * p[i];
        }
    }

    /** The probabilities. */
    public static final class Forward extends FusedOperator {
        public Forward() {}

        Forward(SDVariable scores, SDVariable mask) {
            super(scores, mask);
        }

        @Override
        public String opName() {
            return "dl4j_jepa_masked_softmax";
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
        public List<SDVariable> doDiff(List<SDVariable> gradients) {
            return List.of(new Backward(gradients.get(0), outputVariable()).outputVariable());
        }

        @Override
        Runnable kernel(Tensor[] inputs, Tensor[] outputs) {
            int width = width(inputs[0]);
            int heads = Math.toIntExact(inputs[0].size(1));
            int queries = Math.toIntExact(inputs[0].size(2));
            int matrices = Math.toIntExact(inputs[0].size(0)) * heads;
            int together = Math.max(1, BLOCK / width);
            int perMatrix = blocks(queries, together);
            FloatMemory scores = inputs[0].floats();
            FloatMemory mask = inputs[1].floats();
            FloatMemory result = outputs[0].floats();
            return () ->
                    KernelThreads.run(
                            matrices * perMatrix,
                            scores.length(),
                            (from, to) -> {
                                VectorLoops.Scratch scratch = VectorLoops.Scratch.get();
                                float[] x = scratch.block(0, together * width);
                                float[] m = scratch.block(1, together * width);
                                for (int block = from; block < to; block++) {
                                    int matrix = block / perMatrix;
                                    int first = block % perMatrix * together;
                                    int count = Math.min(together, queries - first);
                                    long at = ((long) matrix * queries + first) * width;
                                    long maskAt =
                                            ((long) (matrix / heads) * queries + first) * width;
                                    scores.get(at, x, count * width);
                                    mask.get(maskAt, m, count * width);
                                    VectorLoops.add(x, m, count * width);
                                    softmax(x, count, width, scratch);
                                    result.put(at, x, count * width);
                                }
                            });
        }
    }

    /** The gradient of the scores: p (d - sum(d p)). */
    public static final class Backward extends FusedOperator {
        public Backward() {}

        Backward(SDVariable gradient, SDVariable probabilities) {
            super(gradient, probabilities);
        }

        @Override
        public String opName() {
            return "dl4j_jepa_masked_softmax_bp";
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
            int width = width(inputs[0]);
            int rows = rows(inputs[0]);
            int together = Math.max(1, BLOCK / width);
            FloatMemory gradient = inputs[0].floats();
            FloatMemory probabilities = inputs[1].floats();
            FloatMemory result = outputs[0].floats();
            return () ->
                    KernelThreads.run(
                            blocks(rows, together),
                            gradient.length(),
                            (from, to) -> {
                                VectorLoops.Scratch scratch = VectorLoops.Scratch.get();
                                float[] d = scratch.block(0, together * width);
                                float[] p = scratch.block(1, together * width);
                                for (int block = from; block < to; block++) {
                                    int first = block * together;
                                    int count = Math.min(together, rows - first);
                                    long at = (long) first * width;
                                    gradient.get(at, d, count * width);
                                    probabilities.get(at, p, count * width);
                                    for (int row = 0; row < count; row++) {
                                        int start = row * width;
                                        differentiate(d, p, start, width);
                                    }
                                    result.put(at, d, count * width);
                                }
                            });
        }
    }
}
