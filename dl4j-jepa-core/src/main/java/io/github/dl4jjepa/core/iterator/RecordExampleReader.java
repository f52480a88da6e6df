package io.github.dl4jjepa.core.iterator;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.Message;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.datavec.api.records.Record;
import org.datavec.api.records.metadata.RecordMetaDataLine;
import org.datavec.api.records.reader.RecordReader;
import org.datavec.api.transform.schema.Schema;
import org.datavec.api.writable.Writable;

/**
 * Reads examples from DataVec records: one column holds Text, the user's turn, another Code, the
 * assistant's.
 *
 * <pre>{@code
 * Schema schema = new Schema.Builder().addColumnsString("question", "sql").build();
 * ExampleSource examples =
 *         RecordExampleReader.builder(csv, schema).setText("question").setCode("sql").build();
 * }</pre>
 *
 * <p>Records without any value, such as a CSV file's blank lines, are passed over.
 */
public final class RecordExampleReader implements ExampleSource {
    private static final int NO_COLUMN = -1;

    private final RecordReader reader;
    private final int text;
    private final int code;
    private final int system;
    private final List<Integer> views;

    private RecordExampleReader(Builder builder) {
        reader = builder.reader;
        text = builder.text;
        code = builder.code;
        system = builder.system;
        views = List.copyOf(builder.views);
    }

    /**
     * Starts a reader whose columns are given by index, from 0.
     *
     * @param reader the records; initialised
     */
    public static Builder builder(RecordReader reader) {
        return new Builder(reader, null);
    }

    /**
     * Starts a reader whose columns are given by name or by index.
     *
     * @param reader the records; initialised
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
     * @throws JepaException if there are no records
     */
    @Override
    public void read(Consumer<? super Example> examples, Consumer<? super JepaException> faults) {
        if (reader.resetSupported()) {
            reader.reset();
        }
        boolean empty = true;
        for (long number = 1; reader.hasNext(); number++) {
            Record record = reader.nextRecord();
            List<Writable> values = record.getRecord();
            if (values.stream().allMatch(value -> value.toString().isBlank())) {
                continue;
            }
            empty = false;
            Example example;
            try {
                example = example(place(record, number), values);
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

    private Example example(String place, List<Writable> record) {
        List<Message> messages = new ArrayList<>(3);
        if (system != NO_COLUMN) {
            messages.add(new Message(Message.SYSTEM, value(place, record, "system", system)));
        }
        messages.add(new Message(Message.USER, value(place, record, "Text", text)));
        messages.add(new Message(Message.ASSISTANT, value(place, record, "Code", code)));
        return new Example(
                place,
                messages,
                views.stream().map(column -> value(place, record, "a view", column)).toList());
    }

    private static String value(String place, List<Writable> record, String what, int column) {
        if (column >= record.size()) {
            throw new JepaException(
                    place
                            + ": "
                            + what
                            + " is column "
                            + column
                            + " counted from 0, but the record has "
                            + record.size()
                            + "; check the delimiter and the quotes");
        }
        String value = record.get(column).toString();
        if (value.isBlank()) {
            throw new JepaException(
                    place
                            + ": "
                            + what
                            + " (column "
                            + column
                            + " counted from 0) is empty; fill it in or remove the record");
        }
        return value;
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
    public static final class Builder {
        private final RecordReader reader;
        private final Schema schema;
        private int text = NO_COLUMN;
        private int code = NO_COLUMN;
        private int system = NO_COLUMN;
        private List<Integer> views = List.of();

        private Builder(RecordReader reader, Schema schema) {
            this.reader = Objects.requireNonNull(reader, "reader");
            this.schema = schema;
        }

        /**
         * Sets the column of Text, the user's turn.
         *
         * @param column its index, from 0
         */
        public Builder setText(int column) {
            text = Objects.checkIndex(column, Integer.MAX_VALUE);
            return this;
        }

        /**
         * Sets the column of Text, the user's turn.
         *
         * @param column its name in the schema
         */
        public Builder setText(String column) {
            return setText(index(column));
        }

        /**
         * Sets the column of Code, the assistant's turn.
         *
         * @param column its index, from 0
         */
        public Builder setCode(int column) {
            code = Objects.checkIndex(column, Integer.MAX_VALUE);
            return this;
        }

        /**
         * Sets the column of Code, the assistant's turn.
         *
         * @param column its name in the schema
         */
        public Builder setCode(String column) {
            return setCode(index(column));
        }

        /**
         * Sets the column of the system message (default: no system message).
         *
         * @param column its index, from 0
         */
        public Builder optSystem(int column) {
            system = Objects.checkIndex(column, Integer.MAX_VALUE);
            return this;
        }

        /**
         * Sets the column of the system message (default: no system message).
         *
         * @param column its name in the schema
         */
        public Builder optSystem(String column) {
            return optSystem(index(column));
        }

        /**
         * Sets the columns that are compared in place of Text and Code: two or more, of which each
         * predicts the next.
         *
         * @param columns their indices, from 0
         */
        public Builder optViews(int... columns) {
            if (columns.length < 2) {
                throw new IllegalArgumentException("views are two columns or more");
            }
            views =
                    IntStream.of(columns)
                            .map(column -> Objects.checkIndex(column, Integer.MAX_VALUE))
                            .boxed()
                            .toList();
            return this;
        }

        /**
         * Sets the columns that are compared in place of Text and Code.
         *
         * @param columns their names in the schema
         * @see #optViews(int...)
         */
        public Builder optViews(String... columns) {
            return optViews(Stream.of(columns).mapToInt(this::index).toArray());
        }

        /**
         * Builds the reader.
         *
         * @throws IllegalStateException if the column of Text or of Code is not set
         */
        public RecordExampleReader build() {
            if (text == NO_COLUMN || code == NO_COLUMN) {
                throw new IllegalStateException("setText and setCode are required");
            }
            return new RecordExampleReader(this);
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
