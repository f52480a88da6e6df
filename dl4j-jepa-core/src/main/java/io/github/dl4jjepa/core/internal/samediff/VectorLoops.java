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

    /** {@code exp} of more overflows. */
    static final float MOST_EXPONENT = 88f;

    private static final float LOG2_E = 1.442695f;

    /** Added to a float, it rounds it to an integer, which then lies in the low bits. */
    private static final float ROUNDING = 12582912f;

    private static final float LN2_HIGH = 0.6933594f;
    private static final float LN2_LOW = -0.00021219444f;
    private static final int MANTISSA_BITS = 23;
    private static final int ONE_BITS = 127 << MANTISSA_BITS;

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

    /**
     * The largest of some values; any number if one of them is NaN. Comparisons take a third of the
     * time of {@code Math.max}.
     */
    static float max(float[] x, int from, int n) {
        float a = x[from];
        float b = a;
        float c = a;
        float d = a;
        int end = from + n;
        int i = from;
        for (; i + 3 < end; i += 4) {
            a = x[i] > a ? x[i] : a;
            b = x[i + 1] > b ? x[i + 1] : b;
            c = x[i + 2] > c ? x[i + 2] : c;
            d = x[i + 3] > d ? x[i + 3] : d;
        }
        for (; i < end; i++) {
            a = x[i] > a ? x[i] : a;
        }
        a = a > b ? a : b;
        c = c > d ? c : d;
        return a > c ? a : c;
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
            float p = Math.fma(0.00019875691f, r, 0.0013981999f);
            p = Math.fma(p, r, 0.008333452f);
            p = Math.fma(p, r, 0.041665796f);
            p = Math.fma(p, r, 0.16666666f);
            p = Math.fma(p, r, 0.5f);
            result[i] = Math.fma(p * r, r, r) + 1f;
            t[i] = shifted;
        }
    }

    /** The bits of two to the powers that lie in the low bits of some floats, given these bits. */
    private static void powersOfTwo(int[] bits, int n) {
        for (int i = 0; i < n; i++) {
            bits[i] = (bits[i] << MANTISSA_BITS) + ONE_BITS;
        }
    }

    private static void multiply(float[] x, float[] y, int n) {
        for (int i = 0; i < n; i++) {
            x[i] = x[i] * y[i];
        }
    }

    /** Blocks of a thread, used again from kernel to kernel. */
    static final class Scratch {
        private static final int BLOCKS = 7;
        private static final ThreadLocal<Scratch> OF_THREAD = ThreadLocal.withInitial(Scratch::new);

        private final float[][] blocks = new float[BLOCKS][BLOCK];
        private final float[] powers = new float[BLOCK];
        private final int[] bits = new int[BLOCK];
        private final ByteBuffer bytes =
                ByteBuffer.allocateDirect(BLOCK * Float.BYTES).order(ByteOrder.nativeOrder());
        private final FloatBuffer asFloats = bytes.asFloatBuffer();
        private final IntBuffer asBits = bytes.asIntBuffer();

        private Scratch() {}

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
            reducedExp(x, result, powers, n);
            asFloats.put(0, powers, 0, n);
            asBits.get(0, bits, 0, n);
            powersOfTwo(bits, n);
            asBits.put(0, bits, 0, n);
            asFloats.get(0, powers, 0, n);
            multiply(result, powers, n);
        }

        /**
         * {@code exp(x)} of values up to 88, in place, and exactly 0 for those below -87.
         *
         * @param n any number
         */
        void expOrZero(float[] x, int n) {
            if (n <= BLOCK) {
                expOrZeroOfBlock(x, n);
                return;
            }
            float[] block = block(6, BLOCK);
            for (int from = 0; from < n; from += BLOCK) {
                int count = Math.min(BLOCK, n - from);
                System.arraycopy(x, from, block, 0, count);
                expOrZeroOfBlock(block, count);
                System.arraycopy(block, 0, x, from, count);
            }
        }

        private void expOrZeroOfBlock(float[] x, int n) {
            atLeast(x, LEAST_EXPONENT, n);
            exp(x, x, n);
            subtract(x, 0, LEAST_POWER, n);
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
