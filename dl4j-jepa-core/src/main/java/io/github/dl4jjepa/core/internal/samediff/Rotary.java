package io.github.dl4jjepa.core.internal.samediff;

import static io.github.dl4jjepa.core.internal.samediff.VectorLoops.BLOCK;

import java.util.Arrays;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;

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
        List<long[]> outputShapes(Tensor[] inputs) {
            return List.of(inputs[0].shape());
        }

        @Override
        public List<SDVariable> doDiff(List<SDVariable> gradients) {
            int pairs = getIArgument(0).intValue();
            boolean back = getIArgument(1) == 1;
            return List.of(
                    new Turn(gradients.get(0), arg(1), arg(2), pairs, !back).outputVariable());
        }

        /** Puts a head's table before every head. */
        private static void repeat(float[] table, int headDim, float[] row, int width) {
            for (int head = 0; head < width; head += headDim) {
                System.arraycopy(table, 0, row, head, headDim);
            }
        }

        /** The halves of every head's turned part, swapped; 0 beyond it. */
        private static void swapHalves(
                float[] x, float[] swapped, int width, int headDim, int pairs) {
            for (int head = 0; head < width; head += headDim) {
                System.arraycopy(x, head + pairs, swapped, head, pairs);
                System.arraycopy(x, head, swapped, head + pairs, pairs);
                // What a thread's block holds may not be a number, which times 0 it stays.
                Arrays.fill(swapped, head + 2 * pairs, head + headDim, 0);
            }
        }

        private static void turn(
                float[] x, float[] swapped, float[] cosines, float[] sines, int n) {
            for (int i = 0; i < n; i++) {
                x[i] = x[i] * cosines[i] + swapped[i] * sines[i];
            }
        }

        @Override
        Runnable kernel(Tensor[] inputs, Tensor[] outputs) {
            int pairs = getIArgument(0).intValue();
            boolean back = getIArgument(1) == 1;
            int width = width(inputs[0]);
            int rows = rows(inputs[0]);
            int headDim = width(inputs[1]);
            FloatMemory x = inputs[0].floats();
            FloatMemory cosines = inputs[1].floats();
            FloatMemory sines = inputs[2].floats();
            FloatMemory result = outputs[0].floats();
            int together = Math.max(1, BLOCK / width);
            return () ->
                    KernelThreads.run(
                            blocks(rows, together),
                            x.length(),
                            (from, to) -> {
                                VectorLoops.Scratch scratch = VectorLoops.Scratch.get();
                                float[] block = scratch.block(0, width);
                                float[] swapped = scratch.block(1, width);
                                float[] cos = scratch.block(2, width);
                                float[] sin = scratch.block(3, width);
                                float[] table = scratch.block(4, headDim);
                                int last = Math.min(rows, to * together);
                                for (int row = from * together; row < last; row++) {
                                    x.get((long) row * width, block, width);
                                    cosines.get((long) row * headDim, table, headDim);
                                    repeat(table, headDim, cos, width);
                                    sines.get((long) row * headDim, table, headDim);
                                    // Of (-x2, x1), or back (x2, -x1); 0 beyond the turned part.
                                    VectorLoops.multiply(table, back ? pairs : 0, -1, pairs);
                                    Arrays.fill(table, 2 * pairs, headDim, 0);
                                    repeat(table, headDim, sin, width);
                                    swapHalves(block, swapped, width, headDim, pairs);
                                    turn(block, swapped, cos, sin, width);
                                    result.put((long) row * width, block, width);
                                }
                            });
        }
    }
}
