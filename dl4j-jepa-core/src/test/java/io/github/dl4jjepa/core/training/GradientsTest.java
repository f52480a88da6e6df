package io.github.dl4jjepa.core.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.dl4jjepa.core.Goldens;
import java.util.Map;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class GradientsTest {
    static Stream<JsonNode> goldens() {
        return StreamSupport.stream(Goldens.read("training/clipping.json").spliterator(), false);
    }

    @ParameterizedTest
    @MethodSource("goldens")
    void clipsAsTorchDoes(JsonNode golden) {
        try (Gradients gradients = gradients(golden.get("before"))) {
            double norm = norm(gradients);
            double scale = Gradients.clippingScale(norm, golden.get("max_norm").doubleValue());

            assertThat(norm).isCloseTo(golden.get("norm").doubleValue(), within(1e-6));
            gradients.arrays().values().forEach(gradient -> gradient.muli(scale));
            Goldens.assertClose(gradients.arrays().get("0"), golden.at("/after/0"), 1e-6);
            Goldens.assertClose(gradients.arrays().get("1"), golden.at("/after/1"), 1e-6);
        }
    }

    @Test
    void leavesGradientsAsTheyAreWithoutAMaximum() {
        assertThat(Gradients.clippingScale(1e6, 0)).isEqualTo(1);
    }

    @Test
    void losesNoPrecisionOverManyElements() {
        Map<String, INDArray> parameters =
                Map.of("embedding", Nd4j.create(DataType.FLOAT, 2048, 4096));
        try (Gradients gradients = new Gradients(parameters)) {
            gradients.arrays().get("embedding").assign(1e-3f);

            assertThat(norm(gradients)).isCloseTo(1e-3f * Math.sqrt(1 << 23), within(1e-6));
        }
    }

    @ParameterizedTest
    @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
    void showsANonFiniteElementInTheNorm(float value) {
        try (Gradients gradients = new Gradients(Map.of("p", Nd4j.zeros(DataType.FLOAT, 3, 5)))) {
            gradients.arrays().get("p").putScalar(1, 2, value);

            assertThat(norm(gradients)).isNotFinite();
        }
    }

    @Test
    void clears() {
        try (Gradients gradients = gradients(goldens().findFirst().orElseThrow().get("before"))) {
            gradients.clear();

            assertThat(norm(gradients)).isZero();
        }
    }

    private static double norm(Gradients gradients) {
        return gradients.norm(parameter -> true);
    }

    private static Gradients gradients(JsonNode values) {
        Map<String, INDArray> arrays =
                Map.of("0", Goldens.array(values.get(0)), "1", Goldens.array(values.get(1)));
        Gradients gradients = new Gradients(arrays);
        arrays.forEach((name, array) -> gradients.arrays().get(name).assign(array));
        return gradients;
    }
}
