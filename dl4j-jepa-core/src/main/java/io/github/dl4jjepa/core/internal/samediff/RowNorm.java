package io.github.dl4jjepa.core.internal.samediff;

import static io.github.dl4jjepa.core.internal.samediff.VectorLoops.BLOCK;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * RMSNorm and LayerNorm over the rows of a matrix, and their gradient.
 *
 * <p>The gradients of gain and bias are sums over rows: of {@link #ROWS} at a time, then of these
 * sums in order.
 */
final class RowNorm {
    /** Rows whose gradients of gain and bias are added by one thread. */
    private static final int ROWS = 32;

    private RowNorm() {}

    /**
     * What a norm is made of.
     *
     * @param centers whether a row's mean is subtracted
     * @param epsilon added to the mean square
     * @param gainOffset added to the gain
     */
    record Form(boolean centers, double epsilon, double gainOffset) {}

    /**
     * Draws a norm.
     *
     * @param x {@code [n, width]}
     * @param gain {@code [width]}, or null
     * @param bias {@code [width]}, or null; only with a gain
     */
    static SDVariable draw(SDVariable x, SDVariable gain, SDVariable bias, Form form) {
        return new Forward(form, given(x, gain, bias)).outputVariables()[0];
    }

    private static SDVariable[] given(SDVariable... variables) {
        return Arrays.stream(variables)
                .filter(variable -> variable != null)
                .toArray(SDVariable[]::new);
    }

    private abstract static class Norm extends FusedOperator {
        Norm() {}

        Norm(Form form, SDVariable... inputs) {
            super(inputs);
            addIArgument(form.centers() ? 1 : 0);
            addTArgument(form.epsilon(), form.gainOffset());
        }

        final Form form() {
            return new Form(getIArgument(0) == 1, getTArgument(0), getTArgument(1));
        }

        /** The gain as it is multiplied with, or null. */
        static float[] gain(FloatMemory gain, double offset, int width) {
            if (gain == null) {
                return null;
            }
            float[] values = new float[width];
            gain.get(0, values, width);
            if (offset != 0) {
                for (int i = 0; i < width; i++) {
                    values[i] += (float) offset;
                }
            }
            return values;
        }
    }

    private static FloatMemory memory(Tensor[] arrays, int index) {
        return index < arrays.length ? arrays[index].floats() : null;
    }

    /** The normed rows; and {@code [n, 2]}, their means and what they were multiplied with. */
    public static final class Forward extends Norm {
        public Forward() {}

        Forward(Form form, SDVariable... inputs) {
            super(form, inputs);
        }

        @Override
        public String opName() {
            return "dl4j_jepa_row_norm";
        }

        @Override
        public int getNumOutputs() {
            return 2;
        }

        @Override
        List<long[]> outputShapes(Tensor[] inputs) {
            return List.of(inputs[0].shape(), new long[] {rows(inputs[0]), 2});
        }

        @Override
        public List<SDVariable> doDiff(List<SDVariable> gradients) {
            SDVariable gain = args().length > 1 ? arg(1) : null;
            // The gradients of a frozen norm's gain and bias are not needed.
            int trained = gain == null || gain.isConstant() ? 0 : args().length - 1;
            return List.of(
                    new Backward(
                                    form(),
                                    trained,
                                    given(gradients.get(0), arg(0), outputVariables()[1], gain))
                            .outputVariables());
        }

        private static void scale(float[] x, int from, float factor, float[] gain, int n) {
            for (int i = 0; i < n; i++) {
                x[from + i] = x[from + i] * factor * gain[i];
            }
        }

        private static void add(float[] x, int from, float[] bias, int n) {
            for (int i = 0; i < n; i++) {
                x[from + i] = x[from + i] + bias[i];
            }
        }

        @Override
        Runnable kernel(Tensor[] inputs, Tensor[] outputs) {
            Form form = form();
            int width = width(inputs[0]);
            int rows = rows(inputs[0]);
            int together = Math.max(1, BLOCK / width);
            FloatMemory x = inputs[0].floats();
            FloatMemory gains = memory(inputs, 1);
            FloatMemory biases = memory(inputs, 2);
            FloatMemory result = outputs[0].floats();
            FloatMemory statistics = outputs[1].floats();
            return () -> {
                float[] gain = Norm.gain(gains, form.gainOffset(), width);
                float[] bias = Norm.gain(biases, 0, width);
                KernelThreads.run(
                        blocks(rows, together),
                        x.length(),
                        (from, to) -> {
                            VectorLoops.Scratch scratch = VectorLoops.Scratch.get();
                            float[] block = scratch.block(0, together * width);
                            float[] pair = scratch.block(1, 2);
                            for (int chunk = from; chunk < to; chunk++) {
                                int first = chunk * together;
                                int count = Math.min(together, rows - first);
                                x.get((long) first * width, block, count * width);
                                for (int row = 0; row < count; row++) {
                                    int at = row * width;
                                    float mean = 0;
                                    if (form.centers()) {
                                        mean = VectorLoops.sum(block, at, width) / width;
                                        VectorLoops.subtract(block, at, mean, width);
                                    }
                                    float squares = VectorLoops.dot(block, block, at, width);
                                    float factor =
                                            (float)
                                                    (1
                                                            / Math.sqrt(
                                                                    squares / width
                                                                            + form.epsilon()));
                                    pair[0] = mean;
                                    pair[1] = factor;
                                    statistics.put(2L * (first + row), pair, 2);
                                    if (gain == null) {
                                        VectorLoops.multiply(block, at, factor, width);
                                    } else {
                                        scale(block, at, factor, gain, width);
                                    }
                                    if (bias != null) {
                                        add(block, at, bias, width);
                                    }
                                }
                                result.put((long) first * width, block, count * width);
                            }
                        });
            };
        }
    }

    /** The gradients of x, and of gain and bias if they are trained. */
    public static final class Backward extends Norm {
        public Backward() {}

        /**
         * @param trained 2 with gradients of gain and bias, 1 with that of the gain, 0 without
         */
        Backward(Form form, int trained, SDVariable... inputs) {
            super(form, inputs);
            addIArgument(trained);
        }

        @Override
        public String opName() {
            return "dl4j_jepa_row_norm_bp";
        }

        @Override
        public int getNumOutputs() {
            return 1 + getIArgument(1).intValue();
        }

        @Override
        List<long[]> outputShapes(Tensor[] inputs) {
            List<long[]> shapes = new ArrayList<>();
            shapes.add(inputs[1].shape());
            for (int i = 1; i < getNumOutputs(); i++) {
                shapes.add(inputs[3].shape());
            }
            return shapes;
        }

        private static void normalize(float[] x, int from, float mean, float factor, int n) {
            for (int i = from; i < from + n; i++) {
                x[i] = (x[i] - mean) * factor;
            }
        }

        private static void addProduct(float[] sum, float[] x, float[] y, int from, int n) {
            for (int i = 0; i < n; i++) {
                sum[i] = sum[i] + x[from + i] * y[from + i];
            }
        }

        private static void add(float[] sum, float[] x, int from, int n) {
            for (int i = 0; i < n; i++) {
                sum[i] = sum[i] + x[from + i];
            }
        }

        private static void multiply(float[] x, int from, float[] gain, int n) {
            for (int i = 0; i < n; i++) {
                x[from + i] = x[from + i] * gain[i];
            }
        }

        /** {@code x = (x - a - y b) factor}. */
        private static void combine(
                float[] x, float[] y, int from, float a, float b, float factor, int n) {
            for (int i = from; i < from + n; i++) {
                x[i] = (x[i] - a - y[i] * b) * factor;
            }
        }

        /** The sum of sums over blocks of rows, which lie one after another, in order. */
        private static void total(float[] partial, int blocks, int width, FloatMemory result) {
            for (int block = 1; block < blocks; block++) {
                add(partial, partial, block * width, width);
            }
            result.put(0, partial, width);
        }

        @Override
        Runnable kernel(Tensor[] inputs, Tensor[] outputs) {
            Form form = form();
            int width = width(inputs[1]);
            int rows = rows(inputs[1]);
            // ROWS is a multiple of it.
            int together = Math.min(ROWS, Integer.highestOneBit(Math.max(1, BLOCK / width)));
            int blocks = blocks(rows, ROWS);
            FloatMemory gradient = inputs[0].floats();
            FloatMemory x = inputs[1].floats();
            FloatMemory statistics = inputs[2].floats();
            FloatMemory gains = memory(inputs, 3);
            FloatMemory ofX = outputs[0].floats();
            FloatMemory ofGain = memory(outputs, 1);
            FloatMemory ofBias = memory(outputs, 2);
            return () -> {
                float[] gain = Norm.gain(gains, form.gainOffset(), width);
                VectorLoops.Scratch own = VectorLoops.Scratch.get();
                float[] gainSums = ofGain == null ? null : own.block(5, blocks * width);
                float[] biasSums = ofBias == null ? null : own.block(6, blocks * width);
                KernelThreads.run(
                        blocks,
                        x.length(),
                        (from, to) -> {
                            VectorLoops.Scratch scratch = VectorLoops.Scratch.get();
                            float[] d = scratch.block(0, together * width);
                            float[] y = scratch.block(1, together * width);
                            float[] pairs = scratch.block(2, 2 * together);
                            float[] gainSum = scratch.block(3, width);
                            float[] biasSum = scratch.block(4, width);
                            for (int block = from; block < to; block++) {
                                Arrays.fill(gainSum, 0, width, 0);
                                Arrays.fill(biasSum, 0, width, 0);
                                int end = Math.min(rows, (block + 1) * ROWS);
                                for (int first = block * ROWS; first < end; first += together) {
                                    int count = Math.min(together, end - first);
                                    gradient.get((long) first * width, d, count * width);
                                    x.get((long) first * width, y, count * width);
                                    statistics.get(2L * first, pairs, 2 * count);
                                    for (int row = 0; row < count; row++) {
                                        int at = row * width;
                                        float factor = pairs[2 * row + 1];
                                        normalize(y, at, pairs[2 * row], factor, width);
                                        if (ofGain != null) {
                                            addProduct(gainSum, d, y, at, width);
                                        }
                                        if (ofBias != null) {
                                            add(biasSum, d, at, width);
                                        }
                                        if (gain != null) {
                                            multiply(d, at, gain, width);
                                        }
                                        float a =
                                                form.centers()
                                                        ? VectorLoops.sum(d, at, width) / width
                                                        : 0;
                                        float b = VectorLoops.dot(d, y, at, width) / width;
                                        combine(d, y, at, a, b, factor, width);
                                    }
                                    ofX.put((long) first * width, d, count * width);
                                }
                                if (ofGain != null) {
                                    System.arraycopy(gainSum, 0, gainSums, block * width, width);
                                }
                                if (ofBias != null) {
                                    System.arraycopy(biasSum, 0, biasSums, block * width, width);
                                }
                            }
                        });
                if (ofGain != null) {
                    total(gainSums, blocks, width, ofGain);
                }
                if (ofBias != null) {
                    total(biasSums, blocks, width, ofBias);
                }
            };
        }
    }
}
