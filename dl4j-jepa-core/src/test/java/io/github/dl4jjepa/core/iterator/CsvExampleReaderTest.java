package io.github.dl4jjepa.core.iterator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.Message;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CsvExampleReaderTest {
    private Path file;

    @BeforeEach
    void nameTheFile(@TempDir Path folder) {
        file = folder.resolve("pairs.csv");
    }

    @Test
    void readsRegularExpressionsAsPythonWroteThem() {
        List<Example> csv =
                CsvExampleReader.builder(resource("nl-rx.csv"))
                        .setText("sentence")
                        .setCode("regex")
                        .build()
                        .readAll();

        List<Example> lines = new JsonLinesReader(resource("nl-rx.jsonl")).readAll();
        assertThat(csv)
                .extracting(Example::messages)
                .containsExactlyElementsOf(lines.stream().map(Example::messages).toList());
        assertThat(csv)
                .filteredOn(example -> example.messages().get(1).content().contains("\\b"))
                .hasSizeGreaterThan(5);
    }

    @Test
    void keepsQuotesSeparatorsAndLineBreaksOfAQuotedField() throws IOException {
        write("sentence,regex\r\n\"a, \"\"b\"\"\r\nc\",.*\"dog\".*\r\nd,\\\\e\r\n");

        assertThat(byName().readAll())
                .containsExactly(
                        pair(file + ":2", "a, \"b\"\r\nc", ".*\"dog\".*"),
                        pair(file + ":4", "d", "\\\\e"));
    }

    @Test
    void readsAFileWithoutHeaderByIndex() throws IOException {
        write("x;1;s;y\n\n;;;\nz;2;t;w\n");

        List<Example> examples =
                CsvExampleReader.builder(file)
                        .setText(0)
                        .setCode(3)
                        .optSystem(2)
                        .optViews(0, 1, 3)
                        .optSeparator(';')
                        .optHeader(false)
                        .build()
                        .readAll();

        assertThat(examples).extracting(Example::source).containsExactly(file + ":1", file + ":4");
        assertThat(examples.get(1).messages())
                .containsExactly(
                        new Message("system", "t"),
                        new Message("user", "z"),
                        new Message("assistant", "w"));
        assertThat(examples.get(1).views()).containsExactly("z", "2", "w");
    }

    @Test
    void passesOverTheHeaderWhereColumnsAreGivenByIndex() throws IOException {
        write("sentence,regex\na,b\n");

        assertThat(CsvExampleReader.builder(file).setText(0).setCode(1).build().readAll())
                .containsExactly(pair(file + ":2", "a", "b"));
    }

    @Test
    void passesOverAByteOrderMark() throws IOException {
        write("\uFEFF\"sentence\",regex\na,b\n");

        assertThat(byName().readAll()).hasSize(1);
    }

    @Test
    void readsOtherCharsets() throws IOException {
        for (String name : List.of("ISO-8859-1", "UTF-16")) {
            Charset charset = Charset.forName(name);
            Files.write(file, "sentence,regex\n\u00FCber,\\w\n".getBytes(charset));

            List<Example> examples =
                    CsvExampleReader.builder(file)
                            .setText("sentence")
                            .setCode("regex")
                            .optCharset(charset)
                            .build()
                            .readAll();

            assertThat(examples).containsExactly(pair(file + ":2", "\u00FCber", "\\w"));
        }
    }

    @Test
    void namesTheLineThatIsNotInTheCharset() throws IOException {
        Files.write(
                file, "sentence,regex\na,b\n\u00FCber,c\n".getBytes(StandardCharsets.ISO_8859_1));

        assertThatThrownBy(() -> byName().readAll())
                .isInstanceOf(JepaException.class)
                .hasMessage(
                        file
                                + ":3: not UTF-8; save the file as UTF-8, or name its charset with"
                                + " optCharset");
    }

    @Test
    void namesTheLineOfEachBadRecord() throws IOException {
        write("sentence,regex\na,b\nlines with a, b,c\nd\n,e\n\"f\n\",g\n");

        assertThatThrownBy(() -> byName().readAll())
                .isInstanceOf(JepaException.class)
                .hasMessageStartingWith("3 examples cannot be used:")
                .hasMessageContaining(
                        file
                                + ":3: the record has 3 fields, the first of the file 2; put a field"
                                + " with a separator in it into quotes")
                .hasMessageContaining(file + ":4: Code is column \"regex\", but the record has 1")
                .hasMessageContaining(file + ":5: Text (column \"sentence\") is empty");
    }

    @Test
    void refusesAQuoteThatIsNotClosed() throws IOException {
        write("sentence,regex\na,\"b\nc,d\n");

        assertThatThrownBy(() -> byName().readAll())
                .isInstanceOf(JepaException.class)
                .hasMessageStartingWith(file + ": not valid CSV: ")
                .hasMessageContaining("line 2")
                .hasMessageEndingWith("and double the quote");
    }

    @Test
    void refusesTextAfterAClosingQuote() throws IOException {
        write("sentence,regex\na,b\n\"c\"d,e\n");

        assertThatThrownBy(() -> byName().readAll())
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("line 3");
    }

    @Test
    void refusesAColumnThatTheHeaderLacks() throws IOException {
        write("text,regex\na,b\n");

        assertThatThrownBy(() -> byName().readAll())
                .isInstanceOf(JepaException.class)
                .hasMessage(
                        file + ": there is no column \"sentence\"; the header has [text, regex]");
    }

    @Test
    void refusesAColumnThatTheHeaderHasTwice() throws IOException {
        write("sentence,regex,regex\na,b,c\n");

        assertThatThrownBy(() -> byName().readAll())
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("column \"regex\" twice");
    }

    @Test
    void refusesTextAndCodeFromOneColumn() throws IOException {
        write("sentence,regex\na,b\n");

        assertThatThrownBy(
                        () ->
                                CsvExampleReader.builder(file)
                                        .setText("regex")
                                        .setCode(1)
                                        .build()
                                        .readAll())
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("Text and Code are both column \"regex\"");
    }

    @Test
    void refusesAViewThatWouldPredictItself() throws IOException {
        write("sentence,regex\na,b\n");

        assertThatThrownBy(
                        () ->
                                CsvExampleReader.builder(file)
                                        .setText(0)
                                        .setCode(1)
                                        .optViews(0, 1, 1)
                                        .build()
                                        .readAll())
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("two views in succession are both column 1");
    }

    @Test
    void refusesNamesWithoutAHeader() {
        assertThatIllegalStateException()
                .isThrownBy(
                        () ->
                                CsvExampleReader.builder(file)
                                        .setText("sentence")
                                        .setCode(1)
                                        .optHeader(false)
                                        .build())
                .withMessageContaining("column names need a header");
    }

    @Test
    void requiresTextAndCode() {
        assertThatIllegalStateException()
                .isThrownBy(() -> CsvExampleReader.builder(file).setText(0).build());
    }

    @Test
    void refusesAFileWithoutRecords() throws IOException {
        write("a,b\n");

        assertThatThrownBy(
                        () ->
                                CsvExampleReader.builder(file)
                                        .setText(0)
                                        .setCode(1)
                                        .build()
                                        .readAll())
                .isInstanceOf(JepaException.class)
                .hasMessage(
                        file
                                + ": the file has no records after its header; if the first line is"
                                + " a record, set optHeader(false)");
    }

    @Test
    void refusesAFileThatIsNotThere() {
        assertThatThrownBy(() -> byName().readAll())
                .isInstanceOf(JepaException.class)
                .hasMessage(file + ": there is no such file");
    }

    private CsvExampleReader byName() {
        return CsvExampleReader.builder(file).setText("sentence").setCode("regex").build();
    }

    private static Example pair(String source, String text, String code) {
        return Example.conversation(
                source, List.of(new Message("user", text), new Message("assistant", code)));
    }

    private void write(String content) throws IOException {
        Files.writeString(file, content);
    }

    private static Path resource(String name) {
        try {
            return Path.of(CsvExampleReaderTest.class.getResource("/iterator/" + name).toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }
}
