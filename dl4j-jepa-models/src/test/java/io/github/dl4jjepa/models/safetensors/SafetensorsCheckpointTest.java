package io.github.dl4jjepa.models.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jjepa.core.JepaException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

class SafetensorsCheckpointTest {
    private static final SafetensorsCheckpoint DTYPES =
            SafetensorsCheckpoint.open(Fixtures.path("dtypes.safetensors"));

    @TempDir Path folder;

    /** {@code getFloat} goes through a float register only: no bit is lost. */
    private static int[] bits(INDArray array) {
        int[] bits = new int[(int) array.length()];
        for (int i = 0; i < bits.length; i++) {
            bits[i] = Float.floatToRawIntBits(array.data().getFloat(array.offset() + i));
        }
        return bits;
    }

    @ParameterizedTest
    @CsvSource({"f16, f16.as_f32", "bf16, bf16.as_f32", "f64, f64.as_f32"})
    void widensAsTorchDoesBitForBit(String narrow, String wide) {
        INDArray array = DTYPES.read(narrow);

        assertThat(array.dataType()).isEqualTo(DataType.FLOAT);
        assertThat(bits(array)).isEqualTo(bits(DTYPES.read(wide)));
    }

    @Test
    void readsFloatsWithEveryBitSignedZerosAndNaNPayloadsIncluded() {
        INDArray array = DTYPES.read("f32");

        assertThat(array.shape()).containsExactly(3, 3);
        assertThat(bits(array)).isEqualTo(DTYPES.read("f32.bits").toIntVector());
    }

    @Test
    void readsIntegers() {
        assertThat(DTYPES.read("i64")).extracting(INDArray::dataType).isEqualTo(DataType.INT64);
        assertThat(DTYPES.read("i64").toLongVector())
                .containsExactly(Long.MIN_VALUE, Long.MAX_VALUE, -100);
        assertThat(DTYPES.read("i32")).extracting(INDArray::dataType).isEqualTo(DataType.INT32);
        assertThat(DTYPES.read("i32").toIntMatrix())
                .isDeepEqualTo(new int[][] {{Integer.MIN_VALUE}, {Integer.MAX_VALUE}});
    }

    @Test
    void readsAScalarAndAnEmptyTensor() {
        INDArray scalar = DTYPES.read("scalar");
        assertThat(scalar.shape()).isEmpty();
        assertThat(scalar.getFloat()).isEqualTo(2.5f);

        assertThat(DTYPES.read("empty").shape()).containsExactly(0, 3);
    }

    @ParameterizedTest
    @ValueSource(strings = {"bool", "u8", "i8", "u16", "i16", "u32", "u64", "f8_e4m3", "f8_e5m2"})
    void describesWhatItDoesNotReadAndRefusesToReadIt(String name) {
        String dtype = name.toUpperCase(Locale.ROOT);
        assertThat(DTYPES.tensor(name).dtype()).isEqualTo(Dtype.valueOf(dtype));
        assertThatExceptionOfType(JepaException.class)
                .isThrownBy(() -> DTYPES.read(name))
                .withMessageContainingAll("dtypes.safetensors", "\"" + name + "\"", dtype);
    }

    @Test
    void refusesATensorThatIsNotThere() {
        assertThatExceptionOfType(JepaException.class)
                .isThrownBy(() -> DTYPES.read("lm_head.weight"))
                .withMessageContainingAll("\"lm_head.weight\" is missing", "dtypes.safetensors");
    }

    @Test
    void readsIntoAnArrayInPlace() {
        INDArray array = Nd4j.zeros(DataType.FLOAT, 3, 3);

        DTYPES.readInto("f32", array);

        assertThat(bits(array)).isEqualTo(bits(DTYPES.read("f32")));
    }

