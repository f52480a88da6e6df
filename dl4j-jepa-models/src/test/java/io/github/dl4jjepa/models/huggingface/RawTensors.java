package io.github.dl4jjepa.models.huggingface;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/** Safetensors files of any types, byte for byte. */
final class RawTensors {
    private static final ObjectMapper JSON = new ObjectMapper();

    private RawTensors() {}

    record Raw(String dtype, JsonNode shape, byte[] bytes) {
        /** Zeros. */
        static Raw zeros(String dtype, int bits, int... shape) {
            int elements = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
            return new Raw(dtype, JSON.valueToTree(shape), new byte[elements * bits / 8]);
        }
    }

    static Map<String, Raw> read(Path file) throws IOException {
        ByteBuffer data = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        int start = 8 + (int) data.getLong();
        JsonNode header =
                JSON.readTree(new String(data.array(), 8, start - 8, StandardCharsets.UTF_8));
        Map<String, Raw> tensors = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> entry : header.properties()) {
            JsonNode at = entry.getValue().path("data_offsets");
            if (at.isArray()) {
                tensors.put(
                        entry.getKey(),
                        new Raw(
                                entry.getValue().path("dtype").textValue(),
                                entry.getValue().path("shape"),
                                Arrays.copyOfRange(
                                        data.array(),
                                        start + at.get(0).intValue(),
                                        start + at.get(1).intValue())));
            }
        }
        return tensors;
    }

    static void write(Path file, Map<String, Raw> tensors) throws IOException {
        ObjectNode header = JSON.createObjectNode();
        ByteArrayOutputStream data = new ByteArrayOutputStream();
        for (Map.Entry<String, Raw> tensor : tensors.entrySet()) {
            Raw raw = tensor.getValue();
            ObjectNode entry = header.putObject(tensor.getKey()).put("dtype", raw.dtype);
            entry.set("shape", raw.shape);
            entry.putArray("data_offsets").add(data.size()).add(data.size() + raw.bytes.length);
            data.writeBytes(raw.bytes);
        }
        byte[] json = JSON.writeValueAsBytes(header);
        Files.write(
                file,
                ByteBuffer.allocate(8 + json.length + data.size())
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putLong(json.length)
                        .put(json)
                        .put(data.toByteArray())
                        .array());
    }
}
