package io.github.dl4jjepa.models.safetensors;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Optional;

/** The types of numbers a safetensors file may hold, under the format's own names. */
public enum Dtype {
    /** IEEE 754 binary64. */
    F64(8),
    /** IEEE 754 binary32. */
    F32(4),
    /** IEEE 754 binary16. */
    F16(2),
    /** The upper half of a binary32. */
    BF16(2),
    /** Signed, 64 bits. */
    I64(8),
    /** Signed, 32 bits. */
    I32(4),
    /** Signed, 16 bits. */
    I16(2),
    /** Signed, 8 bits. */
    I8(1),
    /** Unsigned, 64 bits. */
    U64(8),
    /** Unsigned, 32 bits. */
    U32(4),
    /** Unsigned, 16 bits. */
    U16(2),
    /** Unsigned, 8 bits. */
    U8(1),
    /** One byte, 0 or 1. */
    BOOL(1);

    private final int bytes;

    Dtype(int bytes) {
        this.bytes = bytes;
    }

    /** Bytes per number. */
    public int bytes() {
        return bytes;
    }

    static Optional<Dtype> named(String name) {
        return Arrays.stream(values()).filter(dtype -> dtype.name().equals(name)).findFirst();
    }

    /** Whether numbers of this type can become FLOAT. */
    boolean isFloating() {
        return this == F64 || this == F32 || this == F16 || this == BF16;
    }

    /** Reads numbers, little-endian, from the buffer's position on; exact for all but F64. */
    void read(ByteBuffer source, float[] target) {
        switch (this) {
            case F32 -> source.asFloatBuffer().get(target);
            case BF16 -> {
                for (int i = 0; i < target.length; i++) {
                    target[i] = Float.intBitsToFloat(source.getShort() << 16);
                }
            }
            case F16 -> {
                for (int i = 0; i < target.length; i++) {
                    target[i] = halfToFloat(source.getShort());
                }
            }
            case F64 -> {
                for (int i = 0; i < target.length; i++) {
                    target[i] = (float) source.getDouble();
                }
            }
            default -> throw new IllegalStateException(this + " is not a floating type");
        }
    }

    /** Writes numbers, little-endian, rounding to the nearest even. */
    void write(float[] source, int count, ByteBuffer target) {
        switch (this) {
            case F32 -> {
                for (int i = 0; i < count; i++) {
                    target.putFloat(source[i]);
                }
            }
            case BF16 -> {
                for (int i = 0; i < count; i++) {
                    target.putShort(floatToBfloat16(source[i]));
                }
            }
            default -> throw new IllegalStateException("cannot write " + this);
        }
    }

    private static short floatToBfloat16(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (Float.isNaN(value)) {
            return (short) (bits >>> 16 | 0x40);
        }
        int roundToEven = 0x7fff + (bits >>> 16 & 1);
        return (short) (bits + roundToEven >>> 16);
    }

    private static float halfToFloat(short half) {
        int sign = (half & 0x8000) << 16;
        int exponent = half >>> 10 & 0x1f;
        int fraction = half & 0x3ff;
        if (exponent == 0) {
            float magnitude = fraction * 0x1p-24f;
            return sign == 0 ? magnitude : -magnitude;
        }
        int widened = exponent == 0x1f ? 0xff : exponent - 15 + 127;
        return Float.intBitsToFloat(sign | widened << 23 | fraction << 13);
    }
}
