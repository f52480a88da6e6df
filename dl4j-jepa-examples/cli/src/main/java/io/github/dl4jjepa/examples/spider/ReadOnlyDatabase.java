package io.github.dl4jjepa.examples.spider;

import io.github.dl4jjepa.core.JepaException;
import java.math.BigDecimal;
import java.math.MathContext;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.sqlite.ProgressHandler;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteConnection;
import org.sqlite.SQLiteLimits;

/**
 * An SQLite database that queries of a model may read: they cannot write to it or to other files,
 * and end at a time limit.
 */
final class ReadOnlyDatabase implements AutoCloseable {
    /** A query with more rows has failed. */
    private static final int MAX_ROWS = 100_000;

    /** The largest string or blob, in bytes. */
    private static final int MAX_LENGTH = 10_000_000;

    /** How many instructions of SQLite's machine are run between two looks at the clock. */
    private static final int INSTRUCTIONS = 10_000;

    /** Sums in another order differ in the last digits. */
    private static final MathContext DIGITS = new MathContext(12);

    private final Connection connection;
    private final Duration timeLimit;
    private long deadline;

    ReadOnlyDatabase(Path file, Duration timeLimit) {
        this.timeLimit = timeLimit;
        SQLiteConfig config = new SQLiteConfig();
        config.setReadOnly(true);
        config.enableLoadExtension(false);
        config.setTempStore(SQLiteConfig.TempStore.MEMORY);
        try {
            connection = config.createConnection("jdbc:sqlite:" + file.toAbsolutePath());
        } catch (SQLException e) {
            throw new JepaException(file + ": cannot be opened: " + e.getMessage(), e);
        }
        try {
            SQLiteConnection sqlite = connection.unwrap(SQLiteConnection.class);
            sqlite.setLimit(SQLiteLimits.SQLITE_LIMIT_ATTACHED, 0);
            sqlite.setLimit(SQLiteLimits.SQLITE_LIMIT_LENGTH, MAX_LENGTH);
            ProgressHandler.setHandler(
                    connection,
                    INSTRUCTIONS,
                    new ProgressHandler() {
                        @Override
                        protected int progress() {
                            return System.nanoTime() - deadline > 0 ? 1 : 0;
                        }
                    });
        } catch (SQLException e) {
            close();
            throw new JepaException(file + ": cannot be opened: " + e.getMessage(), e);
        }
    }

    /** Runs a query; whatever goes wrong makes an error of it. */
    QueryResult query(String sql) {
        deadline = System.nanoTime() + timeLimit.toNanos();
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            int columns = rows.getMetaData().getColumnCount();
            List<List<Object>> all = new ArrayList<>();
            while (rows.next()) {
                if (all.size() == MAX_ROWS) {
                    return QueryResult.ERROR;
                }
                List<Object> row = new ArrayList<>(columns);
                for (int column = 1; column <= columns; column++) {
                    row.add(value(rows.getObject(column)));
                }
                all.add(row);
            }
            return new QueryResult(all);
        } catch (SQLException e) {
            return QueryResult.ERROR;
        }
    }

    /** A value that equals another one if SQLite would say so. */
    private static Object value(@Nullable Object value) {
        if (value == null) {
            return Null.NULL;
        }
        if (value instanceof byte[] bytes) {
            return List.of("blob", HexFormat.of().formatHex(bytes));
        }
        if (value instanceof Integer || value instanceof Long) {
            return new BigDecimal(((Number) value).longValue()).stripTrailingZeros();
        }
        if (value instanceof Number number && Double.isFinite(number.doubleValue())) {
            return BigDecimal.valueOf(number.doubleValue()).round(DIGITS).stripTrailingZeros();
        }
        return value;
    }

    /** SQL's NULL. */
    private enum Null {
        NULL
    }

    @Override
    public void close() {
        try {
            connection.close();
        } catch (SQLException e) {
            throw new JepaException("a database cannot be closed: " + e.getMessage(), e);
        }
    }
}
