package io.github.dl4jjepa.core.iterator;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.io.JsonEOFException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.internal.JsonFault;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.Message;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Map.Entry;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes examples of JSON objects of one format. */
final class JsonExamples {
    /** Refuses what another parser would pass over. */
    static final JsonMapper JSON =
            JsonMapper.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

    private static final ObjectReader WHOLE_LINE =
            JSON.reader().with(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    private static final Logger LOG = LoggerFactory.getLogger(JsonExamples.class);

    private static final String TRAIN = "train";
    private static final String CONVERSATIONS = "conversations";
    private static final String INSTRUCTION = "instruction";
    private static final String INPUT = "input";
    private static final String OUTPUT = "output";
    private static final String TEMPLATE_ARGUMENTS = "chat_template_kwargs";
    private static final Set<String> ARGUMENTS = Set.of("tools", "documents");
    private static final TypeReference<Map<String, Object>> MAP = new TypeReference<>() {};

    /** The roles of ShareGPT's names. */
    private static final Map<String, String> SPEAKERS =
            Map.of(
                    "human", Message.USER,
                    "user", Message.USER,
                    "gpt", Message.ASSISTANT,
                    "assistant", Message.ASSISTANT,
                    "chatgpt", Message.ASSISTANT,
                    "system", Message.SYSTEM,
                    "tool", "tool",
                    "observation", "tool");

    private final ExampleFormat format;
    private final Map<ExampleFormat.Field, String> names;

    /**
     * @param names the keys that have another name than the usual one
     */
    JsonExamples(ExampleFormat format, Map<ExampleFormat.Field, String> names) {
        this.format = format;
        this.names = Map.copyOf(names);
    }

    private String key(ExampleFormat.Field field) {
        return field.in(names);
    }

    /** The format of an object; nothing where its keys are those of none. */
    static Optional<ExampleFormat> formatOf(
            JsonNode object, Map<ExampleFormat.Field, String> names) {
        return Stream.of(
                        ExampleFormat.MESSAGES,
                        ExampleFormat.SHAREGPT,
                        ExampleFormat.PROMPT_COMPLETION,
                        ExampleFormat.ALPACA,
                        ExampleFormat.PAIRS,
                        ExampleFormat.TEXT)
                .filter(
                        format ->
                                new JsonExamples(format, names)
                                        .required().stream().allMatch(object::has))
                .findFirst();
    }

    /** The keys that each object has. */
    List<String> required() {
        return switch (format) {
            case MESSAGES -> List.of(key(ExampleFormat.Field.MESSAGES));
            case PROMPT_COMPLETION ->
                    List.of(key(ExampleFormat.Field.PROMPT), key(ExampleFormat.Field.COMPLETION));
            case ALPACA -> List.of(INSTRUCTION, OUTPUT);
            case SHAREGPT -> List.of(CONVERSATIONS);
            case PAIRS -> List.of(key(ExampleFormat.Field.TEXT), key(ExampleFormat.Field.CODE));
            case TEXT -> List.of(key(ExampleFormat.Field.TEXT));
            case CSV, TSV -> throw new IllegalStateException(format + " is not JSON");
        };
    }

    private Set<String> keys() {
        Set<String> keys = new TreeSet<>(required());
        switch (format) {
            case MESSAGES, SHAREGPT ->
                    keys.addAll(
                            List.of(key(ExampleFormat.Field.TEXT), key(ExampleFormat.Field.CODE)));
            case ALPACA -> keys.add(INPUT);
            default -> {}
        }
        if (format != ExampleFormat.MESSAGES && format != ExampleFormat.TEXT) {
            keys.add(key(ExampleFormat.Field.SYSTEM));
        }
        if (format != ExampleFormat.TEXT) {
            keys.addAll(ARGUMENTS);
            keys.add(TEMPLATE_ARGUMENTS);
        }
        return keys;
    }

    /** An object of the format, for messages. */
    String expected() {
        String turns =
                "[{\"%1$s\": \"%2$s\", \"%3$s\": \"...\"}, {\"%1$s\": \"%4$s\", \"%3$s\": \"...\"}]";
        String value =
                switch (format) {
                    case MESSAGES ->
                            String.format(
                                    Locale.ROOT,
                                    turns,
                                    "role",
                                    Message.USER,
                                    "content",
                                    Message.ASSISTANT);
                    case SHAREGPT ->
                            String.format(Locale.ROOT, turns, "from", "human", "value", "gpt");
                    default -> "\"...\"";
                };
        return required().stream()
                .map(key -> "\"" + key + "\": " + value)
                .collect(Collectors.joining(", ", "{", "}"));
    }

    /** Warns once of keys that are not read. */
    void warnOf(Set<String> unread, Path file) {
        if (!unread.isEmpty()) {
            LOG.warn(
                    "{}: the keys {} of its lines are not read; a line's keys are {}, those of its"
                            + " messages go to the chat template",
                    file,
                    unread,
                    keys());
        }
    }

    /**
     * Makes an example of a line.
     *
     * @param place heads every message
     * @param bytes the line, one char for each byte
     * @param unread receives the keys that are not read
     * @throws JepaException if the line cannot be used
     */
    Example parse(String place, String bytes, Set<String> unread) {
        Line line = new Line(place);
        JsonNode object = line.json(line.utf8(bytes));
        if (!object.isObject()) {
            throw line.fault("the line must be one JSON object: " + expected());
        }
        return example(place, object, unread);
    }

    /**
     * Makes an example of an object.
     *
     * @param place heads every message
     * @param unread receives the keys that are not read
     * @throws JepaException if the object cannot be used
     */
    Example example(String place, JsonNode object, Set<String> unread) {
        Line line = new Line(place);
        Example example = line.example(object, unread);
        Set<String> keys = keys();
        object.fieldNames()
                .forEachRemaining(
                        key -> {
                            if (!keys.contains(key)) {
                                unread.add(key);
                            }
                        });
        return example;
    }

    /** One line of the file, or one element of its array; its place heads every message. */
    private final class Line {
        private final String place;

        Line(String place) {
            this.place = place;
        }

        Example example(JsonNode object, Set<String> unread) {
            if (format == ExampleFormat.TEXT) {
                return Example.document(place, filled(key(ExampleFormat.Field.TEXT), object));
            }
            List<Message> messages = new ArrayList<>();
            switch (format) {
                case MESSAGES -> {
                    String key = key(ExampleFormat.Field.MESSAGES);
                    messages.addAll(messages(key, object.path(key)));
                }
                case PROMPT_COMPLETION -> {
                    messages.addAll(turns(ExampleFormat.Field.PROMPT, Message.USER, object));
                    messages.addAll(
                            turns(ExampleFormat.Field.COMPLETION, Message.ASSISTANT, object));
                }
                case ALPACA -> {
                    String instruction = filled(INSTRUCTION, object);
                    JsonNode input = object.path(INPUT);
                    String added = isAbsent(input) ? "" : string(INPUT, input);
                    messages.add(
                            new Message(
                                    Message.USER,
                                    added.isBlank() ? instruction : instruction + "\n" + added));
                    messages.add(new Message(Message.ASSISTANT, filled(OUTPUT, object)));
                }
                case SHAREGPT -> messages.addAll(conversation(object.path(CONVERSATIONS), unread));
                default -> {
                    messages.add(
                            new Message(
                                    Message.USER, filled(key(ExampleFormat.Field.TEXT), object)));
                    messages.add(
                            new Message(
                                    Message.ASSISTANT,
                                    filled(key(ExampleFormat.Field.CODE), object)));
                }
            }
            addSystem(object, messages);
            requireAnswer(messages);
            return new Example(place, messages, views(object), arguments(object));
        }

        private void addSystem(JsonNode object, List<Message> messages) {
            String key = key(ExampleFormat.Field.SYSTEM);
            if (format == ExampleFormat.MESSAGES || isAbsent(object.path(key))) {
                return;
            }
            if (messages.get(0).role().equals(Message.SYSTEM)) {
                throw fault(
                        "\"" + key + "\" is given, and the first turn is the system's; remove one");
            }
            messages.add(0, new Message(Message.SYSTEM, filled(key, object)));
        }

        private void requireAnswer(List<Message> messages) {
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
        }

        private List<Message> turns(ExampleFormat.Field field, String role, JsonNode object) {
            String key = key(field);
            JsonNode value = object.path(key);
            return value.isArray()
                    ? messages(key, value)
                    : List.of(new Message(role, filled(key, object)));
        }

        private List<Message> conversation(JsonNode list, Set<String> unread) {
            if (!list.isArray() || list.isEmpty()) {
                throw fault(
                        "\"conversations\" must be a list of turns, but is "
                                + kind(list)
                                + "; expected "
                                + expected());
            }
            List<Message> messages = new ArrayList<>();
            for (int i = 0; i < list.size(); i++) {
                String path = CONVERSATIONS + "[" + i + "]";
                JsonNode turn = list.get(i);
                messages.add(turn.has("role") ? message(path, turn) : turn(path, turn, unread));
            }
            return messages;
        }

        private Message turn(String path, JsonNode turn, Set<String> unread) {
            String from = string(path + ".from", turn.path("from"));
            String role = SPEAKERS.get(from);
            if (role == null) {
                throw fault(
                        "\""
                                + path
                                + ".from\" is \""
                                + from
                                + "\"; it must be one of "
                                + new TreeSet<>(SPEAKERS.keySet())
                                + (from.startsWith("function")
                                        ? ": write calls of tools as \"messages\" with"
                                                + " \"tool_calls\""
                                        : ""));
            }
            for (Entry<String, JsonNode> entry : turn.properties()) {
                String key = entry.getKey();
                if (key.equals("weight")) {
                    throw fault(
                            "\""
                                    + path
                                    + ".weight\" is not known; write \"train\": false for a turn"
                                    + " that the model does not learn, or remove the key");
                }
                if (!Set.of("from", "value", TRAIN).contains(key)) {
                    unread.add(CONVERSATIONS + "[]." + key);
                }
            }
            return new Message(
                    role,
                    string(path + ".value", turn.path("value")),
                    Map.of(),
                    train(path, role, turn.path(TRAIN)));
        }

        /** A text that must not be empty. */
        private String filled(String key, JsonNode object) {
            String text = string(key, object.path(key));
            if (text.isBlank()) {
                throw fault("\"" + key + "\" is empty; fill it in or remove the line");
            }
            return text;
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
                return WHOLE_LINE.readTree(line);
            } catch (JsonEOFException e) {
                throw new JepaException(
                        place
                                + ": the line ends before its JSON does; write each object on one line",
                        e);
            } catch (JsonProcessingException e) {
                throw new JepaException(
                        place
                                + ": not valid JSON"
                                + JsonFault.column(e)
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
                                + expected());
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
                if (!isText && !key.equals(TRAIN) && !isAbsent(value)) {
                    requireCharacters(path + "." + key, value);
                    fields.put(key, JSON.convertValue(value, Object.class));
                }
            }
            String role = string(path + ".role", object.path("role"));
            Boolean train = train(path, role, object.path(TRAIN));
            JsonNode content = object.path("content");
            if (isAbsent(content) && !fields.isEmpty()) {
                fields.put("content", null); // as in a turn that calls a tool
                return new Message(role, "", fields, train);
            }
            return new Message(role, string(path + ".content", content), fields, train);
        }

        private @Nullable Boolean train(String path, String role, JsonNode value) {
            if (isAbsent(value)) {
                return null;
            }
            if (!value.isBoolean()) {
                throw fault(
                        "\""
                                + path
                                + "."
                                + TRAIN
                                + "\" must be true or false, but is "
                                + kind(value));
            }
            if (value.booleanValue() && !role.equals(Message.ASSISTANT)) {
                throw fault(
                        "\""
                                + path
                                + "."
                                + TRAIN
                                + "\" is true, but the turn is of the "
                                + role
                                + "; the model learns the assistant's turns only: remove the key");
            }
            return value.booleanValue();
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
            if (format != ExampleFormat.MESSAGES && format != ExampleFormat.SHAREGPT) {
                return List.of();
            }
            String textKey = key(ExampleFormat.Field.TEXT);
            String codeKey = key(ExampleFormat.Field.CODE);
            JsonNode text = object.path(textKey);
            JsonNode code = object.path(codeKey);
            if (isAbsent(text) && isAbsent(code)) {
                return List.of();
            }
            if (isAbsent(text) || isAbsent(code)) {
                throw fault(
                        "only one of \""
                                + textKey
                                + "\" and \""
                                + codeKey
                                + "\" is there; give both or neither");
            }
            return List.of(view(textKey, text), view(codeKey, code));
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
            if (message.train() != null) {
                throw fault("\"" + key + "\" is a view, which is not learned; remove \"train\"");
            }
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
