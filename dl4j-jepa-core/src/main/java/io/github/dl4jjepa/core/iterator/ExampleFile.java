package io.github.dl4jjepa.core.iterator;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.google.errorprone.annotations.MustBeClosed;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.Example;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads a file of any {@link ExampleFormat}, compressed with gzip or not.
 *
 * <p>Where the format is not given, the beginning of the file decides. A file that begins with
 * <code>{</code> or {@code [} is JSON, and the keys of its first object say of which format. Other
 * files are CSV, TSV or plain text by the ends of their names ({@code .csv}, {@code .tsv}, {@code
 * .txt}, {@code .md}, before {@code .gz}); one with another name is refused.
 *
 * <p>Reading opens the file anew each time; instances may be shared between threads.
 */
public final class ExampleFile implements ExampleSource {
    private static final Logger LOG = LoggerFactory.getLogger(ExampleFile.class);

    private final Path file;
    private final @Nullable ExampleFormat format;
    private final Map<ExampleFormat.Field, String> names;

    /**
     * A file whose beginning says its format.
     *
     * @param file the file to read
     */
    public ExampleFile(Path file) {
        this(file, null, Map.of());
    }

    /**
     * A file of a format.
     *
     * @param file the file to read
     * @param format the format; null for the one that the file's beginning says
     * @param names the keys or columns that have another name than the usual one
     */
    public ExampleFile(
            Path file, @Nullable ExampleFormat format, Map<ExampleFormat.Field, String> names) {
        this.file = Objects.requireNonNull(file, "file");
        this.format = format;
        this.names = Map.copyOf(names);
    }

    /**
     * {@inheritDoc}
     *
     * @throws JepaException if the file cannot be read, its format cannot be told, or it is empty
     */
    @Override
    public void read(Consumer<? super Example> examples, Consumer<? super JepaException> faults) {
        source().read(examples, faults);
    }

    private ExampleSource source() {
        char first = firstCharacter();
        ExampleFormat format = this.format == null ? detected(first) : this.format;
        boolean isJson = first == '{' || first == '[';
        return switch (format) {
            case CSV -> table(',');
            case TSV -> table('\t');
            case TEXT ->
                    isJson ? json(ExampleFormat.TEXT, first == '[') : new PlainTextReader(file);
            default -> json(format, first == '[');
        };
    }

    private ExampleSource json(ExampleFormat format, boolean isArray) {
        return isArray
                ? new JsonArrayReader(file, new JsonExamples(format, names))
                : new JsonLinesReader(file, format, names);
    }

    private char firstCharacter() {
        try (Reader text = open()) {
            int character = text.read();
            while (character >= 0 && (Character.isWhitespace(character) || character == '\uFEFF')) {
                character = text.read();
            }
            return (char) Math.max(0, character);
        } catch (NoSuchFileException e) {
            throw new JepaException(file + ": there is no such file", e);
        } catch (IOException e) {
            throw new JepaException(file + ": " + DataFile.describe(e), e);
        }
    }

    @MustBeClosed
    @SuppressWarnings("MustBeClosed") // closed with the reader
    private Reader open() throws IOException {
        InputStream bytes = DataFile.open(file);
        return new BufferedReader(new InputStreamReader(bytes, StandardCharsets.UTF_8));
    }

    private ExampleFormat detected(char first) {
        if (first == '{' || first == '[') {
            return formatOfJson();
        }
        String name =
                file.getFileName().toString().toLowerCase(Locale.ROOT).replaceFirst("\\.gz$", "");
        String ending = name.substring(name.lastIndexOf('.') + 1);
        return switch (ending) {
            case "csv" -> ExampleFormat.CSV;
            case "tsv" -> ExampleFormat.TSV;
            case "txt", "md" -> ExampleFormat.TEXT;
            case "json", "jsonl" -> ExampleFormat.MESSAGES; // its reader says what is wrong
            default ->
                    throw new JepaException(
                            file
                                    + ": is not JSON, and its name does not end in .csv, .tsv or .txt;"
                                    + " say which format it is (format): "
                                    + Arrays.toString(ExampleFormat.values()));
        };
    }

    private ExampleFormat formatOfJson() {
        JsonNode object;
        try (InputStream bytes = DataFile.open(file);
                JsonParser parser = JsonExamples.JSON.createParser(bytes)) {
            if (parser.nextToken() == JsonToken.START_ARRAY) {
                parser.nextToken();
            }
            object = parser.readValueAsTree();
        } catch (JsonProcessingException e) {
            return ExampleFormat.MESSAGES; // its reader says what is wrong
        } catch (IOException e) {
            throw new JepaException(file + ": " + DataFile.describe(e), e);
        }
        if (object == null || !object.isObject()) {
            return ExampleFormat.MESSAGES;
        }
        return JsonExamples.formatOf(object, names)
                .orElseThrow(
                        () -> {
                            List<String> keys = new ArrayList<>();
                            object.fieldNames().forEachRemaining(keys::add);
                            return new JepaException(
                                    file
                                            + ":1: the first example has the keys "
                                            + keys
                                            + ", which are those of no format; expected "
                                            + new JsonExamples(ExampleFormat.MESSAGES, names)
                                                    .expected()
                                            + ". Say which format it is (format), or name its keys"
                                            + " (promptField and completionField, or textField and"
                                            + " codeField)");
                        });
    }

    private ExampleSource table(char separator) {
        List<String> header = CsvExampleReader.header(file, separator);
        ExampleFormat.Field text = ExampleFormat.Field.TEXT;
        ExampleFormat.Field code = ExampleFormat.Field.CODE;
        if (has(header, ExampleFormat.Field.PROMPT)
                && has(header, ExampleFormat.Field.COMPLETION)) {
            text = ExampleFormat.Field.PROMPT;
            code = ExampleFormat.Field.COMPLETION;
        } else if (!header.isEmpty() && !(has(header, text) && has(header, code))) {
            throw new JepaException(
                    file
                            + ":1: the columns are "
                            + header
                            + "; \""
                            + text.in(names)
                            + "\" and \""
                            + code.in(names)
                            + "\", or \""
                            + ExampleFormat.Field.PROMPT.in(names)
                            + "\" and \""
                            + ExampleFormat.Field.COMPLETION.in(names)
                            + "\" are needed: name yours (textField and codeField)");
        }
        CsvExampleReader.Builder reader =
                CsvExampleReader.builder(file)
                        .optSeparator(separator)
                        .setText(text.in(names))
                        .setCode(code.in(names));
        Set<String> unread = new TreeSet<>(header);
        unread.removeAll(List.of(text.in(names), code.in(names)));
        if (unread.remove(ExampleFormat.Field.SYSTEM.in(names))) {
            reader.optSystem(ExampleFormat.Field.SYSTEM.in(names));
        }
        if (!unread.isEmpty()) {
            LOG.warn("{}: the columns {} are not read", file, unread);
        }
        return reader.build();
    }

    private boolean has(List<String> header, ExampleFormat.Field field) {
        return header.contains(field.in(names));
    }
}
