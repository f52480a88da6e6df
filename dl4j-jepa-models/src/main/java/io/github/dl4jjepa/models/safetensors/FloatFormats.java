package io.github.dl4jjepa.models.safetensors;

/**
 * Float32 against its narrower relatives, as bit patterns: widening is exact and keeps the payload
 * of a NaN, narrowing rounds to the nearest, ties to even, and keeps a NaN a NaN.
 */
final class FloatFormats {
    private static final int INFINITY = 0x7f800000;

    private FloatFormats() {}

    static int fromBfloat16(short bits) {
        return bits << 16;
    }

    static short toBfloat16(int bits) {
        if ((bits & 0x7fffffff) > INFINITY) {
            return (short) (bits >>> 16 | 0x0040);
        }
        return (short) (bits + 0x7fff + (bits >>> 16 & 1) >>> 16);
    }

    static int fromHalf(short bits) {
        int sign = (bits & 0x8000) << 16;
        int exponent = bits >>> 10 & 0x1f;
        int fraction = bits & 0x3ff;
        if (exponent == 0x1f) {
            return sign | INFINITY | fraction << 13;
        }
        if (exponent == 0) {
            if (fraction == 0) {
                return sign;
            }
            int shift = Integer.numberOfLeadingZeros(fraction) - 21;
            exponent = 1 - shift;
            fraction = fraction << shift & 0x3ff;
        }
        return sign | exponent + 112 << 23 | fraction << 13;
    }

    static short toHalf(int bits) {
        int sign = bits >>> 16 & 0x8000;
        int magnitude = bits & 0x7fffffff;
        if (magnitude > INFINITY) {
            return (short) (sign | 0x7e00 | magnitude >>> 13 & 0x1ff);
        }
        if (magnitude >= 0x477ff000) { // 65520 and above round to infinity
            return (short) (sign | 0x7c00);
        }
        if (magnitude >= 0x38800000) { // 2^-14, the smallest normal half
            int rebiased = magnitude - (112 << 23);
            return (short) (sign | rebiased + 0xfff + (rebiased >>> 13 & 1) >>> 13);
        }
        int shift = 126 - (magnitude >>> 23);
        if (shift > 24) { // below 2^-25
            return (short) sign;
        }
        int fraction = magnitude & 0x7fffff | 0x800000;
        int subnormal = fraction >>> shift;
        int rest = fraction & (1 << shift) - 1;
        int half = 1 << shift - 1;
        if (rest > half || rest == half && (subnormal & 1) == 1) {
            subnormal++;
        }
        return (short) (sign | subnormal);
    }
}
