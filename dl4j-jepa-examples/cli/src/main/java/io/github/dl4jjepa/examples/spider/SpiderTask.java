package io.github.dl4jjepa.examples.spider;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.Message;
import io.github.dl4jjepa.models.evaluation.Task;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Spider, from natural language to SQL.
 *
 * <p>With databases, {@code execution_match} is the measure: the query must give the rows of the
 * right one, in any order unless the right one orders them. An error is wrong, {@code both_empty}
 * tells how many of the right ones show nothing because neither query finds a row, and {@code
 * gold_error} how many right queries fail. Without databases, {@code exact_match} compares the
 * queries' text: case, blanks and quotes do not matter, everything else does.
 */
public final class SpiderTask implements Task {
    /** The time limit of one query. */
    static final Duration TIME_LIMIT = Duration.ofSeconds(10);

    private static final Pattern DATABASE = Pattern.compile("For db_id:\\[([A-Za-z0-9_]+)\\]");
    private static final Pattern ORDER_BY =
            Pattern.compile("\\border\\s+by\\b", Pattern.CASE_INSENSITIVE);

    private final @Nullable Path databases;

    /** The task without databases. */
    public SpiderTask() {
        this(null);
    }

    private SpiderTask(@Nullable Path databases) {
        this.databases = databases;
    }

    /**
     * The task with databases.
     *
     * @param folder Spider's folder {@code database}, with {@code NAME/NAME.sqlite} for each
     * @throws JepaException if there is no such folder
     */
    public SpiderTask withDatabases(Path folder) {
        if (!Files.isDirectory(folder)) {
            throw new JepaException(
                    folder + ": is not a folder; name Spider's folder with NAME/NAME.sqlite files");
        }
        return new SpiderTask(folder);
    }

    @Override
    public String name() {
        return "spider";
    }

    @Override
    public int maxNewTokens() {
        return 256;
    }

    @Override
    public Optional<String> note() {
        return databases != null
                ? Optional.empty()
                : Optional.of(
                        "without databases the text of queries is compared, not what they find;"
                                + " not comparable to execution accuracy");
    }

    @Override
    public void check(Example example) {
        if (databases != null && !Files.isRegularFile(database(databases, example))) {
            throw new JepaException(
                    example.source()
                            + ": there is no database "
                            + database(databases, example)
                            + "; complete the folder of databases, or evaluate without it");
        }
    }

    private static Path database(Path databases, Example example) {
        List<Message> messages = example.messages();
        Matcher matcher = DATABASE.matcher(messages.get(messages.size() - 2).content());
        if (!matcher.find()) {
            throw new JepaException(
                    example.source()
                            + ": the question does not name its database as 'For db_id:[NAME]'");
        }
        String name = matcher.group(1);
        return databases.resolve(name).resolve(name + ".sqlite");
    }

    @Override
    public Task.Judgment judge(Example example, Task.Outcome outcome) {
        String gold = example.messages().get(example.messages().size() - 1).content();
        Task.Judgment judgment =
                Task.Judgment.NONE.with(
                        "exact_match", normalized(outcome.prediction()).equals(normalized(gold)));
        if (databases != null) {
            judgment = execute(judgment, database(databases, example), gold, outcome.prediction());
        }
        return judgment.with("stopped", outcome.stopped());
    }

    private static Task.Judgment execute(
            Task.Judgment judgment, Path database, String gold, String prediction) {
        try (ReadOnlyDatabase open = new ReadOnlyDatabase(database, TIME_LIMIT)) {
            QueryResult expected = open.query(gold);
            QueryResult actual = open.query(prediction);
            boolean equal = actual.equals(expected, orders(gold));
            return judgment.with("execution_match", equal)
                    .with("both_empty", equal && expected.isEmpty())
                    .with("error", actual.isError())
                    .with("gold_error", expected.isError());
        }
    }

    /** Whether a query orders its rows, as opposed to those of a query within it. */
    static boolean orders(String sql) {
        StringBuilder outer = new StringBuilder();
        int depth = 0;
        char quote = 0;
        for (int i = 0; i < sql.length(); i++) {
            char c = sql.charAt(i);
            if (quote != 0) {
                quote = c == quote ? 0 : quote;
            } else if (c == '\'' || c == '"' || c == '`') {
                quote = c;
            } else if (c == '(') {
                depth++;
            } else if (c == ')') {
                depth--;
            } else if (depth == 0) {
                outer.append(c);
            }
        }
        return ORDER_BY.matcher(outer).find();
    }

    /** A query in lower case, but for its strings, with blanks where they are needed only. */
    static String normalized(String sql) {
        StringBuilder text = new StringBuilder();
        char quote = 0;
        boolean blank = false;
        String query = sql.strip().replaceFirst("[;\\s]+$", "");
        for (int i = 0; i < query.length(); i++) {
            char c = query.charAt(i);
            if (quote != 0) {
                text.append(c == quote ? '\'' : c);
                quote = c == quote ? 0 : quote;
            } else if (Character.isWhitespace(c)) {
                blank = true;
            } else {
                boolean isWord = isWord(c);
                if (blank && isWord && !text.isEmpty() && isWord(text.charAt(text.length() - 1))) {
                    text.append(' ');
                }
                blank = false;
                if (c == '\'' || c == '"') {
                    quote = c;
                    text.append('\'');
                } else {
                    text.append(String.valueOf(c).toLowerCase(Locale.ROOT));
                }
            }
        }
        return text.toString();
    }

    private static boolean isWord(char c) {
        return Character.isLetterOrDigit(c) || c == '_';
    }
}
