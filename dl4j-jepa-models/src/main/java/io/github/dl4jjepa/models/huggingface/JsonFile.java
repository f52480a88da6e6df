package io.github.dl4jjepa.models.huggingface;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.dl4jjepa.core.JepaException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Reads and writes files that hold one JSON object. */
final class JsonFile {
    private static final ObjectMapper JSON = new ObjectMapper();

    private JsonFile() {}

    /**
     * @throws JepaException if the file cannot be read or is not a JSON object
     */
    static ObjectNode read(Path file) {
        try {
            JsonNode node = JSON.readTree(Files.readAllBytes(file));
            if (node instanceof ObjectNode object) {
                return object;
            }
            throw new JepaException(
                    file + ": a JSON object is needed, the file holds something else");
        } catch (JsonProcessingException e) {
            throw new JepaException(
                    file
                            + ":"
                            + e.getLocation().getLineNr()
                            + ":"
                            + e.getLocation().getColumnNr()
                            + ": not valid JSON: "
                            + e.getOriginalMessage()
                            + "; get the file again or mend it",
                    e);
        } catch (IOException e) {
            throw new JepaException(file + ": cannot be read: " + e.getMessage(), e);
        }
    }

    static void write(Path file, Object value) throws IOException {
        Files.writeString(
                file, JSON.writerWithDefaultPrettyPrinter().writeValueAsString(value) + "\n");
    }
}
