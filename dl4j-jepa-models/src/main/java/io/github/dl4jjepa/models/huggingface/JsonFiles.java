package io.github.dl4jjepa.models.huggingface;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.core.util.Separators;
import com.fasterxml.jackson.core.util.Separators.Spacing;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.internal.JsonFault;
import io.github.dl4jjepa.models.internal.GitLfs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** JSON files in Python's dialect, which knows {@code NaN} and {@code Infinity}. */
final class JsonFiles {
    private static final JsonMapper MAPPER =
            JsonMapper.builder()
                    .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
                    .disable(JsonWriteFeature.WRITE_NAN_AS_STRINGS)
                    .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                    .build();

    private static final ObjectWriter WRITER = MAPPER.writer(pythonLayout());

    private JsonFiles() {}

    /** The layout of {@code json.dump(…, indent=2)}. */
    private static DefaultPrettyPrinter pythonLayout() {
        DefaultIndenter indenter = new DefaultIndenter("  ", "\n");
        return new DefaultPrettyPrinter(
                        Separators.createDefaultInstance()
                                .withObjectFieldValueSpacing(Spacing.AFTER)
                                .withObjectEmptySeparator("")
                                .withArrayEmptySeparator(""))
                .withObjectIndenter(indenter)
                .withArrayIndenter(indenter);
    }

    static ObjectNode newObject() {
        return MAPPER.createObjectNode();
    }

    /**
     * Reads a file that holds one object.
     *
     * @param remedy what to do when the file is missing or broken, as a sentence
     * @throws JepaException if it is
     */
    static ObjectNode read(Path file, String remedy) {
        GitLfs.refusePointer(file);
        JsonNode node;
        try {
            node = MAPPER.readTree(Files.readAllBytes(file));
        } catch (NoSuchFileException e) {
            throw new JepaException(file + ": no such file. " + remedy, e);
        } catch (JsonProcessingException e) {
            throw new JepaException(
                    file
                            + JsonFault.place(e)
                            + ": not valid JSON: "
                            + e.getOriginalMessage()
                            + ". "
                            + remedy,
                    e);
        } catch (IOException e) {
            throw new JepaException(file + ": cannot be read: " + e, e);
        }
        if (node instanceof ObjectNode object) {
            return object;
        }
        throw new JepaException(file + ": does not hold a JSON object. " + remedy);
    }

    static byte[] toBytes(ObjectNode object) {
        try {
            return WRITER.writeValueAsBytes(object);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }
}
