package io.github.dl4jjepa.core.iterator;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.Example;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import org.datavec.api.records.Record;
import org.datavec.api.records.listener.RecordListener;
import org.datavec.api.records.metadata.RecordMetaDataLine;
import org.datavec.api.records.reader.RecordReader;
import org.datavec.api.records.reader.impl.csv.CSVRecordReader;
import org.datavec.api.records.writer.RecordWriter;
import org.datavec.api.transform.schema.Schema;
import org.datavec.api.writable.Writable;
import org.jspecify.annotations.Nullable;

/**
 * Reads examples from DataVec records: one column holds Text, the user's turn, another Code, the
 * assistant's.
 *
 * <pre>{@code
 * Schema schema = new Schema.Builder().addColumnsString("question", "sql").build();
 * ExampleSource examples =
 *         RecordExampleReader.builder(reader, schema).setText("question").setCode("sql").build();
 * }</pre>
 *
 * <p>Records without any value, such as a CSV file's blank lines, are passed over.
 *
 * <p>For CSV files there is {@link CsvExampleReader}: DataVec's {@code CSVRecordReader} drops
 * backslashes, so that a line of it that has one is refused, and does not read fields with line
 * breaks.
 */
public final class RecordExampleReader implements ExampleSource {
    private final RecordReader reader;
    private final ExampleColumns columns;

    private RecordExampleReader(RecordReader reader, ExampleColumns columns) {
        this.reader = reader;
        this.columns = columns;
    }

    /**
     * Starts a reader whose columns are given by index, from 0.
     *
     * @param reader the records; initialized
     */
    public static Builder builder(RecordReader reader) {
        return new Builder(reader, null);
    }

    /**
     * Starts a reader whose columns are given by name or by index.
     *
     * @param reader the records; initialized
     * @param schema names the columns
     */
    public static Builder builder(RecordReader reader, Schema schema) {
        return new Builder(reader, Objects.requireNonNull(schema, "schema"));
    }

    /**
     * {@inheritDoc}
     *
     * <p>Reads from the first record on where the record reader can be reset, else from where it
     * stands.
     *
     * @throws JepaException if there are no records, or a record cannot be parsed
     */
    @Override
    public void read(Consumer<? super Example> examples, Consumer<? super JepaException> faults) {
        if (reader.resetSupported()) {
            reader.reset();
        }
        List<RecordListener> listeners = List.copyOf(reader.getListeners());
        CsvLine line = new CsvLine();
        List<RecordListener> withLine = new ArrayList<>(listeners);
        withLine.add(line);
        reader.setListeners(withLine);
        try {
            read(line, examples, faults);
        } finally {
            reader.setListeners(listeners);
        }
    }

    private void read(
            CsvLine line,
            Consumer<? super Example> examples,
            Consumer<? super JepaException> faults) {
        boolean empty = true;
        for (long number = 1; reader.hasNext(); number++) {
            Record record = next(number);
            List<String> values = record.getRecord().stream().map(Writable::toString).toList();
            if (values.stream().allMatch(String::isBlank)) {
                continue;
            }
            empty = false;
            Example example;
            try {
                String place = place(record, number);
                line.requireNoBackslash(place);
                example = columns.example(place, values);
            } catch (JepaException fault) {
                faults.accept(fault);
                continue;
            }
            examples.accept(example);
        }
        if (empty) {
            throw new JepaException(
                    reader.getClass().getSimpleName()
                            + " gives no records; check its input split and the lines it skips");
        }
    }

    private Record next(long number) {
        try {
            return reader.nextRecord();
        } catch (RuntimeException e) {
            throw new JepaException(
                    reader.getClass().getSimpleName()
                            + " cannot read record "
                            + number
                            + ": "
                            + (e.getCause() == null ? e : e.getCause()).getMessage()
                            + "; CsvExampleReader reads CSV files with line breaks in fields",
                    e);
        }
    }

    /** The line that DataVec's CSV parser was given last. */
    private static final class CsvLine implements RecordListener {
        private static final long serialVersionUID = 1L;

        private String line = "";

        @Override
        public void recordRead(RecordReader reader, Object record) {
            if (reader instanceof CSVRecordReader) {
                line = String.valueOf(record);
            }
        }

        void requireNoBackslash(String place) {
            if (line.indexOf('\\') >= 0) {
                throw new JepaException(
                        place
                                + ": the line has a backslash, which DataVec's CSV parser takes for an"
                                + " escape and drops: \\bdog\\b would arrive as bdogb; read the file"
                                + " with CsvExampleReader");
            }
        }

        @Override
        public void recordWrite(RecordWriter writer, Object record) {
            // Nothing is written.
        }

        @Override
        public boolean invoked() {
            return true;
        }

        @Override
        public void invoke() {
            // DataVec's readers do not ask.
        }
    }

    private static String place(Record record, long number) {
        if (record.getMetaData() instanceof RecordMetaDataLine line && line.getURI() != null) {
            // DataVec counts lines from 0, users from 1.
            return name(line) + ":" + (line.getLineNumber() + 1);
        }
        return "record " + number;
    }

    private static String name(RecordMetaDataLine line) {
        String path = line.getURI().getPath();
        return path == null ? line.getURI().toString() : path;
    }

    /** Says which column holds what. */
    public static final class Builder extends ColumnBuilder<Builder> {
        private final RecordReader reader;
        private final @Nullable Schema schema;

        private Builder(RecordReader reader, @Nullable Schema schema) {
            this.reader = Objects.requireNonNull(reader, "reader");
            this.schema = schema;
        }

        @Override
        Builder self() {
            return this;
        }

        /**
         * Builds the reader.
         *
         * @throws IllegalStateException if the column of Text or of Code is not set, or a column is
         *     given by name and there is no schema
         * @throws JepaException if the schema has no column of a name, or two views that are
         *     compared are one column
         */
        public RecordExampleReader build() {
            requireTextAndCode();
            return new RecordExampleReader(reader, columns(this::index));
        }

        private int index(String column) {
            if (schema == null) {
                throw new IllegalStateException(
                        "column names need a schema: builder(reader, schema)");
            }
            if (!schema.hasColumn(column)) {
                throw new JepaException(
                        "there is no column \""
                                + column
                                + "\"; the schema has "
                                + schema.getColumnNames());
            }
            return schema.getIndexOfColumn(column);
        }
    }
}
