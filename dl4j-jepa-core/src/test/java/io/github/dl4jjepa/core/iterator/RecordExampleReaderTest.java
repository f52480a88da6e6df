package io.github.dl4jjepa.core.iterator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.Message;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.datavec.api.records.listener.RecordListener;
import org.datavec.api.records.listener.impl.LogRecordListener;
import org.datavec.api.records.reader.RecordReader;
import org.datavec.api.records.reader.impl.collection.CollectionRecordReader;
import org.datavec.api.records.reader.impl.csv.CSVRecordReader;
import org.datavec.api.records.reader.impl.transform.TransformProcessRecordReader;
import org.datavec.api.split.FileSplit;
import org.datavec.api.transform.TransformProcess;
import org.datavec.api.transform.schema.Schema;
import org.datavec.api.writable.Text;
import org.datavec.api.writable.Writable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RecordExampleReaderTest {
    private final Schema schema =
            new Schema.Builder().addColumnsString("task", "question", "sql").build();

    private Path file;

    @BeforeEach
    void nameTheFile(@TempDir Path folder) {
        file = folder.resolve("train.csv");
    }

    @Test
    void readsACsvFileByIndex() throws Exception {
        RecordReader csv = csv("task,question,sql\nSQL,\"How many, \u00FC?\",SELECT 1\n");

        List<Example> examples =
                RecordExampleReader.builder(csv).setText(1).setCode(2).build().readAll();

        assertThat(examples)
                .containsExactly(
                        Example.conversation(
                                file + ":2",
                                List.of(
                                        new Message("user", "How many, \u00FC?"),
                                        new Message("assistant", "SELECT 1"))));
    }

    @Test
    void readsMoreThanTwoViews() throws Exception {
        RecordReader csv = csv("task,question,sql\nSQL,How many?,SELECT 1\n");

        List<Example> examples =
                RecordExampleReader.builder(csv, schema)
                        .setText("question")
                        .setCode("sql")
                        .optViews("sql", "question", "task")
                        .build()
                        .readAll();

        assertThat(examples.get(0).views()).containsExactly("SELECT 1", "How many?", "SQL");
    }

    @Test
    void readsACsvFileByName() throws Exception {
        RecordReader csv = csv("task,question,sql\nSQL,How many?,SELECT 1\n");

        List<Example> examples =
                RecordExampleReader.builder(csv, schema)
                        .setText("question")
                        .setCode("sql")
                        .optSystem("task")
                        .build()
                        .readAll();

        assertThat(examples.get(0).messages())
                .containsExactly(
                        new Message("system", "SQL"),
                        new Message("user", "How many?"),
                        new Message("assistant", "SELECT 1"));
    }

    @Test
    void namesTheLineOfABadRecord() throws Exception {
        RecordReader csv = csv("header\nSQL,a,b\n\nSQL,a\nSQL,,b\nSQL,a,b\n");

        assertThatThrownBy(() -> byIndex(csv).readAll())
                .isInstanceOf(JepaException.class)
                .hasMessageStartingWith("2 examples cannot be used:")
                .hasMessageContaining(
                        file + ":4: Code is column 2 counted from 0, but the record has 2")
                .hasMessageContaining(file + ":5: Text (column 1 counted from 0) is empty");
    }

    @Test
    void readsRecordsThatComeFromNoFile() {
        RecordExampleReader reader = byIndex(collection());

        assertThat(reader.readAll())
                .extracting(Example::source)
                .containsExactly("record 1", "record 2");
    }

    @Test
    void readsAgainFromTheStart() throws Exception {
        RecordExampleReader collection = byIndex(collection());
        RecordExampleReader csv = byIndex(csv("header\nSQL,a,b\nSQL,c,d\n"));

        assertThat(collection.readAll()).isEqualTo(collection.readAll()).hasSize(2);
        assertThat(csv.readAll()).isEqualTo(csv.readAll()).hasSize(2);
    }

    @Test
    void refusesAReaderWithoutRecords() throws Exception {
        RecordReader csv = csv("header\n");

        assertThatThrownBy(() -> byIndex(csv).readAll())
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("CSVRecordReader gives no records");
    }

    @Test
    void refusesAColumnThatTheSchemaLacks() {
        RecordExampleReader.Builder builder =
                RecordExampleReader.builder(collection(), schema).setText("query").setCode("sql");

        assertThatThrownBy(builder::build)
                .isInstanceOf(JepaException.class)
                .hasMessage("there is no column \"query\"; the schema has [task, question, sql]");
    }

    @Test
    void refusesNamesWithoutASchema() {
        assertThatIllegalStateException()
                .isThrownBy(
                        () ->
                                RecordExampleReader.builder(collection())
                                        .setText("question")
                                        .setCode(2)
                                        .build())
                .withMessageContaining("schema");
    }

    @Test
    void refusesTextAndCodeFromOneColumn() {
        assertThatThrownBy(
                        () ->
                                RecordExampleReader.builder(collection())
                                        .setText(1)
                                        .setCode(1)
                                        .build())
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("Text and Code are both column 1 counted from 0");
    }

    @Test
    void refusesLinesWhoseBackslashesDataVecDrops() throws Exception {
        RecordReader csv = csv("header\nNL-RX,a,b\nNL-RX,words with dog,\\bdog\\b\n");

        assertThatThrownBy(() -> byIndex(csv).readAll())
                .isInstanceOf(JepaException.class)
                .hasMessageStartingWith(file + ":3: the line has a backslash")
                .hasMessageEndingWith("read the file with CsvExampleReader");
    }

    @Test
    void refusesLinesWhoseBackslashesDataVecDropsBehindATransformToo() throws Exception {
        RecordReader csv = csv("header\nNL-RX,words with dog,\\bdog\\b\n");
        TransformProcess none = new TransformProcess.Builder(schema).build();

        assertThatThrownBy(() -> byIndex(new TransformProcessRecordReader(csv, none)).readAll())
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("the line has a backslash");
    }

    @Test
    void dataVecStillDropsBackslashes() throws Exception {
        RecordReader csv = csv("header\nNL-RX,words with dog,\\bdog\\b\n");

        assertThat(csv.next()).last().hasToString("bdogb");
    }

    @Test
    void keepsTheBackslashesOfOtherReaders() {
        RecordReader records =
                new CollectionRecordReader(
                        List.of(
                                List.<Writable>of(
                                        new Text("NL-RX"), new Text("a"), new Text("\\w"))));

        assertThat(byIndex(records).readAll().get(0).messages().get(1).content()).isEqualTo("\\w");
    }

    @Test
    void leavesTheReadersListenersAsTheyWere() throws Exception {
        RecordReader csv = csv("header\nSQL,a,b\n");
        RecordListener listener = new LogRecordListener();
        csv.setListeners(listener);

        byIndex(csv).readAll();

        assertThat(csv.getListeners()).containsExactly(listener);
    }

    @Test
    void saysWhichRecordCannotBeParsed() throws Exception {
        RecordReader csv = csv("header\nSQL,\"a\nb\",c\n");

        assertThatThrownBy(() -> byIndex(csv).readAll())
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("cannot read record 1")
                .hasMessageContaining("CsvExampleReader");
    }

    @Test
    void requiresTextAndCode() {
        assertThatIllegalStateException()
                .isThrownBy(() -> RecordExampleReader.builder(collection()).setText(1).build());
    }

    private static RecordExampleReader byIndex(RecordReader records) {
        return RecordExampleReader.builder(records).setText(1).setCode(2).build();
    }

    private static RecordReader collection() {
        return new CollectionRecordReader(
                List.of(
                        List.<Writable>of(new Text("SQL"), new Text("a"), new Text("b")),
                        List.<Writable>of(new Text("SQL"), new Text("c"), new Text("d"))));
    }

    private RecordReader csv(String content) throws IOException, InterruptedException {
        Files.writeString(file, content);
        RecordReader reader = new CSVRecordReader(1, ',', '"');
        reader.initialize(new FileSplit(file.toFile()));
        return reader;
    }
}
