package io.github.dl4jjepa.core.internal.samediff;

import java.util.stream.Stream;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * AdamW's update of FLOAT arrays on the CPU in one pass, and the norm of gradients.
 *
 * <p>A step of ND4J's operators goes through the arrays seven times, and memory is what it waits
 * for.
 */
public final class AdamKernel {
    private static final int BLOCK = 2 * VectorLoops.BLOCK;

    /** So few squares lose no precision when they are added in float. */
    private static final int PART = 64;

    private final FloatMemory p;
    private final FloatMemory m;
    private final FloatMemory v;
    private INDArray gradient;
    private FloatMemory g;

    /**
     * For a parameter and its running means, which must stay open, and for which {@link #canRead}
     * holds.
     */
    public AdamKernel(INDArray parameter, INDArray mean, INDArray meanSquare) {
        p = FloatMemory.of(parameter);
        m = FloatMemory.of(mean);
        v = FloatMemory.of(meanSquare);
    }

    /**
     * What a step does to every value.
     *
     * @param gradientScale what gradients are multiplied with
     * @param beta1 decay of the running mean
     * @param beta2 decay of the running mean of squares
     * @param rate learning rate, times the bias corrections
     * @param epsilon times the bias correction
     * @param keep what parameters are multiplied with: 1 less the weight decay
     */
    public record Step(
            double gradientScale,
            double beta1,
            double beta2,
            double rate,
            double epsilon,
            double keep) {}

    /** Whether arrays can be gone through in one pass: FLOAT, on the CPU, in C order. */
    public static boolean canRead(INDArray... arrays) {
        return Nd4j.getEnvironment().isCPU() && Stream.of(arrays).allMatch(FloatMemory::isReadable);
    }

    /** Updates the parameter and its running means; the gradient stays. */
    public void update(INDArray newGradient, Step step) {
        if (newGradient != gradient) {
            gradient = newGradient;
            g = FloatMemory.of(newGradient);
        }
        long length = p.length();
        KernelThreads.run(
                FusedOperator.blocks(length, BLOCK),
                length,
                (from, to) -> {
                    VectorLoops.Scratch scratch = VectorLoops.Scratch.get();
                    float[] ps = scratch.block(0, BLOCK);
                    float[] gs = scratch.block(1, BLOCK);
                    float[] ms = scratch.block(2, BLOCK);
                    float[] vs = scratch.block(3, BLOCK);
                    for (int block = from; block < to; block++) {
                        long start = (long) block * BLOCK;
                        int n = (int) Math.min(BLOCK, length - start);
                        p.get(start, ps, n);
                        g.get(start, gs, n);
                        m.get(start, ms, n);
                        v.get(start, vs, n);
                        update(
                                ps,
                                gs,
                                ms,
                                vs,
                                n,
                                (float) step.gradientScale(),
                                (float) step.beta1(),
                                (float) (1 - step.beta1()),
                                (float) step.beta2(),
                                (float) (1 - step.beta2()),
                                (float) step.rate(),
                                (float) step.epsilon(),
                                (float) step.keep());
                        p.put(start, ps, n);
                        m.put(start, ms, n);
                        v.put(start, vs, n);
                    }
                });
    }

    private static void update(
            float[] p,
            float[] g,
            float[] m,
            float[] v,
            int n,
            float scale,
            float beta1,
            float rest1,
            float beta2,
            float rest2,
            float rate,
            float epsilon,
            float keep) {
        for (int i = 0; i < n; i++) {
            float gradient = g[i] * scale;
            float mean = m[i] * beta1 + gradient * rest1;
            float meanSquare = v[i] * beta2 + gradient * gradient * rest2;
            m[i] = mean;
            v[i] = meanSquare;
            p[i] = p[i] * keep - rate * mean / ((float) Math.sqrt(meanSquare) + epsilon);
        }
    }

    /** The sum of an array's squares: in float over parts of blocks, in double over these sums. */
    public static double sumOfSquares(INDArray array) {
        FloatMemory x = FloatMemory.of(array);
        long length = x.length();
        double[] sums = new double[FusedOperator.blocks(length, BLOCK)];
        KernelThreads.run(
                sums.length,
                length,
                (from, to) -> {
                    float[] block = VectorLoops.Scratch.get().block(0, BLOCK);
                    for (int i = from; i < to; i++) {
                        long start = (long) i * BLOCK;
                        int n = (int) Math.min(BLOCK, length - start);
                        x.get(start, block, n);
                        for (int part = 0; part < n; part += PART) {
                            sums[i] +=
                                    VectorLoops.dot(block, block, part, Math.min(PART, n - part));
                        }
                    }
                });
        double sum = 0;
        for (double ofBlock : sums) {
            sum += ofBlock;
        }
        return sum;
    }
}
