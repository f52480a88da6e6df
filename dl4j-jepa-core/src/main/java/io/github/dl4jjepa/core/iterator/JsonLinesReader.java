package io.github.dl4jjepa.core.iterator;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.io.JsonEOFException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.Message;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * Reads the files of the LLM-JEPA authors: UTF-8, one JSON object per line.
 *
 * <pre>{@code
 * {"messages": [{"role": "system", "content": "Convert natural language to regular expression."},
 *               {"role": "user", "content": "lines with a vowel"},
 *               {"role": "assistant", "content": ".*[AEIOUaeiou].*"}]}
 * }</pre>
 *
 * <p>(On one line in the file.) The conversation ends in the assistant's turn. Views that are other
 * texts than the turns are given as {@code "text"} and {@code "code"}, each a string or a list of
 * messages whose contents, joined by line breaks, form the view. Other keys are ignored, blank
 * lines passed over. The file is read line by line and never held as a whole.
 */
public final class JsonLinesReader implements ExampleSource {
    private static final String EXPECTED =
            "{\"messages\": [{\"role\": \"user\", \"content\": \"...\"},"
                    + " {\"role\": \"assistant\", \"content\": \"...\"}]}";

    private static final String BYTE_ORDER_MARK = "\u00EF\u00BB\u00BF";

    private static final ObjectReader JSON =
            JsonMapper.builder()
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                    .build()
                    .reader();

    private final Path file;

    /**
     * @param file the file to read; opened anew by each reading
     */
    public JsonLinesReader(Path file) {
        this.file = Objects.requireNonNull(file, "file");
    }

    /**
     * {@inheritDoc}
     *
     * @throws JepaException if the file cannot be read or has no line that is not blank
     */
    @Override
    public void read(Consumer<? super Example> examples, Consumer<? super JepaException> faults) {
        boolean empty = true;
        // One char per byte: a line that is not UTF-8 is then found by its own number.
        try (BufferedReader lines = Files.newBufferedReader(file, StandardCharsets.ISO_8859_1)) {
            long number = 0;
            for (String bytes; (bytes = lines.readLine()) != null; ) {
                number++;
                if (number == 1 && bytes.startsWith(BYTE_ORDER_MARK)) {
                    bytes = bytes.substring(BYTE_ORDER_MARK.length());
                }
                if (bytes.isBlank()) {
                    continue;
                }
                empty = false;
                Example example;
                try {
                    example = new Line(file + ":" + number).parse(bytes);
                } catch (JepaException fault) {
                    faults.accept(fault);
                    continue;
                }
                examples.accept(example);
            }
        } catch (NoSuchFileException e) {
            throw new JepaException(file + ": there is no such file", e);
        } catch (IOException e) {
            throw new JepaException(file + ": cannot be read: " + e.getMessage(), e);
        }
        if (empty) {
            throw new JepaException(
                    file + ": the file is empty; write one example a line: " + EXPECTED);
        }
    }

    /** One line of the file; its place heads every message. */
    private record Line(String place) {
        Example parse(String bytes) {
            JsonNode object = json(utf8(bytes));
            if (!object.isObject()) {
                throw fault("the line must be one JSON object: " + EXPECTED);
            }
            List<Message> messages = messages("messages", object.path("messages"));
            Message last = messages.get(messages.size() - 1);
            if (!last.role().equals(Message.ASSISTANT)) {
                throw fault(
                        "the last message is of the "
                                + last.role()
                                + "; end the conversation with the assistant's turn, which is"
                                + " what the model learns");
            }
            if (last.content().isBlank()) {
                throw fault("the assistant's turn is empty; give the answer or remove the line");
            }
            return new Example(place, messages, views(object));
        }

        private String utf8(String bytes) {
            ByteBuffer encoded = ByteBuffer.wrap(bytes.getBytes(StandardCharsets.ISO_8859_1));
            try {
                return StandardCharsets.UTF_8.newDecoder().decode(encoded).toString();
            } catch (CharacterCodingException e) {
                throw new JepaException(place + ": not UTF-8; save the file as UTF-8", e);
            }
        }

        private JsonNode json(String line) {
            try {
                return JSON.readTree(line);
            } catch (JsonEOFException e) {
                throw new JepaException(
                        place
                                + ": the line ends before its JSON does; write each object on one line",
                        e);
            } catch (JsonProcessingException e) {
                throw new JepaException(
                        place
                                + ": not valid JSON at column "
                                + e.getLocation().getColumnNr()
                                + ": "
                                + e.getOriginalMessage()
                                + "; each line must be one JSON object",
                        e);
            }
        }

        private List<Message> messages(String key, JsonNode list) {
            if (!list.isArray() || list.isEmpty()) {
                throw fault(
                        "\""
                                + key
                                + "\" must be a list of messages, but is "
                                + kind(list)
                                + "; expected "
                                + EXPECTED);
            }
            List<Message> messages = new ArrayList<>(list.size());
            for (int i = 0; i < list.size(); i++) {
                String path = key + "[" + i + "]";
                String role = string(path + ".role", list.get(i).path("role"));
                String content = string(path + ".content", list.get(i).path("content"));
                messages.add(new Message(role, content));
            }
            return messages;
        }

        private List<String> views(JsonNode object) {
            JsonNode text = object.path("text");
            JsonNode code = object.path("code");
            if (isAbsent(text) && isAbsent(code)) {
                return List.of();
            }
            if (isAbsent(text) || isAbsent(code)) {
                throw fault("only one of \"text\" and \"code\" is there; give both or neither");
            }
            return List.of(view("text", text), view("code", code));
        }

        private String view(String key, JsonNode node) {
            String view =
                    node.isArray()
                            ? messages(key, node).stream()
                                    .map(Message::content)
                                    .collect(Collectors.joining("\n"))
                            : string(key, node);
            if (view.isBlank()) {
                throw fault("\"" + key + "\" is empty; give the view's text or leave it out");
            }
            return view;
        }

        private String string(String path, JsonNode node) {
            if (!node.isTextual()) {
                throw fault("\"" + path + "\" must be a string, but is " + kind(node));
            }
            String string = node.textValue();
            if (!StandardCharsets.UTF_8.newEncoder().canEncode(string)) {
                throw fault(
                        "\""
                                + path
                                + "\" holds half a surrogate pair, which is no character; remove it");
            }
            return string;
        }

        private JepaException fault(String message) {
            return new JepaException(place + ": " + message);
        }

        private static boolean isAbsent(JsonNode node) {
            return node.isMissingNode() || node.isNull();
        }

        private static String kind(JsonNode node) {
            return switch (node.getNodeType()) {
                case MISSING -> "missing";
                case ARRAY -> node.isEmpty() ? "an empty list" : "a list";
                case OBJECT -> "an object";
                case STRING -> "a string";
                default -> node.toString();
            };
        }
    }
}
