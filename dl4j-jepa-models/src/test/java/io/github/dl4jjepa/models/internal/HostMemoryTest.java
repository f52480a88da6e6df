package io.github.dl4jjepa.models.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataBuffer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

class HostMemoryTest {
    /** Memory from malloc, unlike ND4J's, takes room only where it is touched. */
    @Test
    void reachesBeyondTwoGigabytes() throws IOException {
        long length = (1L << 29) + 5;
        Pointer memory = Pointer.malloc(length * Float.BYTES);
        try {
            DataBuffer buffer = Nd4j.createBuffer(memory, length, DataType.FLOAT);
            INDArray array = Nd4j.createArrayFromShapeBuffer(buffer, shapeInfo(length));

            HostMemory.write(
                    array,
                    1 << 27,
                    (first, region) -> region.putFloat(region.limit() - Float.BYTES, first + 1));

            FloatPointer floats = new FloatPointer(memory);
            assertThat(floats.get((1 << 27) - 1)).isEqualTo(1f);
            assertThat(floats.get((1 << 29) - 1)).isEqualTo(3 * (1 << 27) + 1f);
            assertThat(floats.get(length - 1)).isEqualTo((1 << 29) + 1f);
        } finally {
            Pointer.free(memory);
        }
    }

    private static DataBuffer shapeInfo(long length) {
        return Nd4j.getShapeInfoProvider()
                .createShapeInformation(new long[] {length}, 'c', DataType.FLOAT)
                .getFirst();
    }

    @Test
    void showsTheElementsOfAViewInRegions() throws IOException {
        INDArray view =
                Nd4j.arange(12)
                        .castTo(DataType.FLOAT)
                        .reshape(4, 3)
                        .get(NDArrayIndex.interval(1, 3), NDArrayIndex.all());
        List<Long> starts = new ArrayList<>();
        List<Float> elements = new ArrayList<>();

        HostMemory.read(
                view,
                4,
                (first, region) -> {
                    starts.add(first);
                    while (region.hasRemaining()) {
                        elements.add(region.getFloat());
                    }
                });

        assertThat(starts).containsExactly(0L, 4L);
        assertThat(elements).containsExactly(3f, 4f, 5f, 6f, 7f, 8f);
    }

    @Test
    void knowsWhichArraysAreDense() {
        INDArray matrix = Nd4j.zeros(DataType.FLOAT, 4, 3);
        assertThat(HostMemory.isDense(matrix)).isTrue();
        assertThat(HostMemory.isDense(matrix.transpose())).isFalse();
        assertThat(HostMemory.isDense(matrix.dup('f'))).isFalse();
        assertThat(HostMemory.isDense(matrix.getColumn(1))).isFalse();
        assertThat(HostMemory.isDense(Nd4j.scalar(1f))).isTrue();
    }
}
