package io.github.dl4jjepa.models.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import io.github.dl4jjepa.core.JepaException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * The chat templates of a folder by their names, from where transformers reads them.
 *
 * <p>For a tokenizer these are {@code chat_template.jinja} and {@code
 * additional_chat_templates/*.jinja}, or else {@code chat_template} in tokenizer_config.json. Where
 * it has none, those of a processor: {@code chat_template} in processor_config.json, or else in
 * chat_template.json. Immutable.
 */
final class ChatTemplateFiles {
    private static final String FILE = TokenizerFiles.TEMPLATE;
    private static final String FOLDER = "additional_chat_templates";
    private static final String SUFFIX = ".jinja";
    private static final String PROCESSOR_CONFIG = "processor_config.json";
    private static final String PROCESSOR_FILE = "chat_template.json";
    private static final String DEFAULT = "default";
    private static final String TOOL_USE = "tool_use";
    private static final String CHOOSE = "choose one by name (chatTemplate)";

    private static final Set<String> RESERVED =
            Set.of("messages", "add_generation_prompt", "tools", "documents");
    private static final ObjectMapper JSON = new ObjectMapper();

    /**
     * A template.
     *
     * @param place where it was found, for messages
     */
    record Source(String place, String text) {}

    private final Path folder;
    private final Map<String, Source> named;
    private final Map<String, String> files;
    private final boolean chosen;

    private ChatTemplateFiles(
            Path folder, Map<String, Source> named, Map<String, String> files, boolean chosen) {
        this.folder = folder;
        this.named = named;
        this.files = files;
        this.chosen = chosen;
    }

    /**
     * Reads the templates of a folder.
     *
     * @param ofTokenizer {@code chat_template} of tokenizer_config.json
     */
    static ChatTemplateFiles read(Path folder, JsonNode ofTokenizer) {
        Map<String, Source> named = new LinkedHashMap<>();
        Map<String, String> files = new LinkedHashMap<>();
        readFile(folder, FILE, DEFAULT, named, files);
        for (String name : additional(folder)) {
            String stem = name.substring(0, name.length() - SUFFIX.length());
            readFile(folder, FOLDER + "/" + name, stem, named, files);
        }
        String key = ", " + TokenizerFiles.TEMPLATE_KEY;
        if (named.isEmpty()) {
            String place = folder.resolve(TokenizerFiles.CONFIG) + key;
            named.putAll(ofKey(place, ofTokenizer));
        }
        for (String name : List.of(PROCESSOR_CONFIG, PROCESSOR_FILE)) {
            if (named.isEmpty()) {
                Path file = folder.resolve(name);
                JsonNode template = processor(file).path(TokenizerFiles.TEMPLATE_KEY);
                named.putAll(ofKey(file + key, template));
                // No tokenizer reads these files: what is written is to be found by one.
                files.putAll(asFiles(folder, named));
            }
        }
        return new ChatTemplateFiles(folder, named, files, false);
    }

    private static List<String> additional(Path folder) {
        Path templates = folder.resolve(FOLDER);
        if (!Files.isDirectory(templates)) {
            return List.of();
        }
        try (Stream<Path> listed = Files.list(templates)) {
            return listed.map(file -> file.getFileName().toString())
                    .filter(name -> name.endsWith(SUFFIX))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new JepaException(templates + " cannot be read: " + e, e);
        }
    }

    private static void readFile(
            Path folder,
            String path,
            String name,
            Map<String, Source> named,
            Map<String, String> files) {
        Path file = folder.resolve(path);
        TokenizerFiles.readText(file)
                .ifPresent(
                        text -> {
                            named.put(name, new Source(file.toString(), text));
                            files.put(path, text);
                        });
    }

    private static JsonNode processor(Path file) {
        return TokenizerFiles.parse(file, TokenizerFiles.readText(file).orElse("{}"));
    }

    /** The templates that a key holds: a text, a list of {name, template}, or an object. */
    private static Map<String, Source> ofKey(String place, JsonNode value) {
        Map<String, Source> named = new LinkedHashMap<>();
        if (value.isTextual()) {
            named.put(DEFAULT, new Source(place, value.textValue()));
        } else if (value.isObject()) {
            value.properties()
                    .forEach(entry -> put(named, place, entry.getKey(), entry.getValue()));
        } else if (value.isArray()) {
            for (JsonNode entry : value) {
                put(named, place, entry.path("name").textValue(), entry.path("template"));
            }
        } else if (!value.isNull() && !value.isMissingNode()) {
            throw malformed(place);
        }
        return named;
    }

    private static void put(
            Map<String, Source> named, String place, String name, JsonNode template) {
        if (name == null || !template.isTextual()) {
            throw malformed(place);
        }
        named.put(name, new Source(place + ", " + name, template.textValue()));
    }

    private static JepaException malformed(String place) {
        return new JepaException(
                place
                        + ": neither a text nor a list of templates with 'name' and 'template'."
                        + " Download the file again.");
    }

    private static Map<String, String> asFiles(Path folder, Map<String, Source> named) {
        Map<String, String> files = new LinkedHashMap<>();
        named.forEach(
                (name, source) -> {
                    if (!name.equals(DEFAULT) && !name.matches("[^/\\\\:]*[^/\\\\:.][^/\\\\:]*")) {
                        throw new JepaException(
                                folder
                                        + ": the chat template '"
                                        + name
                                        + "' cannot be written as a file of that name. Rename it in "
                                        + source.place()
                                        + ".");
                    }
                    String path = name.equals(DEFAULT) ? FILE : FOLDER + "/" + name + SUFFIX;
                    files.put(path, source.text());
                });
        return files;
    }

    /**
     * The same templates, of which one is chosen.
     *
     * @param nameOrFile a name, or else the path of a file
     */
    ChatTemplateFiles choose(String nameOrFile) {
        Source source = named.containsKey(nameOrFile) ? named.get(nameOrFile) : file(nameOrFile);
        Map<String, Source> others = new LinkedHashMap<>(named);
        others.put(DEFAULT, source);
        Map<String, String> written = asFiles(folder, others);
        if (Files.exists(folder.resolve(PROCESSOR_FILE))) {
            // A processor takes this file before the others.
            JsonNode object =
                    JSON.createObjectNode()
                            .set(TokenizerFiles.TEMPLATE_KEY, new TextNode(source.text()));
            written.put(PROCESSOR_FILE, object.toPrettyString() + "\n");
        }
        return new ChatTemplateFiles(folder, others, written, true);
    }

    private Source file(String path) {
        Optional<String> text;
        try {
            text =
                    Files.isDirectory(Path.of(path))
                            ? Optional.empty()
                            : TokenizerFiles.readText(Path.of(path));
        } catch (InvalidPathException e) {
            text = Optional.empty();
        }
        return new Source(
                path,
                text.orElseThrow(
                        () ->
                                new JepaException(
                                        "There is no chat template '"
                                                + path
                                                + "': "
                                                + folder
                                                + (named.isEmpty()
                                                        ? " has none"
                                                        : " has "
                                                                + String.join(", ", named.keySet()))
                                                + ", and there is no such file.")));
    }

    /**
     * The same templates with values for variables that a caller does not set: each begins by
     * setting them, so that whatever renders them later takes the same values.
     *
     * @param values by the variables' names
     */
    ChatTemplateFiles withDefaults(ObjectNode values) {
        StringBuilder settings = new StringBuilder();
        for (Map.Entry<String, JsonNode> value : values.properties()) {
            String name = value.getKey();
            if (named.values().stream().noneMatch(source -> source.text().contains(name))) {
                throw new JepaException(
                        chosen().place() + ": the chat template has no variable '" + name + "'");
            }
            if (!name.matches("[A-Za-z_][A-Za-z0-9_]*") || RESERVED.contains(name)) {
                throw new JepaException("'" + name + "' is not a variable that can be set");
            }
            settings.append(
                    String.format(
                            Locale.ROOT,
                            "{%% if %1$s is not defined %%}{%% set %1$s = %2$s %%}{%% endif %%}\n",
                            name,
                            literal(value.getValue())));
        }
        Map<String, Source> set = new LinkedHashMap<>();
        named.forEach(
                (name, source) ->
                        set.put(name, new Source(source.place(), settings + source.text())));
        return new ChatTemplateFiles(folder, set, asFiles(folder, set), chosen);
    }

    /** A value as Jinja writes it. */
    private static String literal(JsonNode value) {
        if (value.isNull()) {
            return "none";
        }
        if (value.isArray()) {
            return StreamSupport.stream(value.spliterator(), false)
                    .map(ChatTemplateFiles::literal)
                    .collect(Collectors.joining(", ", "[", "]"));
        }
        if (value.isObject()) {
            return value.properties().stream()
                    .map(e -> new TextNode(e.getKey()) + ": " + literal(e.getValue()))
                    .collect(Collectors.joining(", ", "{", "}"));
        }
        return value.toString();
    }

    /**
     * The template that was chosen, or else the default.
     *
     * @throws JepaException if there is none; the message lists the others
     */
    Source chosen() {
        Source source = named.get(DEFAULT);
        if (source == null && named.isEmpty()) {
            throw new JepaException(
                    folder
                            + " has no chat template: neither "
                            + FILE
                            + " nor chat_template in "
                            + TokenizerFiles.CONFIG
                            + ", "
                            + PROCESSOR_CONFIG
                            + " or "
                            + PROCESSOR_FILE
                            + ". Base models have none: take the instruct model, or give the"
                            + " template of a model with the same special tokens"
                            + " (chatTemplate).");
        } else if (source == null) {
            throw new JepaException(
                    folder
                            + " has the chat templates "
                            + String.join(", ", named.keySet())
                            + ", and none of them is the default: "
                            + CHOOSE
                            + ".");
        }
        return source;
    }

    /** The template for conversations with tools, where there is one and none was chosen. */
    Optional<Source> toolUse() {
        return chosen ? Optional.empty() : Optional.ofNullable(named.get(TOOL_USE));
    }

    /** Whether a template may write a variable. */
    boolean mention(String variable) {
        return named.values().stream().anyMatch(source -> source.text().contains(variable));
    }

    /** The files that hold the templates, by their paths in the folder. */
    Map<String, String> files() {
        return files;
    }
}
