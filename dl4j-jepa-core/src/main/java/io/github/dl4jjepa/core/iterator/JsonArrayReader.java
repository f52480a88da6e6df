package io.github.dl4jjepa.core.iterator;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.internal.JsonFault;
import io.github.dl4jjepa.core.view.Example;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;

/** Reads a file that is one JSON array of objects, element by element. */
final class JsonArrayReader implements ExampleSource {
    private final Path file;
    private final JsonExamples elements;

    JsonArrayReader(Path file, JsonExamples elements) {
        this.file = file;
        this.elements = elements;
    }

    @Override
    public void read(Consumer<? super Example> examples, Consumer<? super JepaException> faults) {
        Set<String> unread = new TreeSet<>();
        boolean empty = true;
        try (InputStream bytes = DataFile.open(file);
                JsonParser array = JsonExamples.JSON.createParser(bytes)) {
            array.nextToken();
            while (array.nextToken() != JsonToken.END_ARRAY) {
                String place = file + ":" + array.currentTokenLocation().getLineNr();
                JsonNode element = array.readValueAsTree();
                empty = false;
                Example example;
                try {
                    if (element == null || !element.isObject()) {
                        throw new JepaException(
                                place
                                        + ": each element of the array must be a JSON object: "
                                        + elements.expected());
                    }
                    example = elements.example(place, element, unread);
                } catch (JepaException fault) {
                    faults.accept(fault);
                    continue;
                }
                examples.accept(example);
            }
            if (array.nextToken() != null) {
                throw new JepaException(
                        file
                                + ":"
                                + array.currentTokenLocation().getLineNr()
                                + ": something follows the end of the array; put all examples into"
                                + " one array, or write each on a line without one");
            }
        } catch (JsonProcessingException e) {
            throw new JepaException(
                    file
                            + JsonFault.line(e)
                            + ": not valid JSON"
                            + JsonFault.column(e)
                            + ": "
                            + e.getOriginalMessage()
                            + "; the file must be one array of objects",
                    e);
        } catch (IOException e) {
            throw new JepaException(file + ": " + DataFile.describe(e), e);
        }
        elements.warnOf(unread, file);
        if (empty) {
            throw new JepaException(
                    file
                            + ": the array is empty; write one example an element: "
                            + elements.expected());
        }
    }
}