    @Test
    void readsIntoAViewAndTouchesNothingElse() {
        INDArray whole = Nd4j.valueArrayOf(new long[] {5, 3}, 7f, DataType.FLOAT);

        DTYPES.readInto("f32", whole.get(NDArrayIndex.interval(1, 4), NDArrayIndex.all()));

        assertThat(bits(whole.get(NDArrayIndex.interval(1, 4), NDArrayIndex.all()).dup()))
                .isEqualTo(bits(DTYPES.read("f32")));
        assertThat(whole.getRow(0).toFloatVector()).containsOnly(7f);
        assertThat(whole.getRow(4).toFloatVector()).containsOnly(7f);
    }

    @Test
    void readsIntoAnArrayInFortranOrder() {
        INDArray expected = DTYPES.read("i32");
        INDArray array = Nd4j.create(DataType.INT32, new long[] {2, 1}, 'f');

        DTYPES.readInto("i32", array);

        assertThat(array).isEqualTo(expected);
    }

    @Test
    void refusesAnArrayOfAnotherShapeAndLeavesItAlone() {
        INDArray array = Nd4j.zeros(DataType.FLOAT, 9);
        assertThatExceptionOfType(JepaException.class)
                .isThrownBy(() -> DTYPES.readInto("f32", array))
                .withMessageContainingAll("dtypes.safetensors", "\"f32\"", "[3, 3]", "[9]");
        assertThat(array.toFloatVector()).containsOnly(0f);
    }

    @Test
    void doesNotConvertIntoAnArrayOfAnotherType() {
        assertThatThrownBy(() -> DTYPES.readInto("f32", Nd4j.zeros(DataType.DOUBLE, 3, 3)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("DOUBLE");
    }

    @Test
    void readsTheShardsThatHuggingFaceWrites() {
        SafetensorsCheckpoint single =
                SafetensorsCheckpoint.open(Fixtures.path("plain-f32.safetensors"));
        SafetensorsCheckpoint sharded = SafetensorsCheckpoint.open(Fixtures.path("sharded"));

        assertThat(sharded.tensors()).containsOnlyKeys(single.tensors().keySet());
        for (String name : single.tensors().keySet()) {
            assertThat(sharded.read(name)).isEqualTo(single.read(name));
        }
        assertThat(sharded.tensor("scale").file()).hasFileName("model-00002-of-00002.safetensors");
    }

    @Test
    void prefersTheSingleFileAsTransformersDoes() throws IOException {
        Files.copy(
                Fixtures.path("plain-f32.safetensors"),
                folder.resolve(SafetensorsCheckpoint.SINGLE_FILE));
        Files.writeString(folder.resolve(SafetensorsCheckpoint.INDEX_FILE), "not looked at");

        assertThat(SafetensorsCheckpoint.open(folder).tensors()).containsKey("scale");
    }

    @Test
    void refusesAFolderWithoutWeights() {
        assertThatExceptionOfType(JepaException.class)
                .isThrownBy(() -> SafetensorsCheckpoint.open(folder))
                .withMessageContainingAll(
                        folder.toString(), "model.safetensors.index.json", "Download");
    }

    @Test
    void saysThatPicklesAreNotRead() throws IOException {
        Files.createFile(folder.resolve("pytorch_model.bin"));
        assertThatExceptionOfType(JepaException.class)
                .isThrownBy(() -> SafetensorsCheckpoint.open(folder))
                .withMessageContainingAll("pytorch_model.bin", "pickle", "save_pretrained");
    }

    @Test
    void refusesAFileThatDoesNotExist() {
        assertThatExceptionOfType(JepaException.class)
                .isThrownBy(() -> SafetensorsCheckpoint.open(folder.resolve("x.safetensors")))
                .withMessageContainingAll("x.safetensors", "no such file");
    }

    @Test
    void noticesThatAFileShrankAfterItWasOpened() throws IOException {
        Path file = folder.resolve("a.safetensors");
        Files.copy(Fixtures.path("plain-f32.safetensors"), file);
        SafetensorsCheckpoint checkpoint = SafetensorsCheckpoint.open(file);
        Files.write(file, Arrays.copyOf(Files.readAllBytes(file), 100));

        assertThatExceptionOfType(JepaException.class)
                .isThrownBy(() -> checkpoint.read("layers.0.weight"))
                .withMessageContainingAll("a.safetensors", "layers.0.weight");
    }
}
