package io.github.dl4jjepa.core.internal.samediff;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;

/**
 * Loops over blocks of floats that HotSpot compiles to vector instructions.
 *
 * <p>It does so for counted loops over arrays that do little each and convert nothing: so an
 * exponential is several loops, and bits are looked at through buffers. The results do not depend
 * on whether a loop is interpreted or compiled, and sums are added in an order of their own, not in
 * one that the processor's vectors decide.
 */
final class VectorLoops {
    /** Values of a block: a few of them fit into the processor's first cache. */
    static final int BLOCK = 1024;

    /** {@code exp} of less underflows. */
    static final float LEAST_EXPONENT = -87f;

    /** What {@link Scratch#exp} makes of {@link #LEAST_EXPONENT}. */
    private static final float LEAST_POWER = leastPower();

    private static final float MOST_EXPONENT = 88f;
    private static final float LOG2_E = 1.44269504f;

    /** Added to a float, it rounds it to an integer, which then lies in the low bits. */
    private static final float ROUNDING = 12582912f;

    private static final float LN2_HIGH = 0.693359375f;
    private static final float LN2_LOW = -2.12194440e-4f;
    private static final int MANTISSA_BITS = 23;

    private VectorLoops() {}

    private static float leastPower() {
        float[] power = {LEAST_EXPONENT};
        Scratch.get().exp(power, power, 1);
        return power[0];
    }

    static void atLeast(float[] x, float least, int n) {
        for (int i = 0; i < n; i++) {
            x[i] = Math.max(x[i], least);
        }
    }

    static void atMost(float[] x, float most, int n) {
        for (int i = 0; i < n; i++) {
            x[i] = Math.min(x[i], most);
        }
    }

    static void multiply(float[] x, int from, float factor, int n) {
        for (int i = from; i < from + n; i++) {
            x[i] = x[i] * factor;
        }
    }

    static void add(float[] x, float[] y, int n) {
        for (int i = 0; i < n; i++) {
            x[i] = x[i] + y[i];
        }
    }

    static void subtract(float[] x, int from, float value, int n) {
        for (int i = from; i < from + n; i++) {
            x[i] = x[i] - value;
        }
    }

    static void max(float[] most, float[] x, int n) {
        for (int i = 0; i < n; i++) {
            most[i] = Math.max(most[i], x[i]);
        }
    }

    static void negative(float[] x, float[] result, int n) {
        for (int i = 0; i < n; i++) {
            result[i] = -x[i];
        }
    }

    static void onePlusReciprocal(float[] x, int n) {
        for (int i = 0; i < n; i++) {
            x[i] = 1f / (1f + x[i]);
        }
    }

    /** The largest of some values; NaN if there is one. */
    static float max(float[] x, int from, int n) {
        float a = Float.NEGATIVE_INFINITY;
        float b = a;
        float c = a;
        float d = a;
        int end = from + n;
        int i = from;
        for (; i + 3 < end; i += 4) {
            a = Math.max(a, x[i]);
            b = Math.max(b, x[i + 1]);
            c = Math.max(c, x[i + 2]);
            d = Math.max(d, x[i + 3]);
        }
        for (; i < end; i++) {
            a = Math.max(a, x[i]);
        }
        return Math.max(Math.max(a, b), Math.max(c, d));
    }

    static float sum(float[] x, int from, int n) {
        float a = 0;
        float b = 0;
        float c = 0;
        float d = 0;
        float e = 0;
        float f = 0;
        float g = 0;
        float h = 0;
        int end = from + n;
        int i = from;
        for (; i + 7 < end; i += 8) {
            a += x[i];
            b += x[i + 1];
            c += x[i + 2];
            d += x[i + 3];
            e += x[i + 4];
            f += x[i + 5];
            g += x[i + 6];
            h += x[i + 7];
        }
        for (; i < end; i++) {
            a += x[i];
        }
        return ((a + b) + (c + d)) + ((e + f) + (g + h));
    }

    static float dot(float[] x, float[] y, int from, int n) {
        float a = 0;
        float b = 0;
        float c = 0;
        float d = 0;
        float e = 0;
        float f = 0;
        float g = 0;
        float h = 0;
        int end = from + n;
        int i = from;
        for (; i + 7 < end; i += 8) {
            a += x[i] * y[i];
            b += x[i + 1] * y[i + 1];
            c += x[i + 2] * y[i + 2];
            d += x[i + 3] * y[i + 3];
            e += x[i + 4] * y[i + 4];
            f += x[i + 5] * y[i + 5];
            g += x[i + 6] * y[i + 6];
            h += x[i + 7] * y[i + 7];
        }
        for (; i < end; i++) {
            a += x[i] * y[i];
        }
        return ((a + b) + (c + d)) + ((e + f) + (g + h));
    }

