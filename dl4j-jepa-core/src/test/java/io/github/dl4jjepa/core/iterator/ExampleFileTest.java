package io.github.dl4jjepa.core.iterator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.Message;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ExampleFileTest {
    private static final Message USER = new Message("user", "vowels");
    private static final Message ANSWER = new Message("assistant", "[aeiou]");

    @TempDir private Path folder;

    @ParameterizedTest
    @ValueSource(
            strings = {
                """
                {"messages": [{"role": "user", "content": "vowels"},
                              {"role": "assistant", "content": "[aeiou]"}]}
                """,
                """
                {"prompt": "vowels", "completion": "[aeiou]"}
                """,
                """
                {"prompt": [{"role": "user", "content": "vowels"}],
                 "completion": [{"role": "assistant", "content": "[aeiou]"}]}
                """,
                """
                {"instruction": "vowels", "input": "", "output": "[aeiou]"}
                """,
                """
                {"conversations": [{"from": "human", "value": "vowels"},
                                   {"from": "gpt", "value": "[aeiou]"}]}
                """,
                """
                {"conversations": [{"role": "user", "content": "vowels"},
                                   {"role": "assistant", "content": "[aeiou]"}]}
                """,
                """
                {"text": "vowels", "code": "[aeiou]"}
                """
            })
    void theKeysOfJsonSayTheFormatOnALineAndInAnArray(String json) throws IOException {
        String line = json.replaceAll("\n *", "");
        Path lines = write("lines.jsonl", line + "\n\n" + line + "\n");
        Path array = write("array.json", "\n[\n" + json + ",\n" + json + "]\n");

        assertThat(read(lines))
                .extracting(Example::source)
                .containsExactly(lines + ":1", lines + ":3");
        assertThat(read(array)).hasSize(2).extracting(Example::source).contains(array + ":3");
        for (Path file : List.of(lines, array)) {
            assertThat(read(file))
                    .extracting(Example::messages)
                    .containsOnly(List.of(USER, ANSWER));
            assertThat(read(file)).extracting(Example::views).containsOnly(List.of());
        }
    }

    @Test
    void anAlpacaInputFollowsTheInstructionOnALineOfItsOwn() throws IOException {
        Path file =
                write(
                        "alpaca.json",
                        "[{\"instruction\": \"Translate.\", \"input\": \"vowels\","
                                + " \"output\": \"[aeiou]\", \"system\": \"Be brief.\"}]");

        assertThat(read(file).get(0).messages())
                .containsExactly(
                        new Message("system", "Be brief."),
                        new Message("user", "Translate.\nvowels"),
                        ANSWER);
    }

    @Test
    void shareGptKeepsSystemToolsAndWhatIsNotLearned() throws IOException {
        Path file =
                write(
                        "share.jsonl",
                        "{\"conversations\": [{\"from\": \"system\", \"value\": \"s\"},"
                                + "{\"from\": \"human\", \"value\": \"u\"},"
                                + "{\"from\": \"gpt\", \"value\": \"a\", \"train\": false},"
                                + "{\"from\": \"observation\", \"value\": \"t\"},"
                                + "{\"from\": \"gpt\", \"value\": \"b\"}]}");

        assertThat(read(file).get(0).messages())
                .containsExactly(
                        new Message("system", "s"),
                        new Message("user", "u"),
                        new Message("assistant", "a", Map.of(), false),
                        new Message("tool", "t"),
                        new Message("assistant", "b"));
    }

    @ParameterizedTest
    @CsvSource({"csv,','", "tsv,'\t'"})
    void columnsOfATableAreNamedAndMayHoldBackslashesAndLineBreaks(String ending, String separator)
            throws IOException {
        String quoted = "\"two\nlines \"\"quoted\"\"\"";
        Path file =
                write(
                        "table." + ending,
                        String.join(separator, "id", "completion", "prompt", "system")
                                + "\n"
                                + String.join(separator, "1", "\\b[a]\\b", quoted, "s")
                                + "\n");

        assertThat(read(file).get(0).messages())
                .containsExactly(
                        new Message("system", "s"),
                        new Message("user", "two\nlines \"quoted\""),
                        new Message("assistant", "\\b[a]\\b"));
    }

    @Test
    void plainTextIsOneDocumentAndTextLinesAreMany() throws IOException {
        Path plain = write("book.txt", "\uFEFFOne line.\r\n\nAnother 🙂.\n");
        Path lines = write("docs.jsonl", "{\"text\": \"one\"}\n{\"text\": \"two\"}\n");

        assertThat(read(plain))
                .containsExactly(
                        Example.document(plain.toString(), "One line.\r\n\nAnother 🙂.\n"));
        assertThat(read(lines))
                .containsExactly(
                        Example.document(lines + ":1", "one"),
                        Example.document(lines + ":2", "two"));
    }

    @Test
    void aPlainTextMayBeginWithABrace() throws IOException {
        Path file = write("code.txt", "int main() { }");
        assertThat(new ExampleFile(file, ExampleFormat.TEXT, Map.of()).readAll()).hasSize(1);
    }

    @Test
    void keysAndColumnsMayHaveOtherNames() throws IOException {
        Map<ExampleFormat.Field, String> names =
                Map.of(ExampleFormat.Field.TEXT, "question", ExampleFormat.Field.CODE, "sql");
        Path lines = write("pairs.jsonl", "{\"question\": \"vowels\", \"sql\": \"[aeiou]\"}");
        Path table = write("pairs.csv", "sql,question\n[aeiou],vowels\n");

        for (Path file : List.of(lines, table)) {
            assertThat(new ExampleFile(file, null, names).readAll().get(0).messages())
                    .containsExactly(USER, ANSWER);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "a.jsonl | {\"prompt\": \"vowels\", \"completion\": \"[aeiou]\"}",
                "b.csv   | 'prompt,completion\nvowels,[aeiou]'",
                "c.txt   | vowels",
            })
    void gzipIsKnownByItsFirstBytesWhateverTheName(String name, String content) throws IOException {
        List<Example> expected = read(write(name, content));
        Path named = compress(name + ".gz", content);
        Path unnamed = compress("compressed-" + name, content);

        for (Path file : List.of(named, unnamed)) {
            assertThat(read(file))
                    .extracting(Example::messages)
                    .isEqualTo(expected.stream().map(Example::messages).toList());
            assertThat(read(file))
                    .extracting(Example::plainText)
                    .isEqualTo(expected.stream().map(Example::plainText).toList());
        }
    }

    @Test
    void refusesDamagedGzip() throws IOException {
        Path file =
                compress(
                        "pairs.jsonl.gz",
                        "{\"prompt\": \"p\", \"completion\": \"c\"}\n".repeat(99));
        byte[] bytes = Files.readAllBytes(file);
        Files.write(file, Arrays.copyOf(bytes, bytes.length / 2));

        assertRefused(file, file + ": the gzip data are damaged or cut off", "copy the file again");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{\"question\": \"p\", \"answer\": \"c\"} | :1: the first example has the keys [question, answer] | promptField",
                "{\"prompt\": \"p\", \"completion\": \" \"} | :1: \"completion\" is empty | fill it in",
                "{\"prompt\": 3, \"completion\": \"c\"} | :1: \"prompt\" must be a string, but is 3 | string",
                "{\"instruction\": \"\", \"output\": \"c\"} | :1: \"instruction\" is empty | fill it in",
                "{\"instruction\": \"p\", \"input\": [], \"output\": \"c\"} | :1: \"input\" must be a string, but is an empty list | string",
                "{\"text\": \"p\", \"code\": \"\"} | :1: \"code\" is empty | fill it in",
                "{\"text\": \"\"} | :1: \"text\" is empty | fill it in",
                "{\"conversations\": []} | :1: \"conversations\" must be a list of turns, but is an empty list | human",
                "{\"conversations\": [{\"from\": \"narrator\", \"value\": \"p\"}]} | :1: \"conversations[0].from\" is \"narrator\" | must be one of [assistant",
                "{\"conversations\": [{\"from\": \"function_call\", \"value\": \"p\"}]} | :1: \"conversations[0].from\" | \"tool_calls\"",
                "{\"conversations\": [{\"from\": \"human\", \"value\": null}]} | :1: \"conversations[0].value\" must be a string, but is null | string",
                "{\"conversations\": [{\"from\": \"gpt\", \"value\": \"a\", \"weight\": 0}]} | :1: \"conversations[0].weight\" | \"train\": false",
                "{\"conversations\": [{\"from\": \"human\", \"value\": \"p\"}]} | :1: the last message is of the user | assistant's turn",
                "{\"messages\": [{\"role\": \"user\", \"content\": \"p\", \"train\": true}, {\"role\": \"assistant\", \"content\": \"c\"}]} | :1: \"messages[0].train\" is true | remove the key",
                "{\"messages\": [{\"role\": \"assistant\", \"content\": \"c\", \"train\": \"no\"}]} | :1: \"messages[0].train\" must be true or false | string",
                "{\"prompt\": \"p\", \"completion\": \"c\" | :1: the line ends before its JSON does | on one line",
                "[{\"prompt\": \"p\", \"completion\": \"c\"}, 3] | :1: each element of the array must be a JSON object | \"prompt\"",
                "[{\"prompt\": \"p\", \"completion\": \"c\"}] x | :1: not valid JSON | array",
                "[{\"prompt\": \"p\", \"completion\": \"c\"}] {} | :1: something follows the end of the array | one array",
            })
    void badJsonNamesTheLineTheKeyAndTheRemedy(String json, String fault, String remedy)
            throws IOException {
        Path file = write("bad.jsonl", json + "\n");
        assertRefused(file, file + fault, remedy);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "bad.csv | `a,b\n1,2\n` | :1: the columns are [a, b] | textField and codeField",
                "bad.csv | `text,code\nvowels,\n` | :2: Code (column \"code\") is empty | remove the record",
                "bad.csv | `text,code\nvowels\n` | :2: Code is column \"code\", but the record has 1 | delimiter",
                "bad.csv | `text,code\na,b,c\n` | :2: the record has 3 fields, the first of the file 2 | quotes",
                "bad.csv | `text,code\n` | : the file has no records | header",
                "bad.tsv | `text,code\na,b\n` | :1: the columns are [text,code] | textField",
                "bad.csv | `text,code,text\na,b,c\n` | : the header has column \"text\" twice | rename one",
                "bad.txt | ` \n` | : the file is empty | write the text",
                "bad.dat | `a b\n` | : is not JSON, and its name does not end in .csv | format",
                "bad.jsonl | `a b\n` | :1: not valid JSON | one JSON object",
                "bad.jsonl | `` | : the file is empty | write one example a line",
            })
    void badTablesAndTextsNameTheLineTheColumnAndTheRemedy(
            String name, String content, String fault, String remedy) throws IOException {
        Path file = write(name, content);
        assertRefused(file, file + fault, remedy);
    }

    @Test
    void aTextThatIsNotUtf8IsRefusedWithItsLine() throws IOException {
        Path file = folder.resolve("latin.txt");
        Files.write(file, "one\ntwo \u00e9\n".getBytes(StandardCharsets.ISO_8859_1));
        assertRefused(file, file + ":2: not UTF-8", "save the file as UTF-8");
    }

    @Test
    void refusesAFileThatIsNotThere() {
        assertRefused(
                folder.resolve("none.csv"), folder.resolve("none.csv") + ": ", "no such file");
    }

    @Test
    void aGivenFormatIsNotGuessed() throws IOException {
        Path file = write("pairs.jsonl", "{\"prompt\": \"p\", \"completion\": \"c\"}");
        assertThatThrownBy(() -> new ExampleFile(file, ExampleFormat.ALPACA, Map.of()).readAll())
                .isInstanceOf(JepaException.class)
                .hasMessageStartingWith(
                        file + ":1: \"instruction\" must be a string, but is missing");
    }

    @Test
    void aWeightRepeatsADataSetOrDrawsAPartOfIt() {
        List<Example> examples =
                IntStream.range(0, 10).mapToObj(i -> Example.document("doc:" + i, "text")).toList();

        assertThat(WeightedExamples.of(examples, 1, 7)).isEqualTo(examples);
        assertThat(WeightedExamples.of(examples, 2, 7)).hasSize(20);
        List<Example> half = WeightedExamples.of(examples, 0.5, 7);
        assertThat(half).hasSize(5).doesNotHaveDuplicates().isSubsetOf(examples);
        assertThat(half).isEqualTo(WeightedExamples.of(examples, 0.5, 7));
        assertThat(half).isNotEqualTo(WeightedExamples.of(examples, 0.5, 8));
        assertThat(WeightedExamples.of(examples, 1.5, 7)).hasSize(15).containsAll(examples);
        assertThat(WeightedExamples.of(examples, 0.001, 7)).hasSize(1);
    }

    private Path write(String name, String content) throws IOException {
        return Files.writeString(folder.resolve(name), content == null ? "" : content);
    }

    private Path compress(String name, String content) throws IOException {
        Path file = folder.resolve(name);
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
            out.write(content.getBytes(StandardCharsets.UTF_8));
        }
        return file;
    }

    private static List<Example> read(Path file) {
        return new ExampleFile(file).readAll();
    }

    private static void assertRefused(Path file, String start, String remedy) {
        assertThatThrownBy(() -> read(file))
                .isInstanceOf(JepaException.class)
                .hasMessageStartingWith(start)
                .hasMessageContaining(remedy);
    }
}
