package io.github.dl4jjepa.examples.cli;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.dataformat.yaml.JacksonYAMLParseException;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.github.dl4jjepa.core.JepaException;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * Options of a command from a file: the value of each by its name without dashes. A file whose name
 * ends in {@code .json} is JSON; any other is YAML.
 */
final class SettingsFile {
    /** Options that describe a call, not a run. */
    static final Set<String> OF_THE_CALL =
            Set.of("--settings", "--resume", "--help", "--version", "--verbose");

    /**
     * An option's value.
     *
     * @param option the option
     * @param line where its name stands in the file, from 1
     * @param arguments the words of the command line that set it
     */
    record Entry(OptionSpec option, int line, List<String> arguments) {}

    private final Path file;
    private final CommandLine command;
    private final List<Entry> entries = new ArrayList<>();

    private SettingsFile(Path file, CommandLine command) {
        this.file = file;
        this.command = command;
    }

    /**
     * Reads a file.
     *
     * @param command whose options they are
     * @throws ParameterException if the file names an option that the command does not have, or a
     *     value of another kind than the option takes
     * @throws JepaException if the file cannot be read
     */
    static SettingsFile read(Path file, CommandLine command) {
        SettingsFile settings = new SettingsFile(file, command);
        ObjectMapper mapper =
                (file.toString().endsWith(".json") ? JsonMapper.builder() : YAMLMapper.builder())
                        .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
                        .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
                        .build();
        try (JsonParser parser = mapper.getFactory().createParser(Files.readString(file))) {
            settings.read(parser);
        } catch (JacksonYAMLParseException e) {
            // Its message has the lines.
            throw new JepaException(
                    file + ": not valid YAML: " + e.getOriginalMessage().replaceAll("\\s+", " "),
                    e);
        } catch (JacksonException e) {
            throw new JepaException(
                    file + ":" + e.getLocation().getLineNr() + ": " + e.getOriginalMessage(), e);
        } catch (CharacterCodingException e) {
            throw new JepaException(file + ": not UTF-8 text; save the file as UTF-8", e);
        } catch (NoSuchFileException e) {
            throw new JepaException(file + ": no such settings file", e);
        } catch (IOException e) {
            throw new JepaException(file + ": cannot be read: " + e, e);
        }
        return settings;
    }

    /** The options that the file has, in its order. */
    List<Entry> entries() {
        return List.copyOf(entries);
    }

    /** The place of an option, {@code run.yaml:3}. */
    String place(Entry entry) {
        return file + ":" + entry.line();
    }

    private void read(JsonParser parser) throws IOException {
        JsonToken first = parser.nextToken();
        if (first == null) {
            return; // an empty file, or one of comments
        }
        if (first != JsonToken.START_OBJECT) {
            throw wrong(1, "is no list of settings; write 'option: value' in each line");
        }
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            int line = parser.currentTokenLocation().getLineNr();
            String key = parser.currentName();
            OptionSpec option = option(key, line);
            parser.nextToken();
            boolean isScalar = !parser.currentToken().isStructStart();
            entries.add(
                    new Entry(
                            option,
                            line,
                            isScalar
                                    ? List.of(argument(key, scalar(parser, key, line)))
                                    : arguments(option, key, parser.readValueAsTree(), line)));
        }
    }

    private OptionSpec option(String key, int line) {
        CommandSpec spec = command.getCommandSpec();
        OptionSpec option = spec.optionsMap().get("--" + key);
        if (option == null) {
            List<String> near =
                    new UnmatchedArgumentException(command, List.of("--" + key.replace('_', '-')))
                            .getSuggestions();
            throw wrong(
                    line,
                    spec.name()
                            + " has no option '"
                            + key
                            + "'"
                            + (near.isEmpty()
                                    ? ""
                                    : "; did you mean '" + near.get(0).substring(2) + "'?"));
        }
        if (OF_THE_CALL.contains(option.longestName())) {
            throw wrong(line, "'" + key + "' belongs on the command line; delete the line");
        }
        entries.stream()
                .filter(entry -> entry.option().equals(option))
                .findFirst()
                .ifPresent(
                        entry -> {
                            throw wrong(
                                    line,
                                    "'"
                                            + key
                                            + "' is set in line "
                                            + entry.line()
                                            + " already; delete one of the two");
                        });
        return option;
    }

    private String scalar(JsonParser parser, String key, int line) throws IOException {
        if (parser.currentToken() == JsonToken.VALUE_NULL) {
            throw wrong(line, "'" + key + "' has no value; give one, or delete the line");
        }
        return parser.getText();
    }

    private List<String> arguments(OptionSpec option, String key, JsonNode value, int line) {
        if (value.isObject() && option.paramLabel().equals("JSON")) {
            return List.of(argument(key, value.toString()));
        }
        List<String> arguments = new ArrayList<>();
        if (value.isObject() && option.typeInfo().isMap()) {
            value.properties()
                    .forEach(
                            entry ->
                                    arguments.add(
                                            argument(
                                                    key,
                                                    entry.getKey()
                                                            + "="
                                                            + word(entry.getValue(), key, line))));
        } else if (value.isArray() && option.typeInfo().isCollection()) {
            value.forEach(element -> arguments.add(argument(key, word(element, key, line))));
        } else {
            throw wrong(
                    line,
                    "'" + key + "' takes one value, not a " + (value.isArray() ? "list" : "map"));
        }
        return arguments;
    }

    /** An element as the command line has it: {@code 1,2} for a list, {@code a=1,b=2} for a map. */
    private String word(JsonNode element, String key, int line) {
        if (element.isValueNode() && !element.isNull()) {
            return element.asText();
        }
        List<String> words = new ArrayList<>();
        if (element.isObject()) {
            element.properties()
                    .forEach(
                            entry ->
                                    words.add(
                                            entry.getKey()
                                                    + "="
                                                    + plain(entry.getValue(), key, line)));
        } else {
            element.forEach(value -> words.add(plain(value, key, line)));
        }
        return String.join(",", words);
    }

    private String plain(JsonNode value, String key, int line) {
        if (!value.isValueNode() || value.isNull() || value.asText().contains(",")) {
            throw wrong(
                    line,
                    "'" + key + "' has " + value + ", but takes single values without commas");
        }
        return value.asText();
    }

    private static String argument(String key, String value) {
        return "--" + key + "=" + value;
    }

    private ParameterException wrong(int line, String message) {
        return new ParameterException(command, file + ":" + line + ": " + message);
    }
}
