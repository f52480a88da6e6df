package io.github.dl4jjepa.core.internal.samediff;

import static io.github.dl4jjepa.core.internal.samediff.VectorLoops.BLOCK;

import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The rotation of heads by the angles of their positions, and its gradient. */
final class Rotary {
    private Rotary() {}

    /**
     * Draws {@code x cos + rotated(x) sin}, with {@code rotated(x) = (-x2, x1)} for the halves x1,
     * x2 of the turned part of a head.
     *
     * @param x {@code [n, heads * headDim]}
     * @param cosines {@code [n, headDim]}, without a gradient
     * @param sines {@code [n, headDim]}, without a gradient, and the same for both halves
     * @param pairs half the width of a head's turned part
     */
    static SDVariable draw(SDVariable x, SDVariable cosines, SDVariable sines, int pairs) {
        return new Turn(x, cosines, sines, pairs, false).outputVariable();
    }

    /** A turn, or the one back. */
    public static final class Turn extends FusedOperator {
        public Turn() {}

        Turn(SDVariable x, SDVariable cosines, SDVariable sines, int pairs, boolean back) {
            super(x, cosines, sines);
            addIArgument(pairs, back ? 1 : 0);
        }

        @Override
        public String opName() {
            return "dl4j_jepa_rotary";
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
        public List<SDVariable> doDiff(List<SDVariable> gradients) {
            int pairs = getIArgument(0).intValue();
            boolean back = getIArgument(1) == 1;
            return List.of(
                    new Turn(gradients.get(0), arg(1), arg(2), pairs, !back).outputVariable());
        }

        /** Turns one head. */
        private static void turn(float[] x, int at, float[] cos, float[] sin, int pairs) {
            for (int i = 0; i < pairs; i++) {
                float a = x[at + i];
                float b = x[at + pairs + i];
                x[at + i] = a * cos[i] - b * sin[i];
                x[at + pairs + i] = b * cos[i] + a * sin[i];
            }
        }

        private static void scale(float[] x, int at, float[] cos, int from, int n) {
            for (int i = from; i < n; i++) {
                x[at + i] = x[at + i] * cos[i];
            }
        }

        @Override
        Runnable kernel(INDArray[] inputs, INDArray[] outputs) {
            int pairs = getIArgument(0).intValue();
            boolean back = getIArgument(1) == 1;
            int width = width(inputs[0]);
            int rows = rows(inputs[0]);
            int headDim = width(inputs[1]);
            FloatMemory x = FloatMemory.of(inputs[0]);
            FloatMemory cosines = FloatMemory.of(inputs[1]);
            FloatMemory sines = FloatMemory.of(inputs[2]);
            FloatMemory result = FloatMemory.of(outputs[0]);
            int together = Math.max(1, BLOCK / width);
            return () ->
                    KernelThreads.run(
                            blocks(rows, together),
                            x.length(),
                            (from, to) -> {
                                VectorLoops.Scratch scratch = VectorLoops.Scratch.get();
                                float[] block = scratch.block(0, width);
                                float[] cos = scratch.block(1, headDim);
                                float[] sin = scratch.block(2, headDim);
                                int last = Math.min(rows, to * together);
                                for (int row = from * together; row < last; row++) {
                                    x.get((long) row * width, block, width);
                                    cosines.get((long) row * headDim, cos, headDim);
                                    sines.get((long) row * headDim, sin, headDim);
                                    if (back) {
                                        VectorLoops.multiply(sin, 0, -1, headDim);
                                    }
                                    for (int head = 0; head < width; head += headDim) {
                                        turn(block, head, cos, sin, pairs);
                                        if (2 * pairs < headDim) {
                                            scale(block, head, cos, 2 * pairs, headDim);
                                        }
                                    }
                                    result.put((long) row * width, block, width);
                                }
                            });
        }
    }
}