    /** {@code exp(x)} without the power of two, whose exponent lies in the low bits of t. */
    private static void reducedExp(float[] x, float[] result, float[] t, int n) {
        for (int i = 0; i < n; i++) {
            float v = x[i];
            float shifted = Math.fma(v, LOG2_E, ROUNDING);
            float k = shifted - ROUNDING;
            float r = Math.fma(k, -LN2_LOW, Math.fma(k, -LN2_HIGH, v));
            float p = Math.fma(1.9875691500e-4f, r, 1.3981999507e-3f);
            p = Math.fma(p, r, 8.3334519073e-3f);
            p = Math.fma(p, r, 4.1665795894e-2f);
            p = Math.fma(p, r, 1.6666665459e-1f);
            p = Math.fma(p, r, 5.0000001201e-1f);
            result[i] = Math.fma(p * r, r, r) + 1f;
            t[i] = shifted;
        }
    }

    private static void scaleByPowersOfTwo(int[] bits, int[] exponents, int n) {
        for (int i = 0; i < n; i++) {
            bits[i] = bits[i] + (exponents[i] << MANTISSA_BITS);
        }
    }

    /** Blocks of a thread, used again from kernel to kernel. */
    static final class Scratch {
        private static final int BLOCKS = 6;
        private static final ThreadLocal<Scratch> OF_THREAD = ThreadLocal.withInitial(Scratch::new);

        private final float[][] blocks = new float[BLOCKS][BLOCK];
        private final float[] shifted = new float[BLOCK];
        private final int[] bits = new int[BLOCK];
        private final int[] exponents = new int[BLOCK];
        private final ByteBuffer values = direct();
        private final ByteBuffer powers = direct();
        private final FloatBuffer valueFloats = values.asFloatBuffer();
        private final IntBuffer valueBits = values.asIntBuffer();
        private final FloatBuffer powerFloats = powers.asFloatBuffer();
        private final IntBuffer powerBits = powers.asIntBuffer();

        private Scratch() {}

        private static ByteBuffer direct() {
            return ByteBuffer.allocateDirect(BLOCK * Float.BYTES).order(ByteOrder.nativeOrder());
        }

        /** The calling thread's. */
        static Scratch get() {
            return OF_THREAD.get();
        }

        /** One of the thread's blocks, with room for so many values; what it holds is undefined. */
        float[] block(int number, int length) {
            if (blocks[number].length < length) {
                blocks[number] = new float[length];
            }
            return blocks[number];
        }

        /**
         * {@code exp(x)}, to a relative error of 1e-7; x must lie between -87 and 88, or be NaN.
         *
         * @param n at most {@link #BLOCK}
         */
        void exp(float[] x, float[] result, int n) {
            reducedExp(x, result, shifted, n);
            valueFloats.put(0, result, 0, n);
            valueBits.get(0, bits, 0, n);
            powerFloats.put(0, shifted, 0, n);
            powerBits.get(0, exponents, 0, n);
            scaleByPowersOfTwo(bits, exponents, n);
            valueBits.put(0, bits, 0, n);
            valueFloats.get(0, result, 0, n);
        }

        /**
         * {@code exp(x)} of values up to 0, in place, and exactly 0 for those below -87.
         *
         * @param n any number
         */
        void expOfNegative(float[] x, int n) {
            float[] block = block(BLOCKS - 1, BLOCK);
            for (int from = 0; from < n; from += BLOCK) {
                int count = Math.min(BLOCK, n - from);
                System.arraycopy(x, from, block, 0, count);
                atLeast(block, LEAST_EXPONENT, count);
                exp(block, block, count);
                subtract(block, 0, LEAST_POWER, count);
                System.arraycopy(block, 0, x, from, count);
            }
        }

        /** {@code 1 / (1 + exp(-x))}, to a relative error of 2e-7 above x = -87. */
        void sigmoid(float[] x, float[] result, int n) {
            negative(x, result, n);
            atLeast(result, LEAST_EXPONENT, n);
            atMost(result, MOST_EXPONENT, n);
            exp(result, result, n);
            onePlusReciprocal(result, n);
        }
    }
}
