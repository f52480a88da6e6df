package io.github.dl4jjepa.models.safetensors;

import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * Element types of safetensors files, under the names the format gives them.
 *
 * <p>Every type listed is understood in a header; those with an {@link #arrayType()} can also be
 * read into arrays.
 */
public enum Dtype {
    /** IEEE double precision; read as float32. */
    F64(64, DataType.FLOAT),
    /** IEEE single precision. */
    F32(32, DataType.FLOAT),
    /** IEEE half precision; read as float32, exactly. */
    F16(16, DataType.FLOAT),
    /** The upper half of a float32; read as float32, exactly. */
    BF16(16, DataType.FLOAT),
    /** Eight-bit float with five exponent bits. */
    F8_E5M2(8, null),
    /** Eight-bit float with four exponent bits. */
    F8_E4M3(8, null),
    /** Eight-bit float with five exponent bits and without infinities. */
    F8_E5M2FNUZ(8, null),
    /** Eight-bit float with four exponent bits and without infinities. */
    F8_E4M3FNUZ(8, null),
    /** Power of two, as scale of narrower floats. */
    F8_E8M0(8, null),
    /** Six-bit float with two exponent bits. */
    F6_E2M3(6, null),
    /** Six-bit float with three exponent bits. */
    F6_E3M2(6, null),
    /** Four-bit float. */
    F4(4, null),
    /** Two single-precision floats, a complex number. */
    C64(64, null),
    /** Signed 64-bit integer. */
    I64(64, DataType.INT64),
    /** Signed 32-bit integer. */
    I32(32, DataType.INT32),
    /** Signed 16-bit integer. */
    I16(16, null),
    /** Signed 8-bit integer. */
    I8(8, null),
    /** Unsigned 64-bit integer. */
    U64(64, null),
    /** Unsigned 32-bit integer. */
    U32(32, null),
    /** Unsigned 16-bit integer. */
    U16(16, null),
    /** Unsigned 8-bit integer. */
    U8(8, null),
    /** One byte, 0 or 1. */
    BOOL(8, null);

    private final int bits;
    private final @Nullable DataType arrayType;

    Dtype(int bits, @Nullable DataType arrayType) {
        this.bits = bits;
        this.arrayType = arrayType;
    }

    /** Bits of one element. */
    public int bits() {
        return bits;
    }

    /** Type of the array that a tensor of this type is read into; empty if it cannot be read. */
    public Optional<DataType> arrayType() {
        return Optional.ofNullable(arrayType);
    }
}
