package io.github.dl4jjepa.core;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** What torch, transformers and NumPy compute; src/test/python has what writes the files. */
public final class Goldens {
    private static final ObjectMapper JSON = new ObjectMapper();

    private Goldens() {}

    public static JsonNode read(String name) {
        try (InputStream in = Goldens.class.getResourceAsStream("/" + name)) {
            return JSON.readTree(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A float32 array of rank 1 or 2. */
    public static INDArray array(JsonNode values) {
        return values.get(0).isArray()
                ? Nd4j.createFromArray(JSON.convertValue(values, float[][].class))
                : Nd4j.createFromArray(JSON.convertValue(values, float[].class));
    }

    /** A float64 array of rank 1 or 2. */
    public static INDArray doubles(JsonNode values) {
        return values.get(0).isArray()
                ? Nd4j.createFromArray(JSON.convertValue(values, double[][].class))
                : Nd4j.createFromArray(JSON.convertValue(values, double[].class));
    }

    /** Every element within a relative tolerance. */
    public static void assertClose(INDArray actual, JsonNode expected, double tolerance) {
        INDArray golden = array(expected);
        assertThat(actual.shape()).isEqualTo(golden.shape());
        for (long i = 0; i < golden.length(); i++) {
            assertThat(Math.abs(actual.getDouble(i) - golden.getDouble(i)))
                    .as("element %d: %s, golden %s", i, actual.getDouble(i), golden.getDouble(i))
                    .isLessThanOrEqualTo(tolerance * Math.abs(golden.getDouble(i)));
        }
    }
}
