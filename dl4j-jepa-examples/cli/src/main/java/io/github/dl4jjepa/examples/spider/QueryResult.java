package io.github.dl4jjepa.examples.spider;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a query gives.
 *
 * @param rows the rows; null if the query failed
 */
record QueryResult(@Nullable List<List<Object>> rows) {
    /** A query that failed. */
    static final QueryResult ERROR = new QueryResult(null);

    boolean isError() {
        return rows == null;
    }

    boolean isEmpty() {
        return rows != null && rows.isEmpty();
    }

    /**
     * Whether two queries give the same rows; an error equals nothing, not even another error.
     *
     * @param ordered whether the rows must come in the same order
     */
    boolean equals(QueryResult other, boolean ordered) {
        if (rows == null || other.rows == null) {
            return false;
        }
        return ordered ? rows.equals(other.rows) : counts(rows).equals(counts(other.rows));
    }

    private static Map<List<Object>, Integer> counts(List<List<Object>> rows) {
        Map<List<Object>, Integer> counts = new HashMap<>();
        rows.forEach(row -> counts.merge(row, 1, Integer::sum));
        return counts;
    }
}
