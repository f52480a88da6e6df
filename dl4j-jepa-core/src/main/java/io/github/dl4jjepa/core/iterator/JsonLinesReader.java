package io.github.dl4jjepa.core.iterator;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.io.JsonEOFException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Map.Entry;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

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
 * messages whose contents, joined by line breaks, form the view.
 *
 * <p>Further keys of a message, such as {@code "tool_calls"} or {@code "reasoning_content"}, become
 * {@link Message#fields}; {@code "tools"}, {@code "documents"} and the entries of {@code
 * "chat_template_kwargs"} become {@link Example#arguments}. An encoder uses them or refuses the
 * example. Other keys of a line are named in one warning and not read. Blank lines and a byte-order
 * mark are skipped. The file is read line by line and never held as a whole.
 *
 * <p>Reading opens the file anew each time; instances may be shared between threads.
 */
public final class JsonLinesReader implements ExampleSource {
    private static final String EXPECTED =
            "{\"messages\": [{\"role\": \"user\", \"content\": \"...\"},"
                    + " {\"role\": \"assistant\", \"content\": \"...\"}]}";

    private static final Logger LOG = LoggerFactory.getLogger(JsonLinesReader.class);

    private static final String BYTE_ORDER_MARK = "\u00EF\u00BB\u00BF";

    private static final String TEMPLATE_ARGUMENTS = "chat_template_kwargs";
    private static final Set<String> ARGUMENTS = Set.of("tools", "documents");
    private static final Set<String> KEYS =
            Set.of("messages", "text", "code", "tools", "documents", TEMPLATE_ARGUMENTS);
    private static final TypeReference<Map<String, Object>> MAP = new TypeReference<>() {};

    private static final JsonMapper JSON =
            JsonMapper.builder()
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                    .build();

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
        Set<String> unread = new TreeSet<>();
        // One char per byte: a line that is not UTF-8 is then found by its own number.
        try (BufferedReader lines = Files.newBufferedReader(file, StandardCharsets.ISO_8859_1)) {
            long number = 0;
            for (String bytes; (bytes = lines.readLine()) != null; ) {
                number++;
                if (number == 1 && bytes.startsWith(BYTE_ORDER_MARK)) {
                    bytes = bytes.substring(BYTE_ORDER_MARK.length());
                    LOG.info("{}: begins with a byte-order mark, which is skipped", file);
                }
                if (bytes.isBlank()) {
                    continue;
                }
                empty = false;
                Example example;
                try {
                    example = new Line(file + ":" + number, unread).parse(bytes);
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
        if (!unread.isEmpty()) {
            LOG.warn(
                    "{}: the keys {} of its lines are not read; a line's keys are {}, those of its"
                            + " messages go to the chat template",
                    file,
                    unread,
                    new TreeSet<>(KEYS));
        }
        if (empty) {
            throw new JepaException(
                    file + ": the file is empty; write one example a line: " + EXPECTED);
        }
    }

    /** One line of the file; its place heads every message. */
    private record Line(String place, Set<String> unread) {
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
            if (last.content().isBlank() && last.fields().isEmpty()) {
                throw fault("the assistant's turn is empty; give the answer or remove the line");
            }
            object.fieldNames()
                    .forEachRemaining(
                            key -> {
                                if (!KEYS.contains(key)) {
                                    unread.add(key);
                                }
                            });
            return new Example(place, messages, views(object), arguments(object));
        }

        private Map<String, Object> arguments(JsonNode object) {
            Map<String, Object> arguments = new LinkedHashMap<>();
            for (String key : ARGUMENTS) {
                JsonNode value = object.path(key);
                if (!isAbsent(value)) {
                    if (!value.isArray()) {
                        throw fault("\"" + key + "\" must be a list, but is " + kind(value));
                    }
                    requireCharacters(key, value);
                    arguments.put(key, JSON.convertValue(value, Object.class));
                }
            }
            JsonNode further = object.path(TEMPLATE_ARGUMENTS);
            if (!isAbsent(further)) {
                if (!further.isObject()) {
                    throw fault(
                            "\""
                                    + TEMPLATE_ARGUMENTS
                                    + "\" must be an object, but is "
                                    + kind(further));
                }
                requireCharacters(TEMPLATE_ARGUMENTS, further);
                arguments.putAll(JSON.convertValue(further, MAP));
            }
            return arguments;
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
                messages.add(message(key + "[" + i + "]", list.get(i)));
            }
            return messages;
        }

        private Message message(String path, JsonNode object) {
            Map<String, Object> fields = new LinkedHashMap<>();
            for (Entry<String, JsonNode> entry : object.properties()) {
                String key = entry.getKey();
                JsonNode value = entry.getValue();
                boolean isText = key.equals("role") || key.equals("content");
                if (!isText && !isAbsent(value)) {
                    requireCharacters(path + "." + key, value);
                    fields.put(key, JSON.convertValue(value, Object.class));
                }
            }
            String role = string(path + ".role", object.path("role"));
            JsonNode content = object.path("content");
            if (isAbsent(content) && !fields.isEmpty()) {
                fields.put("content", null); // as in a turn that calls a tool
                return new Message(role, "", fields);
            }
            return new Message(role, string(path + ".content", content), fields);
        }

        /** Refuses what no encoder can write, however deep it is. */
        private void requireCharacters(String path, JsonNode node) {
            if (node.isTextual()) {
                string(path, node);
            }
            node.properties()
                    .forEach(
                            entry -> {
                                string(path, JSON.getNodeFactory().textNode(entry.getKey()));
                                requireCharacters(path + "." + entry.getKey(), entry.getValue());
                            });
            if (node.isArray()) {
                for (int i = 0; i < node.size(); i++) {
                    requireCharacters(path + "[" + i + "]", node.get(i));
                }
            }
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
                                    .map(message -> contentAlone(key, message))
                                    .collect(Collectors.joining("\n"))
                            : string(key, node);
            if (view.isBlank()) {
                throw fault("\"" + key + "\" is empty; give the view's text or leave it out");
            }
            return view;
        }

        private String contentAlone(String key, Message message) {
            if (!message.fields().isEmpty()) {
                throw fault(
                        "\""
                                + key
                                + "\" is a view, whose messages have \"role\" and \"content\" only;"
                                + " remove "
                                + message.fields().keySet());
            }
            return message.content();
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
