package io.github.dl4jjepa.core.iterator;

import io.github.dl4jjepa.core.iterator.ExampleColumns.Column;
import java.util.List;
import java.util.Objects;
import java.util.function.ToIntFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Says which column of a table holds what, by its name or by its index.
 *
 * @param <B> the builder itself
 */
abstract class ColumnBuilder<B extends ColumnBuilder<B>> {
    private @Nullable Column text;
    private @Nullable Column code;
    private @Nullable Column system;
    private List<Column> views = List.of();

    ColumnBuilder() {}

    abstract B self();

    /**
     * Sets the column of Text, the user's turn.
     *
     * @param column its index, from 0
     */
    public B setText(int column) {
        text = Column.of(column);
        return self();
    }

    /**
     * Sets the column of Text, the user's turn.
     *
     * @param column its name
     */
    public B setText(String column) {
        text = Column.of(column);
        return self();
    }

    /**
     * Sets the column of Code, the assistant's turn.
     *
     * @param column its index, from 0
     */
    public B setCode(int column) {
        code = Column.of(column);
        return self();
    }

    /**
     * Sets the column of Code, the assistant's turn.
     *
     * @param column its name
     */
    public B setCode(String column) {
        code = Column.of(column);
        return self();
    }

    /**
     * Sets the column of the system message (default: no system message).
     *
     * @param column its index, from 0
     */
    public B optSystem(int column) {
        system = Column.of(column);
        return self();
    }

    /**
     * Sets the column of the system message (default: no system message).
     *
     * @param column its name
     */
    public B optSystem(String column) {
        system = Column.of(column);
        return self();
    }

    /**
     * Sets the columns that are compared in place of Text and Code: two or more, of which each
     * predicts the next.
     *
     * @param columns their indices, from 0
     */
    public B optViews(int... columns) {
        return views(IntStream.of(columns).mapToObj(Column::of).toList());
    }

    /**
     * Sets the columns that are compared in place of Text and Code.
     *
     * @param columns their names
     * @see #optViews(int...)
     */
    public B optViews(String... columns) {
        return views(Stream.of(columns).map(Column::of).toList());
    }

    private B views(List<Column> columns) {
        if (columns.size() < 2) {
            throw new IllegalArgumentException("views are two columns or more");
        }
        views = columns;
        return self();
    }

    /**
     * @param indexOf the index of a column's name; it throws where there is none
     */
    final ExampleColumns columns(ToIntFunction<String> indexOf) {
        return ExampleColumns.of(
                Objects.requireNonNull(text), Objects.requireNonNull(code), system, views, indexOf);
    }

    /** Whether any column is given by its name. */
    final boolean hasNames() {
        return Stream.concat(
                        Stream.of(text, code),
                        Stream.concat(Stream.ofNullable(system), views.stream()))
                .anyMatch(column -> column.name() != null);
    }

    /**
     * @throws IllegalStateException if the column of Text or of Code is not set
     */
    final void requireTextAndCode() {
        if (text == null || code == null) {
            throw new IllegalStateException("setText and setCode are required");
        }
    }
}
