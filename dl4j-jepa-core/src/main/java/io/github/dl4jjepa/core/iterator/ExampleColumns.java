package io.github.dl4jjepa.core.iterator;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.Message;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/** Makes examples of a table's records. */
final class ExampleColumns {
    private final Column text;
    private final Column code;
    private final @Nullable Column system;
    private final List<Column> views;

    /**
     * @param system null without a system message
     * @param views empty where Text and Code are compared
     * @throws JepaException if two views that are compared are one column
     */
    private ExampleColumns(Column text, Column code, @Nullable Column system, List<Column> views) {
        this.text = text;
        this.code = code;
        this.system = system;
        this.views = views;
        requireDistinct("Text and Code", text, code);
        for (int i = 1; i < views.size(); i++) {
            requireDistinct("two views in succession", views.get(i - 1), views.get(i));
        }
    }

    private static void requireDistinct(String what, Column first, Column second) {
        if (first.index == second.index) {
            throw new JepaException(
                    what
                            + " are both "
                            + first
                            + ": a view that predicts itself teaches nothing; choose two columns");
        }
    }

    /** A column as the user named it. */
    record Column(@Nullable String name, int index) {
        static Column of(int index) {
            if (index < 0) {
                throw new IllegalArgumentException(
                        "columns are counted from 0, there is no column " + index);
            }
            return new Column(null, index);
        }

        static Column of(String name) {
            return new Column(name, -1);
        }

        private Column resolved(ToIntFunction<String> indexOf) {
            return name == null ? this : new Column(name, indexOf.applyAsInt(name));
        }

        @Override
        public String toString() {
            return name == null ? "column " + index + " counted from 0" : "column \"" + name + "\"";
        }
    }

    /**
     * @param indexOf the index of a column's name; it throws where there is none
     */
    static ExampleColumns of(
            Column text,
            Column code,
            @Nullable Column system,
            List<Column> views,
            ToIntFunction<String> indexOf) {
        return new ExampleColumns(
                text.resolved(indexOf),
                code.resolved(indexOf),
                system == null ? null : system.resolved(indexOf),
                views.stream().map(view -> view.resolved(indexOf)).toList());
    }

    /**
     * @param place where the record was read
     * @throws JepaException if a column is missing or empty
     */
    Example example(String place, List<String> record) {
        List<Message> messages = new ArrayList<>(3);
        if (system != null) {
            messages.add(new Message(Message.SYSTEM, value(place, record, "system", system)));
        }
        messages.add(new Message(Message.USER, value(place, record, "Text", text)));
        messages.add(new Message(Message.ASSISTANT, value(place, record, "Code", code)));
        return new Example(
                place,
                messages,
                views.stream().map(column -> value(place, record, "a view", column)).toList());
    }

    private static String value(String place, List<String> record, String what, Column column) {
        if (column.index >= record.size()) {
            throw new JepaException(
                    place
                            + ": "
                            + what
                            + " is "
                            + column
                            + ", but the record has "
                            + record.size()
                            + "; check the delimiter and the quotes");
        }
        String value = record.get(column.index);
        if (value.isBlank()) {
            throw new JepaException(
                    place
                            + ": "
                            + what
                            + " ("
                            + column
                            + ") is empty; fill it in or remove the record");
        }
        return value;
    }
}
