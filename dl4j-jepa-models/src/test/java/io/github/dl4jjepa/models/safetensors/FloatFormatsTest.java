package io.github.dl4jjepa.models.safetensors;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.ndarray.INDArray;

class FloatFormatsTest {
    @Test
    void widensEveryHalfToTheValueItStandsFor() {
        for (int bits = 0; bits < 0x7c00; bits++) {
            int exponent = bits >>> 10;
            double fraction = (bits & 0x3ff) / 1024.0;
            double value =
                    exponent == 0
                            ? Math.scalb(fraction, -14)
                            : Math.scalb(1 + fraction, exponent - 15);
            assertThat(Float.intBitsToFloat(FloatFormats.fromHalf((short) bits)))
                    .isEqualTo((float) value);
            assertThat(FloatFormats.fromHalf((short) (bits | 0x8000)))
                    .isEqualTo(Float.floatToRawIntBits((float) -value));
        }
    }

    @Test
    void wideningKeepsThePayloadOfANaN() {
        assertThat(FloatFormats.fromHalf((short) 0x7e01)).isEqualTo(0x7fc02000);
        assertThat(FloatFormats.fromHalf((short) 0xfc01)).isEqualTo(0xff802000);
        assertThat(FloatFormats.fromBfloat16((short) 0xff81)).isEqualTo(0xff810000);
    }

    @Test
    void narrowingUndoesWideningForEveryPattern() {
        for (int bits = 0; bits < 0x10000; bits++) {
            boolean quiet = (bits & 0x7c00) != 0x7c00 || (bits & 0x3ff) == 0 || (bits & 0x200) != 0;
            if (quiet) {
                assertThat(FloatFormats.toHalf(FloatFormats.fromHalf((short) bits)))
                        .isEqualTo((short) bits);
            }
            boolean quietBfloat =
                    (bits & 0x7f80) != 0x7f80 || (bits & 0x7f) == 0 || (bits & 0x40) != 0;
            if (quietBfloat) {
                assertThat(FloatFormats.toBfloat16(FloatFormats.fromBfloat16((short) bits)))
                        .isEqualTo((short) bits);
            }
        }
    }

    @Test
    void aNaNStaysANaN() {
        for (int nan : new int[] {0x7f800001, 0x7fffffff, 0xff800001, 0x7f802000, 0xffffffff}) {
            assertThat(FloatFormats.toHalf(nan) & 0x7fff).isGreaterThan(0x7c00);
            assertThat(FloatFormats.toBfloat16(nan) & 0x7fff).isGreaterThan(0x7f80);
        }
    }

    @Test
    void roundsAsTorchDoes() {
        SafetensorsCheckpoint torch =
                SafetensorsCheckpoint.open(Fixtures.path("narrowing.safetensors"));
        INDArray values = torch.read("f32");
        INDArray halves = torch.read("f16");
        INDArray bfloats = torch.read("bf16");
        for (long i = 0; i < values.length(); i++) {
            int bits = Float.floatToRawIntBits(values.getFloat(i));
            assertThat(FloatFormats.fromHalf(FloatFormats.toHalf(bits)))
                    .as("half of %x", bits)
                    .isEqualTo(Float.floatToRawIntBits(halves.getFloat(i)));
            assertThat(FloatFormats.fromBfloat16(FloatFormats.toBfloat16(bits)))
                    .as("bfloat16 of %x", bits)
                    .isEqualTo(Float.floatToRawIntBits(bfloats.getFloat(i)));
        }
    }
}
