package io.github.dl4jjepa.models.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.tuple;

import io.github.dl4jjepa.core.JepaException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SafetensorsHeaderTest {
    private static final String ENTRY = "{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}";

    @TempDir Path folder;
    private Path file;

    @BeforeEach
    void nameTheFile() {
        file = folder.resolve("model.safetensors");
    }

    private void write(long length, byte[] header, int dataBytes) throws IOException {
        ByteBuffer bytes =
                ByteBuffer.allocate(8 + header.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
        Files.write(file, bytes.putLong(length).put(header).array());
    }

    private void write(String header, int dataBytes) throws IOException {
        byte[] bytes = header.getBytes(StandardCharsets.UTF_8);
        write(bytes.length, bytes, dataBytes);
    }

    private void assertRefused(String... message) {
        assertThatExceptionOfType(JepaException.class)
                .isThrownBy(() -> SafetensorsHeader.read(file))
                .withMessageStartingWith(file + ": ")
                .withMessageContainingAll(message)
                .withMessageContaining("again");
    }

    private static String entry(String dtype, String shape, String offsets) {
        return String.format(
                "{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":%s}", dtype, shape, offsets);
    }

    @ParameterizedTest
    @ValueSource(strings = {"{\"a\":", "["})
    void refusesAHeaderThatIsNestedBeyondReading(String opening) throws IOException {
        write("{\"x\":" + opening.repeat(100_000), 0);
        assertRefused("not valid JSON");
    }

    @ParameterizedTest
    @CsvSource({"F4, 8, 4", "F6_E2M3, 8, 6", "F8_E8M0, 3, 3", "F8_E4M3FNUZ, 3, 3", "C64, 2, 16"})
    void readsTypesThatNoArrayHasWithTheirLength(String dtype, int elements, int bytes)
            throws IOException {
        write("{\"a\":" + entry(dtype, "[" + elements + "]", "[0," + bytes + "]") + "}", bytes);
        SafetensorsCheckpoint.TensorInfo tensor = SafetensorsHeader.read(file).tensors().get(0);
        assertThat(tensor.elements()).isEqualTo(elements);
        assertThat(tensor.dtype().arrayType()).isEmpty();
    }

    @Test
    void refusesElementsThatDoNotFillTheirLastByte() throws IOException {
        write("{\"a\":" + entry("F4", "[3]", "[0,2]") + "}", 2);
        assertRefused("\"a\"", "F4");
    }

    @Test
    void readsTensorsInTheOrderOfTheDataAndTheMetadata() throws IOException {
        write(
                "{\"b\":"
                        + entry("F32", "[1,2]", "[6,14]")
                        + ",\"__metadata__\":{\"format\":\"pt\"}"
                        + ",\"none\":"
                        + entry("F32", "[0,4]", "[6,6]")
                        + ",\"a\":"
                        + entry("F16", "[3]", "[0,6]")
                        + "}   ",
                14);

        SafetensorsHeader header = SafetensorsHeader.read(file);

        assertThat(header.metadata()).containsOnly(Map.entry("format", "pt"));
        assertThat(header.tensors())
                .extracting(
                        SafetensorsCheckpoint.TensorInfo::name,
                        SafetensorsCheckpoint.TensorInfo::dtype)
                .containsExactly(
                        tuple("a", Dtype.F16), tuple("none", Dtype.F32), tuple("b", Dtype.F32));
        assertThat(header.tensors().get(2).shape()).containsExactly(1L, 2L);
    }

    @Test
    void acceptsAFileWithoutTensors() throws IOException {
        write("{}", 0);
        assertThat(SafetensorsHeader.read(file).tensors()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 7})
    void refusesAFileShorterThanTheLength(int size) throws IOException {
        Files.write(file, new byte[size]);
        assertRefused("too few");
    }

    @Test
    void refusesAHeaderLongerThanTheFile() throws IOException {
        write(5, "{}".getBytes(StandardCharsets.UTF_8), 0);
        assertRefused("header of 5 bytes", "only 2 follow");
    }

    @ParameterizedTest
    @CsvSource({"100000001, 100000001", "-1, 18446744073709551615"})
    void refusesAHeaderAboveTheLimit(long length, String stated) throws IOException {
        write(length, "{}".getBytes(StandardCharsets.UTF_8), 0);
        assertRefused("header of " + stated + " bytes", "100000000");
    }

    @Test
    void refusesAHeaderThatIsNotUtf8() throws IOException {
        byte[] header = "{\"?\":1}".getBytes(StandardCharsets.UTF_8);
        header[2] = (byte) 0xff;
        write(header.length, header, 0);
        assertRefused("not UTF-8");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " {}", "[]", "null", "\uFEFF{}"})
    void refusesAHeaderThatDoesNotBeginWithABrace(String header) throws IOException {
        write(header, 0);
        assertRefused("begin with '{'");
    }

    @ParameterizedTest
    @ValueSource(strings = {"{", "{}x", "{}{}", "{\"a\":}", "{} \u0000", "{'a':1}", "{\"a\":NaN}"})
    void refusesAHeaderThatIsNotJson(String header) throws IOException {
        write(header, 0);
        assertRefused("not valid JSON", "character ");
    }

    @Test
    void refusesATensorNamedTwice() throws IOException {
        write("{\"twin\":" + ENTRY + ",\"twin\":" + ENTRY + "}", 8);
        assertRefused("not valid JSON", "twin");
    }

    @Test
    void refusesAKeyThatAnEntryHasTwice() throws IOException {
        write("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"shape\":[2],\"data_offsets\":[0,8]}}", 8);
        assertRefused("not valid JSON", "shape");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "[]             | __metadata__ is not an object",
                "\"pt\"         | __metadata__ is not an object",
                "{\"format\":1} | __metadata__ key \"format\" is not a string"
            })
    void refusesMetadataThatIsNoMapOfStrings(String metadata, String message) throws IOException {
        write("{\"__metadata__\":" + metadata + "}", 0);
        assertRefused(message);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "1                                                    | not an object",
                "{\"shape\":[2],\"data_offsets\":[0,8]}                 | has no dtype",
                "{\"dtype\":1,\"shape\":[2],\"data_offsets\":[0,8]}       | has no dtype",
                "{\"dtype\":\"F32\",\"data_offsets\":[0,8]}             | has no shape",
                "{\"dtype\":\"F32\",\"shape\":2,\"data_offsets\":[0,8]}   | has no shape",
                "{\"dtype\":\"F32\",\"shape\":[2]}                      | has no data_offsets",
                "{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8]}   | not [begin, end]",
                "{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]} | has -2 in its shape",
                "{\"dtype\":\"F32\",\"shape\":[2.0],\"data_offsets\":[0,8]} | has 2.0 in its shape",
                "{\"dtype\":\"F32\",\"shape\":[99999999999999999999],\"data_offsets\":[0,8]} | in its shape",
                "{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[\"0\",8]} | in its data_offsets"
            })
    void refusesAnIncompleteEntry(String entry, String message) throws IOException {
        write("{\"lm_head\":" + entry + "}", 8);
        assertRefused("\"lm_head\"", message);
    }

    @Test
    void refusesAnUnknownDtypeByName() throws IOException {
        write("{\"a\":" + entry("F12", "[2]", "[0,8]") + "}", 8);
        assertRefused("\"a\"", "unknown dtype \"F12\"", "BF16", "Convert");
    }

    @ParameterizedTest
    @ValueSource(strings = {"[0,16]", "[8,0]", "[9223372036854775800,9223372036854775807]"})
    void refusesOffsetsOutOfRange(String offsets) throws IOException {
        write("{\"a\":" + entry("F32", "[2]", offsets) + "}", 8);
        assertRefused("\"a\"", "the file holds 8 bytes of data");
    }

    @Test
    void refusesATruncatedFile() throws IOException {
        byte[] whole = Files.readAllBytes(Fixtures.path("plain-f32.safetensors"));
        Files.write(file, Arrays.copyOf(whole, whole.length - 1));
        assertRefused("\"scale\"", "data_offsets [152, 156]", "155 bytes");
    }

    @Test
    void refusesAShapeThatDoesNotFillItsBytes() throws IOException {
        write("{\"a\":" + entry("F32", "[3]", "[0,8]") + "}", 8);
        assertRefused("\"a\"", "F32 of shape [3]", "span 8 bytes");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"[4294967296,4294967296]", "[9223372036854775807]", "[2305843009213693953]"})
    void refusesAShapeWhoseSizeOverflows(String shape) throws IOException {
        write("{\"a\":" + entry("F64", shape, "[0,8]") + "}", 8);
        assertRefused("\"a\"", "larger than any file");
    }

    @Test
    void refusesOverlappingTensors() throws IOException {
        write("{\"a\":" + ENTRY + ",\"b\":" + entry("F32", "[2]", "[4,12]") + "}", 12);
        assertRefused("\"b\"", "overlap");
    }

    @Test
    void refusesAHoleBetweenTensors() throws IOException {
        write("{\"a\":" + ENTRY + ",\"b\":" + entry("F32", "[1]", "[12,16]") + "}", 16);
        assertRefused("\"b\"", "leave a hole");
    }

    @Test
    void refusesAHoleBeforeTheFirstTensor() throws IOException {
        write("{\"a\":" + entry("F32", "[1]", "[4,8]") + "}", 8);
        assertRefused("\"a\"", "leave a hole");
    }

    @Test
    void refusesBytesAfterTheLastTensor() throws IOException {
        write("{\"a\":" + ENTRY + "}", 9);
        assertRefused("9 bytes of data", "cover only 8");
    }

    @Test
    void answersEveryMutationWithARefusalOrALoad() throws IOException {
        byte[] whole = Files.readAllBytes(Fixtures.path("plain-f32.safetensors"));
        int headerEnd = whole.length - 156;
        Random random = new Random(7);
        int refused = 0;
        for (int i = 0; i < 500; i++) {
            byte[] bytes = whole.clone();
            for (int changes = 1 + random.nextInt(3); changes > 0; changes--) {
                byte change =
                        random.nextBoolean()
                                ? (byte) random.nextInt(256)
                                : (byte) "0123456789[]{},:\" ".charAt(random.nextInt(18));
                bytes[random.nextInt(headerEnd)] = change;
            }
            if (random.nextInt(10) == 0) {
                bytes = Arrays.copyOf(bytes, random.nextInt(2 * bytes.length));
            }
            Files.write(file, bytes);
            try {
                SafetensorsCheckpoint checkpoint = SafetensorsCheckpoint.open(file);
                checkpoint.tensors().values().stream()
                        .filter(tensor -> tensor.dtype().arrayType().isPresent())
                        .forEach(tensor -> checkpoint.read(tensor.name()));
            } catch (JepaException e) {
                assertThat(e).hasMessageContaining(file.toString());
                refused++;
            }
        }
        assertThat(refused).isBetween(100, 499);
    }
}
