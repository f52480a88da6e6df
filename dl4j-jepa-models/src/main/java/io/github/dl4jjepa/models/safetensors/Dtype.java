package io.github.dl4jjepa.models.safetensors;

import java.util.Optional;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * Element types of safetensors files, under the names the format gives them.
 *
 * <p>Every type listed is understood in a header; those with an {@link #arrayType()} can also be
 * read into arrays.
 */
public enum Dtype {
    /** IEEE double precision; read as float32. */
    F64(8, DataType.FLOAT),
    /** IEEE single precision. */
    F32(4, DataType.FLOAT),
    /** IEEE half precision; read as float32, exactly. */
    F16(2, DataType.FLOAT),
    /** The upper half of a float32; read as float32, exactly. */
    BF16(2, DataType.FLOAT),
    /** Eight-bit float with five exponent bits. */
    F8_E5M2(1, null),
    /** Eight-bit float with four exponent bits. */
    F8_E4M3(1, null),
    /** Signed 64-bit integer. */
    I64(8, DataType.INT64),
    /** Signed 32-bit integer. */
    I32(4, DataType.INT32),
    /** Signed 16-bit integer. */
    I16(2, null),
    /** Signed 8-bit integer. */
    I8(1, null),
    /** Unsigned 64-bit integer. */
    U64(8, null),
    /** Unsigned 32-bit integer. */
    U32(4, null),
    /** Unsigned 16-bit integer. */
    U16(2, null),
    /** Unsigned 8-bit integer. */
    U8(1, null),
    /** One byte, 0 or 1. */
    BOOL(1, null);

    private final int bytes;
    private final DataType arrayType;

    Dtype(int bytes, DataType arrayType) {
        this.bytes = bytes;
        this.arrayType = arrayType;
    }

    /** Bytes of one element. */
    public int bytes() {
        return bytes;
    }

    /** Type of the array that a tensor of this type is read into; empty if it cannot be read. */
    public Optional<DataType> arrayType() {
        return Optional.ofNullable(arrayType);
    }
}
