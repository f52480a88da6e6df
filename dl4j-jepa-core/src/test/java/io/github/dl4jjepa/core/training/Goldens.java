package io.github.dl4jjepa.core.training;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** What torch and transformers compute; src/test/python/training_goldens.py writes the files. */
final class Goldens {
    private static final ObjectMapper JSON = new ObjectMapper();

    private Goldens() {}

    static JsonNode read(String name) {
        try (InputStream in = Goldens.class.getResourceAsStream("/training/" + name)) {
            return JSON.readTree(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A float32 array of rank 1 or 2. */
    static INDArray array(JsonNode values) {
        return values.get(0).isArray()
                ? Nd4j.createFromArray(JSON.convertValue(values, float[][].class))
                : Nd4j.createFromArray(JSON.convertValue(values, float[].class));
    }

    /** Every element within a relative tolerance. */
    static void assertClose(INDArray actual, JsonNode expected, double tolerance) {
        INDArray golden = array(expected);
        assertThat(actual.shape()).isEqualTo(golden.shape());
        for (long i = 0; i < golden.length(); i++) {
            assertThat(Math.abs(actual.getDouble(i) - golden.getDouble(i)))
                    .as("element %d: %s, golden %s", i, actual.getDouble(i), golden.getDouble(i))
                    .isLessThanOrEqualTo(tolerance * Math.abs(golden.getDouble(i)));
        }
    }
}
