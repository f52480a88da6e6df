package io.github.dl4jjepa.models.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jjepa.core.JepaException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class SafetensorsWriterTest {
    @TempDir Path folder;

    private static Map<String, INDArray> read(String fixture) {
        SafetensorsCheckpoint checkpoint = SafetensorsCheckpoint.open(Fixtures.path(fixture));
        Map<String, INDArray> tensors = new LinkedHashMap<>();
        checkpoint.tensors().keySet().forEach(name -> tensors.put(name, checkpoint.read(name)));
        return tensors;
    }

    @ParameterizedTest
    @CsvSource({"F32, plain-f32", "BF16, plain-bf16", "F16, plain-f16"})
    void writesTheVeryBytesThatThePythonLibraryWrites(Dtype dtype, String fixture)
            throws IOException {
        Path file = folder.resolve("out.safetensors");

        SafetensorsWriter.writeFile(file, read("plain-f32.safetensors"), dtype);

        assertThat(file).hasSameBinaryContentAs(Fixtures.path(fixture + ".safetensors"));
    }

    @Test
    void bringsBackEveryBitOfAFloat() throws IOException {
        Map<String, INDArray> tensors = Map.of("f32", read("dtypes.safetensors", "f32"));
        Path file = folder.resolve("out.safetensors");

        SafetensorsWriter.writeFile(file, tensors, Dtype.F32);

        byte[] bytes = Files.readAllBytes(file);
        ByteBuffer data = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        int[] written = new int[9];
        data.position(bytes.length - 36)
                .slice()
                .order(ByteOrder.LITTLE_ENDIAN)
                .asIntBuffer()
                .get(written);
        assertThat(written).isEqualTo(read("dtypes.safetensors", "f32.bits").toIntVector());
    }

    private static INDArray read(String fixture, String tensor) {
        return SafetensorsCheckpoint.open(Fixtures.path(fixture)).read(tensor);
    }

    @Test
    void alignsTheDataToEightBytes() throws IOException {
        for (String name : new String[] {"a", "ab", "abc", "abcd", "abcde"}) {
            Path file = folder.resolve(name);
            SafetensorsWriter.writeFile(
                    file, Map.of(name, Nd4j.ones(DataType.FLOAT, 3)), Dtype.F32);
            assertThat(SafetensorsCheckpoint.open(file).tensor(name).offset() % 8).isZero();
        }
    }

    @Test
    void writesScalarsEmptyArraysViewsAndFortranOrder() {
        INDArray matrix = Nd4j.arange(12).castTo(DataType.FLOAT).reshape(3, 4);
        Map<String, INDArray> tensors = new LinkedHashMap<>();
        tensors.put("scalar", Nd4j.scalar(2.5f));
        tensors.put("empty", Nd4j.create(DataType.FLOAT, 0, 3));
        tensors.put("transposed", matrix.transpose());
        tensors.put("fortran", matrix.dup('f'));
        tensors.put("row", matrix.getRow(1));
        tensors.put("column", matrix.getColumn(1));
        Path file = folder.resolve("out.safetensors");

        SafetensorsWriter.writeFile(file, tensors, Dtype.F32);

        SafetensorsCheckpoint written = SafetensorsCheckpoint.open(file);
        assertThat(written.tensors().keySet()).containsExactlyElementsOf(tensors.keySet());
        tensors.forEach((name, array) -> assertThat(written.read(name)).as(name).isEqualTo(array));
    }

    @Test
    void writesArraysLargerThanItsBuffer() {
        INDArray array = Nd4j.arange(2_500_001).castTo(DataType.FLOAT);
        Path file = folder.resolve("out.safetensors");

        SafetensorsWriter.writeFile(file, Map.of("a", array), Dtype.F32);

        assertThat(SafetensorsCheckpoint.open(file).read("a")).isEqualTo(array);
    }

    @Test
    void writesAFileWithoutTensors() {
        Path file = folder.resolve("out.safetensors");
        SafetensorsWriter.writeFile(file, Map.of(), Dtype.F32);
        assertThat(SafetensorsCheckpoint.open(file).tensors()).isEmpty();
    }

    @Test
    void splitsWhereHuggingFaceSplits() {
        SafetensorsWriter.writeCheckpoint(folder, read("plain-f32.safetensors"), Dtype.F32, 144);

        for (String name :
                new String[] {
                    "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
                }) {
            assertThat(folder.resolve(name))
                    .hasSameBinaryContentAs(Fixtures.path("sharded").resolve(name));
        }
        assertThat(folder.resolve("model.safetensors")).doesNotExist();
        assertThat(SafetensorsCheckpoint.open(folder).tensors()).hasSize(3);
        assertThat(folder.resolve("model.safetensors.index.json"))
                .content()
                .contains("\"total_size\" : 156");
    }

    @Test
    void givesATensorAboveTheLimitAFileOfItsOwn() {
        SafetensorsWriter.writeCheckpoint(folder, read("plain-f32.safetensors"), Dtype.F32, 1);
        assertThat(folder.resolve("model-00003-of-00003.safetensors")).exists();
        assertThat(SafetensorsCheckpoint.open(folder).tensors()).hasSize(3);
    }

    @Test
    void writesOneFileWhenItFits() {
        SafetensorsWriter.writeCheckpoint(folder, read("plain-f32.safetensors"), Dtype.F32, 156);
        assertThat(folder).isDirectoryNotContaining("glob:**.json");
        assertThat(folder.resolve("model.safetensors")).exists();
    }

    @Test
    void neverOverwrites() throws IOException {
        Path file = Files.writeString(folder.resolve("model.safetensors"), "precious");
        assertThatExceptionOfType(JepaException.class)
                .isThrownBy(() -> SafetensorsWriter.writeFile(file, Map.of(), Dtype.F32))
                .withMessageContainingAll(file.toString(), "exists already");
        assertThat(file).hasContent("precious");
    }

    @Test
    void refusesAFolderThatIsNotThere() {
        Path file = folder.resolve("nowhere").resolve("model.safetensors");
        assertThatExceptionOfType(JepaException.class)
                .isThrownBy(() -> SafetensorsWriter.writeFile(file, Map.of(), Dtype.F32))
                .withMessageContainingAll(file.toString(), "cannot be written");
    }

    @ParameterizedTest
    @EnumSource(
            value = Dtype.class,
            mode = EnumSource.Mode.EXCLUDE,
            names = {"F32", "BF16", "F16"})
    void writesNoOtherDtype(Dtype dtype) {
        assertThatThrownBy(() -> SafetensorsWriter.writeFile(folder.resolve("x"), Map.of(), dtype))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void writesNoOtherArrays() {
        Map<String, INDArray> tensors = Map.of("a", Nd4j.ones(DataType.DOUBLE, 2));
        assertThatThrownBy(
                        () -> SafetensorsWriter.writeFile(folder.resolve("x"), tensors, Dtype.F32))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("DOUBLE");
        assertThat(folder).isEmptyDirectory();
    }
}
