package io.github.dl4jjepa.core.iterator;

import com.google.errorprone.annotations.MustBeClosed;
import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.CsvRecord;
import de.siegmar.fastcsv.reader.FieldMismatchStrategy;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.Example;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Reads examples from a CSV file as RFC 4180 describes it: one column holds Text, the user's turn,
 * another Code, the assistant's.
 *
 * <pre>{@code
 * ExampleSource examples =
 *         CsvExampleReader.builder(Path.of("pairs.csv")).setText("sentence").setCode("regex").build();
 * }</pre>
 *
 * <p>A field that holds a separator, a quote or a line break stands in double quotes, and a quote
 * in it is doubled. A backslash is a character like any other: regular expressions arrive as they
 * are written, which Deeplearning4j's {@code CSVRecordReader} does not do. The first record names
 * the columns; {@link Builder#optHeader} says where it does not. Records without any value, such as
 * blank lines, are passed over. A file that gzip compressed is read as well. The file is read
 * record by record and never held as a whole.
 *
 * <p>Reading opens the file anew each time; instances may be shared between threads.
 */
public final class CsvExampleReader implements ExampleSource {
    private static final int BYTE_ORDER_MARK = 0xFEFF;

    private final Path file;
    private final Builder settings;

    private CsvExampleReader(Builder builder) {
        file = builder.file;
        settings = builder;
    }

    /**
     * Starts a reader.
     *
     * @param file the file to read; opened anew by each reading
     */
    public static Builder builder(Path file) {
        return new Builder(file);
    }

    /**
     * {@inheritDoc}
     *
     * @throws JepaException if the file cannot be read, is not valid CSV, is not in its charset,
     *     lacks a column, or holds no record
     */
    @Override
    public void read(Consumer<? super Example> examples, Consumer<? super JepaException> faults) {
        try (BufferedReader text = open();
                CsvReader<CsvRecord> records = records(text)) {
            @Nullable Table table = null;
            boolean empty = true;
            for (CsvRecord record : records) {
                List<String> fields = record.getFields();
                if (table == null) {
                    table = table(fields);
                    if (settings.header) {
                        continue;
                    }
                }
                if (fields.stream().allMatch(String::isBlank)) {
                    continue;
                }
                empty = false;
                Example example;
                try {
                    example = table.example(file + ":" + record.getStartingLineNumber(), fields);
                } catch (JepaException fault) {
                    faults.accept(fault);
                    continue;
                }
                examples.accept(example);
            }
            if (empty) {
                throw new JepaException(file + ": the file has no records" + headerRemark(table));
            }
        } catch (NoSuchFileException e) {
            throw new JepaException(file + ": there is no such file", e);
        } catch (CharacterCodingException e) {
            throw undecodable(e);
        } catch (UncheckedIOException e) {
            throw e.getCause() instanceof CharacterCodingException
                    ? undecodable(e)
                    : new JepaException(
                            file + ": " + DataFile.describe(Objects.requireNonNull(e.getCause())),
                            e);
        } catch (IOException e) {
            throw new JepaException(file + ": " + DataFile.describe(e), e);
        } catch (CsvParseException e) {
            throw new JepaException(
                    file
                            + ": not valid CSV: "
                            + withAsciiDigits(String.valueOf(e.getMessage()))
                            + "; put a field with a quote in it into quotes, and double the quote",
                    e);
        }
    }

    @MustBeClosed
    @SuppressWarnings("MustBeClosed") // closed with the reader
    private BufferedReader open() throws IOException {
        BufferedReader text =
                new BufferedReader(
                        new InputStreamReader(DataFile.open(file), settings.charset.newDecoder()));
        try {
            text.mark(1);
            if (text.read() != BYTE_ORDER_MARK) {
                text.reset();
            }
            return text;
        } catch (IOException e) {
            text.close();
            throw e;
        }
    }

    private CsvReader<CsvRecord> records(BufferedReader text) {
        return CsvReader.builder()
                .fieldSeparator(settings.separator)
                .allowUnclosedQuote(false)
                // Table says which line it is, and reads on.
                .extraFieldStrategy(FieldMismatchStrategy.IGNORE)
                .missingFieldStrategy(FieldMismatchStrategy.IGNORE)
                .ofCsvRecord(text);
    }

    /** The columns of the file, as its first record shows them. */
    private record Table(ExampleColumns columns, int width) {
        Example example(String place, List<String> fields) {
            if (fields.size() > width) {
                throw new JepaException(
                        place
                                + ": the record has "
                                + fields.size()
                                + " fields, the first of the file "
                                + width
                                + "; put a field with a separator in it into quotes");
            }
            return columns.example(place, fields);
        }
    }

    /**
     * The names of a file's columns.
     *
     * @param separator what stands between them
     */
    static List<String> header(Path file, char separator) {
        CsvExampleReader reader =
                new Builder(file).optSeparator(separator).setText(0).setCode(1).build();
        try (BufferedReader text = reader.open();
                CsvReader<CsvRecord> records = reader.records(text)) {
            return records.stream().findFirst().map(CsvRecord::getFields).orElse(List.of());
        } catch (IOException | UncheckedIOException | CsvParseException e) {
            return List.of(); // read() says what is wrong
        }
    }

    private Table table(List<String> first) {
        ToIntFunction<String> indexOf =
                name -> {
                    int index = first.indexOf(name);
                    if (index < 0) {
                        throw new JepaException(
                                "there is no column \"" + name + "\"; the header has " + first);
                    }
                    if (first.lastIndexOf(name) != index) {
                        throw new JepaException(
                                "the header has column \""
                                        + name
                                        + "\" twice: "
                                        + first
                                        + "; rename one, or give the column's index");
                    }
                    return index;
                };
        try {
            return new Table(settings.columns(indexOf), first.size());
        } catch (JepaException e) {
            throw new JepaException(file + ": " + e.getMessage(), e);
        }
    }

    private String headerRemark(@Nullable Table table) {
        return table == null || !settings.header
                ? ""
                : " after its header; if the first line is a record, set optHeader(false)";
    }

    private JepaException undecodable(Exception cause) {
        String line = "";
        try {
            line = ":" + lineOfUndecodableByte();
        } catch (IOException e) {
            cause.addSuppressed(e);
        }
        return new JepaException(
                file
                        + line
                        + ": not "
                        + settings.charset
                        + "; save the file as "
                        + settings.charset
                        + ", or name its charset with optCharset",
                cause);
    }

    private int lineOfUndecodableByte() throws IOException {
        ByteBuffer bytes;
        try (InputStream in = DataFile.open(file)) {
            bytes = ByteBuffer.wrap(in.readAllBytes());
        }
        CharsetDecoder decoder = settings.charset.newDecoder();
        CharBuffer decoded =
                CharBuffer.allocate((int) (bytes.remaining() * decoder.maxCharsPerByte()) + 1);
        decoder.decode(bytes, decoded, true);
        return 1 + (int) decoded.flip().chars().filter(character -> character == '\n').count();
    }

    /** Says which columns hold what, and how the file is written. */
    public static final class Builder extends ColumnBuilder<Builder> {
        private final Path file;
        private char separator = ',';
        private Charset charset = StandardCharsets.UTF_8;
        private boolean header = true;

        private Builder(Path file) {
            this.file = Objects.requireNonNull(file, "file");
        }

        @Override
        Builder self() {
            return this;
        }

        /**
         * Sets what stands between the fields of a record (default: a comma).
         *
         * @param separator {@code ';'} or {@code '\t'}, for example
         */
        public Builder optSeparator(char separator) {
            this.separator = separator;
            return this;
        }

        /**
         * Sets the charset of the file (default: UTF-8). A byte order mark is passed over.
         *
         * @param charset the charset
         */
        public Builder optCharset(Charset charset) {
            this.charset = Objects.requireNonNull(charset, "charset");
            return this;
        }

        /**
         * Says whether the first record names the columns (default: it does).
         *
         * @param header false where the first record is data; columns are then given by index
         */
        public Builder optHeader(boolean header) {
            this.header = header;
            return this;
        }

        /**
         * Builds the reader.
         *
         * @throws IllegalStateException if the column of Text or of Code is not set, or a column is
         *     given by name and there is no header
         */
        public CsvExampleReader build() {
            requireTextAndCode();
            if (!header && hasNames()) {
                throw new IllegalStateException(
                        "column names need a header; give indices, or leave optHeader out");
            }
            return new CsvExampleReader(this);
        }
    }

    /** FastCSV formats line numbers with the digits of the default locale. */
    private static String withAsciiDigits(String message) {
        return message.codePoints()
                .map(c -> Character.isDigit(c) ? '0' + Character.digit(c, 10) : c)
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString();
    }
}
