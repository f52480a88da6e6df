package io.github.dl4jjepa.core.internal.samediff;

import static io.github.dl4jjepa.core.internal.samediff.VectorLoops.BLOCK;

import java.nio.IntBuffer;
import java.util.Arrays;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * The cross entropy of logits, summed over the rows that have a target, and its gradient.
 *
 * <p>Of the forward pass two numbers a row are kept, not the probabilities.
 */
final class CrossEntropy {
    private CrossEntropy() {}

    /**
     * Draws the sum.
     *
     * @param logits {@code [n, classes]}
     * @param targets INT32 {@code [n]}, negative where a row is to be left out
     */
    static SDVariable draw(SDVariable logits, SDVariable targets) {
        return new Forward(logits, targets).outputVariables()[0];
    }

    /** The loss; and {@code [n, 2]}, the maximum of a row and 1 / sum(exp(x - maximum)). */
    public static final class Forward extends FusedOperator {
        public Forward() {}

        Forward(SDVariable logits, SDVariable targets) {
            super(logits, targets);
        }

        @Override
        public String opName() {
            return "dl4j_jepa_cross_entropy";
        }

        @Override
        public int getNumOutputs() {
            return 2;
        }

        @Override
        List<long[]> outputShapes(Tensor[] inputs) {
            return List.of(new long[0], new long[] {rows(inputs[0]), 2});
        }

        @Override
        public List<SDVariable> doDiff(List<SDVariable> gradients) {
            return List.of(
                    new Backward(gradients.get(0), arg(0), arg(1), outputVariables()[1])
                            .outputVariable());
        }

        @Override
        Runnable kernel(Tensor[] inputs, Tensor[] outputs) {
            int width = width(inputs[0]);
            int rows = rows(inputs[0]);
            FloatMemory logits = inputs[0].floats();
            IntBuffer targets = integers(inputs[1]);
            FloatMemory loss = outputs[0].floats();
            FloatMemory statistics = outputs[1].floats();
            double[] losses = new double[rows];
            return () -> {
                KernelThreads.run(
                        rows,
                        logits.length(),
                        (from, to) -> {
                            VectorLoops.Scratch scratch = VectorLoops.Scratch.get();
                            for (int row = from; row < to; row++) {
                                int target = targets.get(row);
                                losses[row] =
                                        target < 0
                                                ? 0
                                                : loss(
                                                        logits,
                                                        row,
                                                        width,
                                                        target,
                                                        statistics,
                                                        scratch);
                            }
                        });
                double sum = 0;
                for (double ofRow : losses) {
                    sum += ofRow;
                }
                loss.put(0, (float) sum);
            };
        }

        private static double loss(
                FloatMemory logits,
                int row,
                int width,
                int target,
                FloatMemory statistics,
                VectorLoops.Scratch scratch) {
            float[] x = scratch.block(0, BLOCK);
            float[] lanes = scratch.block(1, BLOCK);
            long start = (long) row * width;
            Arrays.fill(lanes, 0, BLOCK, Float.NEGATIVE_INFINITY);
            for (int j = 0; j < width; j += BLOCK) {
                int n = Math.min(BLOCK, width - j);
                logits.get(start + j, x, n);
                VectorLoops.max(lanes, x, n);
            }
            float max = VectorLoops.max(lanes, 0, BLOCK);
            Arrays.fill(lanes, 0, BLOCK, 0);
            for (int j = 0; j < width; j += BLOCK) {
                int n = Math.min(BLOCK, width - j);
                logits.get(start + j, x, n);
                VectorLoops.subtract(x, 0, max, n);
                VectorLoops.atLeast(x, VectorLoops.LEAST_EXPONENT, n);
                scratch.exp(x, x, n);
                VectorLoops.add(lanes, x, n);
            }
            double sum = 0;
            for (int j = 0; j < BLOCK; j++) {
                sum += lanes[j];
            }
            statistics.put(2L * row, max);
            statistics.put(2L * row + 1, (float) (1 / sum));
            return Math.log(sum) + max - logits.get(start + target);
        }
    }

    /** The gradient of the logits: (probability - is the target) times the loss's. */
    public static final class Backward extends FusedOperator {
        public Backward() {}

        Backward(SDVariable... gradientLogitsTargetsAndStatistics) {
            super(gradientLogitsTargetsAndStatistics);
        }

        @Override
        public String opName() {
            return "dl4j_jepa_cross_entropy_bp";
        }

        @Override
        public int getNumOutputs() {
            return 1;
        }

        @Override
        List<long[]> outputShapes(Tensor[] inputs) {
            return List.of(inputs[1].shape());
        }

        @Override
        Runnable kernel(Tensor[] inputs, Tensor[] outputs) {
            int width = width(inputs[1]);
            int rows = rows(inputs[1]);
            FloatMemory gradient = inputs[0].floats();
            FloatMemory logits = inputs[1].floats();
            IntBuffer targets = integers(inputs[2]);
            FloatMemory statistics = inputs[3].floats();
            FloatMemory result = outputs[0].floats();
            return () -> {
                float weight = gradient.get(0);
                KernelThreads.run(
                        rows,
                        logits.length(),
                        (from, to) -> {
                            VectorLoops.Scratch scratch = VectorLoops.Scratch.get();
                            float[] x = scratch.block(0, BLOCK);
                            for (int row = from; row < to; row++) {
                                long start = (long) row * width;
                                int target = targets.get(row);
                                float max = statistics.get(2L * row);
                                float factor = weight * statistics.get(2L * row + 1);
                                if (target < 0) {
                                    Arrays.fill(x, 0, BLOCK, 0);
                                }
                                for (int j = 0; j < width; j += BLOCK) {
                                    int n = Math.min(BLOCK, width - j);
                                    if (target >= 0) {
                                        logits.get(start + j, x, n);
                                        VectorLoops.subtract(x, 0, max, n);
                                        VectorLoops.atLeast(x, VectorLoops.LEAST_EXPONENT, n);
                                        scratch.exp(x, x, n);
                                        VectorLoops.multiply(x, 0, factor, n);
                                        if (j <= target && target < j + n) {
                                            x[target - j] -= weight;
                                        }
                                    }
                                    result.put(start + j, x, n);
                                }
                            }
                        });
            };
        }
    }
}
