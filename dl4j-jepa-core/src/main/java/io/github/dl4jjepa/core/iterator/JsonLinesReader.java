package io.github.dl4jjepa.core.iterator;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.Message;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
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
 * <p>{@code "train": false} in an assistant's turn says that the model does not learn it, {@code
 * true} that it does ({@link Message#train}). Further keys of a message, such as {@code
 * "tool_calls"} or {@code "reasoning_content"}, become {@link Message#fields}; {@code "tools"},
 * {@code "documents"} and the entries of {@code "chat_template_kwargs"} become {@link
 * Example#arguments}. An encoder uses them or refuses the example. Other keys of a line are named
 * in one warning and not read. Blank lines and a byte-order mark are skipped. A file that gzip
 * compressed is read as well. The file is read line by line and never held as a whole.
 *
 * <p>{@link ExampleFile} reads this format and others.
 *
 * <p>Reading opens the file anew each time; instances may be shared between threads.
 */
public final class JsonLinesReader implements ExampleSource {
    private static final Logger LOG = LoggerFactory.getLogger(JsonLinesReader.class);

    private static final String BYTE_ORDER_MARK = "\u00EF\u00BB\u00BF";

    private final Path file;
    private final JsonExamples lines;

    /**
     * @param file the file to read; opened anew by each reading
     */
    public JsonLinesReader(Path file) {
        this(file, ExampleFormat.MESSAGES, Map.of());
    }

    /**
     * @param format one of those that are JSON
     * @param names the keys that have another name than the usual one
     */
    JsonLinesReader(Path file, ExampleFormat format, Map<ExampleFormat.Field, String> names) {
        this.file = Objects.requireNonNull(file, "file");
        lines = new JsonExamples(format, names);
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
        try (InputStream bytes = DataFile.open(file);
                BufferedReader lines =
                        new BufferedReader(
                                new InputStreamReader(bytes, StandardCharsets.ISO_8859_1))) {
            long number = 0;
            for (String line; (line = lines.readLine()) != null; ) {
                number++;
                if (number == 1 && line.startsWith(BYTE_ORDER_MARK)) {
                    line = line.substring(BYTE_ORDER_MARK.length());
                    LOG.info("{}: begins with a byte-order mark, which is skipped", file);
                }
                if (line.isBlank()) {
                    continue;
                }
                empty = false;
                read(file + ":" + number, line, unread, examples, faults);
            }
        } catch (NoSuchFileException e) {
            throw new JepaException(file + ": there is no such file", e);
        } catch (IOException e) {
            throw new JepaException(file + ": " + DataFile.describe(e), e);
        }
        lines.warnOf(unread, file);
        if (empty) {
            throw new JepaException(
                    file + ": the file is empty; write one example a line: " + lines.expected());
        }
    }

    private void read(
            String place,
            String line,
            Set<String> unread,
            Consumer<? super Example> examples,
            Consumer<? super JepaException> faults) {
        Example example;
        try {
            example = lines.parse(place, line, unread);
        } catch (JepaException fault) {
            faults.accept(fault);
            return;
        }
        examples.accept(example);
    }
}
