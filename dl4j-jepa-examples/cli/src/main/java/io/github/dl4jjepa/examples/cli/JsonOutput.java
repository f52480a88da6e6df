package io.github.dl4jjepa.examples.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.StdScalarSerializer;
import com.fasterxml.jackson.databind.ser.std.ToStringSerializer;
import java.io.IOException;
import java.nio.file.Path;

/**
 * Writes a command's result as JSON on one line: names in snake_case, paths as they are written on
 * this machine, and null for a number that is not finite, which JSON has no word for.
 */
final class JsonOutput {
    private static final JsonMapper MAPPER =
            JsonMapper.builder()
                    .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
                    .addModule(
                            new SimpleModule()
                                    .addSerializer(Path.class, new ToStringSerializer(Path.class))
                                    .addSerializer(new FiniteSerializer<>(Double.class))
                                    .addSerializer(new FiniteSerializer<>(double.class))
                                    .addSerializer(new FiniteSerializer<>(Float.class))
                                    .addSerializer(new FiniteSerializer<>(float.class)))
                    .build();

    private JsonOutput() {}

    /**
     * Writes a result.
     *
     * @param result a record or a map
     * @return one JSON object without a line break
     */
    static String line(Object result) {
        try {
            return MAPPER.writeValueAsString(result);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a result that JSON cannot hold: " + result, e);
        }
    }

    private static final class FiniteSerializer<T extends Number> extends StdScalarSerializer<T> {
        private static final long serialVersionUID = 1L;

        FiniteSerializer(Class<T> type) {
            super(type);
        }

        @Override
        public void serialize(T value, JsonGenerator json, SerializerProvider provider)
                throws IOException {
            if (!Double.isFinite(value.doubleValue())) {
                json.writeNull();
            } else if (value instanceof Float) {
                json.writeNumber(value.floatValue());
            } else {
                json.writeNumber(value.doubleValue());
            }
        }
    }
}
