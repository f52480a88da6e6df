package io.github.dl4jjepa.models.safetensors;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.RandomDistribution;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.lifecycle.AfterTry;
import net.jqwik.api.lifecycle.BeforeTry;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class SafetensorsPropertyTest {
    private Path folder;

    /** A tensor with its floats as bits, for assertions on NaNs and signed zeros. */
    private record Tensor(List<Long> shape, List<Integer> bits) {
        static Tensor of(INDArray array) {
            float[] values = array.isEmpty() ? new float[0] : array.data().asFloat();
            return new Tensor(
                    LongStream.of(array.shape()).boxed().toList(),
                    IntStream.range(0, values.length)
                            .mapToObj(i -> Float.floatToRawIntBits(values[i]))
                            .toList());
        }

        INDArray array() {
            float[] values = new float[bits.size()];
            for (int i = 0; i < values.length; i++) {
                values[i] = Float.intBitsToFloat(bits.get(i));
            }
            long[] sizes = shape.stream().mapToLong(Long::longValue).toArray();
            if (sizes.length == 0) {
                return Nd4j.scalar(values[0]);
            }
            return values.length == 0
                    ? Nd4j.create(DataType.FLOAT, sizes)
                    : Nd4j.createFromArray(values).reshape('c', sizes);
        }

        /** The tensor with values that a type holds exactly. */
        Tensor asHeldBy(Dtype dtype) {
            return new Tensor(shape, bits.stream().map(value -> bitsHeldBy(dtype, value)).toList());
        }

        private static int bitsHeldBy(Dtype dtype, int bits) {
            if (dtype == Dtype.F32) {
                return bits;
            }
            int held =
                    dtype == Dtype.BF16
                            ? FloatFormats.fromBfloat16((short) (bits >>> 16))
                            : FloatFormats.fromHalf((short) bits);
            // Narrowing makes a signaling NaN a quiet one.
            return Float.isNaN(Float.intBitsToFloat(held)) ? held | 0x400000 : held;
        }
    }

    @Property(tries = 100)
    void whatIsWrittenIsReadBackBitForBit(
            @ForAll("tensors") Map<String, Tensor> random,
            @ForAll("dtypes") Dtype dtype,
            @ForAll @IntRange(min = 1, max = 300) int shardBytes) {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        random.forEach((name, tensor) -> tensors.put(name, tensor.asHeldBy(dtype)));
        Map<String, INDArray> arrays = new LinkedHashMap<>();
        tensors.forEach((name, tensor) -> arrays.put(name, tensor.array()));

        SafetensorsWriter.writeCheckpoint(folder, arrays, dtype, shardBytes);

        SafetensorsCheckpoint checkpoint = SafetensorsCheckpoint.open(folder);
        Map<String, Tensor> read = new LinkedHashMap<>();
        checkpoint
                .tensors()
                .keySet()
                .forEach(name -> read.put(name, Tensor.of(checkpoint.read(name))));
        assertThat(List.copyOf(read.entrySet())).isEqualTo(List.copyOf(tensors.entrySet()));
    }

    @Provide
    Arbitrary<Dtype> dtypes() {
        return Arbitraries.of(Dtype.F32, Dtype.BF16, Dtype.F16);
    }

    /** Up to four tensors of zero to three dimensions, any of them empty. */
    @Provide
    Arbitrary<Map<String, Tensor>> tensors() {
        // Every character but half a surrogate pair, which UTF-8 does not have.
        Arbitrary<String> names =
                Arbitraries.strings()
                        .withCharRange('\0', '\ud7ff')
                        .withCharRange('\ue000', '\uffff')
                        .withCharRange('"', '\\')
                        .ofMaxLength(12);
        Arbitrary<Tensor> tensors =
                Arbitraries.longs()
                        .between(0, 4)
                        .list()
                        .ofMaxSize(3)
                        .flatMap(
                                shape ->
                                        bits().list()
                                                .ofSize(
                                                        (int)
                                                                shape.stream()
                                                                        .mapToLong(Long::longValue)
                                                                        .reduce(1, (a, b) -> a * b))
                                                .map(bits -> new Tensor(shape, bits)));
        return Arbitraries.maps(names, tensors).ofMaxSize(4);
    }

    /** Any float: the values that rounding and copying get wrong, and any others. */
    private static Arbitrary<Integer> bits() {
        return Arbitraries.oneOf(
                Arbitraries.of(
                        0,
                        0x80000000,
                        1,
                        0x7f800000,
                        0xff800000,
                        0x7f800001,
                        0x7fc00123,
                        0x00007c00,
                        0x00008000,
                        0x000003ff),
                Arbitraries.integers().withDistribution(RandomDistribution.uniform()));
    }

    @BeforeTry
    void createFolder() throws IOException {
        folder = Files.createTempDirectory("safetensors");
    }

    @AfterTry
    void deleteFolder() throws IOException {
        List<Path> files = new ArrayList<>();
        try (var content = Files.list(folder)) {
            content.forEach(files::add);
        }
        files.add(folder);
        for (Path file : files) {
            Files.delete(file);
        }
    }
}
