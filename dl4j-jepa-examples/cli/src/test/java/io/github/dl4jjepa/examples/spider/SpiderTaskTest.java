package io.github.dl4jjepa.examples.spider;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.Message;
import io.github.dl4jjepa.models.evaluation.Task;
import io.github.dl4jjepa.models.evaluation.Tasks;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** B5 of the authors' faults: errors were right, order counted, queries could write and run on. */
class SpiderTaskTest {
    private static final String ENDLESS =
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT sum(i) FROM n";

    @TempDir private Path folder;
    private Path file;
    private Task task;

    @BeforeEach
    void create() throws IOException, SQLException {
        file = Files.createDirectories(folder.resolve("ships")).resolve("ships.sqlite");
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file);
                Statement statement = connection.createStatement()) {
            statement.executeUpdate("CREATE TABLE ship (name TEXT, tons REAL, crew INTEGER)");
            statement.executeUpdate(
                    "INSERT INTO ship VALUES ('Ada', 10.5, 3), ('Bob', 20, 3), ('Zoë', NULL, 7)");
        }
        task = new SpiderTask().withDatabases(folder);
    }

    private static Example example(String database, String sql) {
        return Example.conversation(
                "spider.jsonl:1",
                List.of(
                        new Message(Message.USER, "For db_id:[" + database + "]\n\nWhich ships?"),
                        new Message(Message.ASSISTANT, sql)));
    }

    private Map<String, Boolean> facts(String gold, String prediction) {
        return task.judge(example("ships", gold), new Task.Outcome(prediction, true)).facts();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    # gold                                      | prediction                                     | right
                    SELECT name FROM ship                       | SELECT name FROM ship                          | true
                    SELECT name FROM ship                       | select T1.name from ship as T1;                | true
                    SELECT name FROM ship                       | SELECT name FROM ship ORDER BY name DESC       | true
                    SELECT name FROM ship ORDER BY name         | SELECT name FROM ship ORDER BY name DESC       | false
                    SELECT name FROM ship ORDER BY name         | SELECT name FROM ship ORDER BY name ASC        | true
                    SELECT crew FROM ship                       | SELECT DISTINCT crew FROM ship                 | false
                    SELECT count(*) FROM ship                   | SELECT 3.0                                     | true
                    SELECT count(*) FROM ship                   | SELECT '3'                                     | false
                    SELECT 0.1 + 0.2                            | SELECT 0.3                                     | true
                    SELECT tons FROM ship WHERE crew = 7        | SELECT NULL                                    | true
                    SELECT tons FROM ship WHERE crew = 7        | SELECT ''                                      | false
                    SELECT name FROM ship WHERE crew = 7        | SELECT 'Zoë'                                   | true
                    SELECT name FROM ship WHERE crew = 7        | SELECT 'Zoe'                                   | false
                    SELECT name, crew FROM ship                 | SELECT name FROM ship                          | false
                    SELECT name FROM ship                       | SELECT nme FROM ship                           | false
                    SELECT name FROM ship                       | ``                                             | false
                    SELECT name FROM ship                       | e                                              | false
                    SELECT name FROM ship WHERE crew = 9        | e                                              | false
                    SELECT name FROM ship WHERE crew = 9        | ``                                             | false
                    SELECT nme FROM ship                        | SELECT nme FROM ship                           | false
                    """)
    void theQueryMustFindTheRowsOfTheRightOne(String gold, String prediction, boolean right) {
        assertThat(facts(gold, prediction)).containsEntry("execution_match", right);
    }

    @Test
    void rightAnswersWithoutRowsAreCountedApart() {
        String nothing = "SELECT name FROM ship WHERE crew = 9";
        assertThat(facts(nothing, "SELECT 1 WHERE 0"))
                .containsEntry("execution_match", true)
                .containsEntry("both_empty", true);
        assertThat(facts("SELECT 1", "SELECT 1")).containsEntry("both_empty", false);
        assertThat(facts(nothing, "SELECT 1")).containsEntry("both_empty", false);
        assertThat(facts("SELECT nme FROM ship", "x"))
                .containsEntry("both_empty", false)
                .containsEntry("error", true)
                .containsEntry("gold_error", true);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "DELETE FROM ship",
                "DROP TABLE ship",
                "INSERT INTO ship VALUES ('Eve', 1, 1) RETURNING name",
                "SELECT name FROM ship; DELETE FROM ship",
                "UPDATE ship SET crew = 0",
                "PRAGMA user_version = 7",
                "PRAGMA journal_mode = WAL",
                "VACUUM INTO 'DIR/stolen.sqlite'",
                "ATTACH DATABASE 'DIR/stolen.sqlite' AS other"
            })
    void aQueryThatWritesChangesNoFile(String sql) throws IOException {
        byte[] before = Files.readAllBytes(file);
        facts("SELECT name FROM ship", sql.replace("DIR", folder.toString()));
        assertThat(file).hasBinaryContent(before);
        assertThat(file.getParent()).isDirectoryContaining(path -> path.equals(file));
        try (var files = Files.walk(folder)) {
            assertThat(files.filter(Files::isRegularFile)).containsExactly(file);
        }
    }

    @Test
    void anEndlessQueryIsStoppedAndTheDatabaseRemainsUsable() {
        try (ReadOnlyDatabase database = new ReadOnlyDatabase(file, Duration.ofMillis(200))) {
            assertThat(database.query(ENDLESS).isError()).isTrue();
            assertThat(database.query(ENDLESS.replace("sum(i)", "i")).isError()).isTrue();
            assertThat(database.query("SELECT name FROM ship").isError()).isFalse();
        }
    }

    @Test
    void aDatabaseThatIsMissingIsRefusedBeforehand() {
        assertThatThrownBy(() -> task.check(example("planes", "SELECT 1")))
                .isInstanceOf(JepaException.class)
                .hasMessageStartingWith("spider.jsonl:1: there is no database")
                .hasMessageContaining("planes.sqlite");
        assertThatThrownBy(() -> new SpiderTask().withDatabases(file))
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("is not a folder");
    }

    @Test
    void withoutDatabasesTheTextIsComparedAndTheResultSaysSo() {
        Task textual = Tasks.named("spider");
        assertThat(textual.note()).hasValueSatisfying(note -> assertThat(note).contains("text"));
        assertThat(task.note()).isEmpty();
        assertThat(
                        textual.judge(
                                        example(
                                                "none",
                                                "SELECT a ,  b FROM T WHERE c  =  \"X Y\";"),
                                        new Task.Outcome("select a, b\nfrom t where c='X Y'", true))
                                .facts())
                .isEqualTo(Map.of("exact_match", true, "stopped", true));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    SELECT a FROM t WHERE c = 'X'   | SELECT a FROM t WHERE c = 'x'
                    SELECT a FROM t                 | SELECT a FROM
                    SELECT a FROM t                 | SELECT afromt
                    SELECT a FROM t                 | ``
                    """)
    void otherTextIsWrong(String gold, String prediction) {
        assertThat(SpiderTask.normalized(prediction)).isNotEqualTo(SpiderTask.normalized(gold));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    SELECT a FROM t ORDER  BY a                                   | true
                    SELECT a FROM t order by a LIMIT 1                            | true
                    SELECT a FROM (SELECT a FROM t ORDER BY a LIMIT 3)            | false
                    SELECT a FROM t WHERE b = 'order by (' AND c IN (SELECT 1)    | false
                    SELECT border FROM t                                          | false
                    """)
    void onlyTheOuterQueryOrdersRows(String sql, boolean orders) {
        assertThat(SpiderTask.orders(sql)).isEqualTo(orders);
    }

    @ParameterizedTest
    @CsvSource({"spider_train, 6587", "spider_test, 1447"})
    void everyRowOfTheAuthorsFilesEqualsItself(String name, int rows) {
        Task textual = Tasks.named("spider");
        List<Example> examples = textual.examples(data(name + ".jsonl")).readAll();
        assertThat(examples)
                .hasSize(rows)
                .allSatisfy(
                        example -> {
                            String gold = example.messages().get(2).content();
                            assertThat(textual.judge(example, new Task.Outcome(gold, true)).facts())
                                    .containsEntry("exact_match", true);
                        });
    }

    /** A file of the folder {@code shared/data} beside a checkout; skips the test without it. */
    private static Path data(String name) {
        String named = System.getenv("JEPA_SHARED");
        Path shared = named == null ? null : Path.of(named);
        for (Path p = Path.of("").toAbsolutePath();
                shared == null && p != null;
                p = p.getParent()) {
            if (Files.isDirectory(p.resolve("shared/data"))) {
                shared = p.resolve("shared");
            }
        }
        assumeTrue(
                shared != null && Files.exists(shared.resolve("data").resolve(name)),
                "skipped: no folder 'shared' with data beside this checkout; name one with"
                        + " JEPA_SHARED");
        return shared.resolve("data").resolve(name);
    }
}
