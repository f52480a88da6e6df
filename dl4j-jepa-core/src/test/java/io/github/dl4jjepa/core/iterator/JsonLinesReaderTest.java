package io.github.dl4jjepa.core.iterator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.entry;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.Message;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class JsonLinesReaderTest {
    private static final String PAIR =
            "{\"messages\": [{\"role\": \"user\", \"content\": \"vowels\"},"
                    + " {\"role\": \"assistant\", \"content\": \"[aeiou]\"}]}";

    private Path file;

    @BeforeEach
    void nameTheFile(@TempDir Path folder) {
        file = folder.resolve("train.jsonl");
    }

    @Test
    void readsAConversationAndWhereItStands() throws IOException {
        write(
                """
                {"messages": [{"role": "system", "content": "Write a regex."}, \
                {"role": "user", "content": "vowels"}, {"role": "assistant", "content": "[aeiou]"}]}
                """);

        assertThat(read())
                .containsExactly(
                        Example.conversation(
                                file + ":1",
                                List.of(
                                        new Message("system", "Write a regex."),
                                        new Message("user", "vowels"),
                                        new Message("assistant", "[aeiou]"))));
    }

    @Test
    void passesOverBlankLinesAndCountsThem() throws IOException {
        write("\n" + PAIR + "\r\n \t\n" + PAIR);

        assertThat(read()).extracting(Example::source).containsExactly(file + ":2", file + ":4");
    }

    @Test
    void readsViewsThatAreStrings() throws IOException {
        write(withViews("\"ends in a\"", "\".*a\""));

        assertThat(read().get(0).views()).containsExactly("ends in a", ".*a");
    }

    @Test
    void readsViewsThatAreMessages() throws IOException {
        write(
                withViews(
                        "[{\"role\": \"user\", \"content\": \"one\"},"
                                + " {\"role\": \"user\", \"content\": \"two\"}]",
                        "[{\"role\": \"assistant\", \"content\": \"three\"}]"));

        assertThat(read().get(0).views()).containsExactly("one\ntwo", "three");
    }

    @Test
    void viewsThatAreNullAreNotThere() throws IOException {
        write(withViews("null", "null"));

        assertThat(read().get(0).views()).isEmpty();
    }

    @Test
    void ignoresOtherKeys() throws IOException {
        write(PAIR.replace("{\"messages\"", "{\"id\": 3, \"messages\""));

        assertThat(read()).hasSize(1);
    }

    @Test
    void keepsTheOtherFieldsOfMessages() throws IOException {
        write(
                """
                {"messages": [{"role": "user", "content": "vowels", "name": "Zoe", "weight": null}, \
                {"role": "assistant", "content": null, "tool_calls": [{"id": 1, "deep": {"x": [true, 1.5]}}]}, \
                {"role": "assistant", "content": "[aeiou]", "reasoning_content": "five"}]}
                """);

        List<Message> messages = read().get(0).messages();
        assertThat(messages.get(0).fields()).containsOnly(entry("name", "Zoe"));
        assertThat(messages.get(1).content()).isEmpty();
        assertThat(messages.get(1).fields())
                .containsOnly(
                        entry(
                                "tool_calls",
                                List.of(Map.of("id", 1, "deep", Map.of("x", List.of(true, 1.5))))),
                        entry("content", null));
        assertThat(messages.get(2).fields()).containsOnly(entry("reasoning_content", "five"));
    }

    @Test
    void readsToolsDocumentsAndTemplateArguments() throws IOException {
        write(
                PAIR.replace(
                        "{\"messages\"",
                        "{\"tools\": [{\"name\": \"f\"}], \"documents\": null,"
                                + " \"chat_template_kwargs\": {\"enable_thinking\": false}, \"messages\""));

        assertThat(read().get(0).arguments())
                .containsOnly(
                        entry("tools", List.of(Map.of("name", "f"))),
                        entry("enable_thinking", false));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"tools\": \"f\"|\"tools\" must be a list, but is a string",
                "\"chat_template_kwargs\": []|\"chat_template_kwargs\" must be an object"
            })
    void refusesArgumentsOfTheWrongKind(String key, String reason) throws IOException {
        write(PAIR.replace("{\"messages\"", "{" + key + ", \"messages\""));

        assertThatThrownBy(this::read).hasMessageContaining(file + ":1: " + reason);
    }

    @Test
    void refusesFieldsOfAViewsMessages() throws IOException {
        write(
                withViews(
                        "[{\"role\": \"user\", \"content\": \"one\", \"name\": \"Zoe\"}]",
                        "\"two\""));

        assertThatThrownBy(this::read)
                .hasMessageContaining(file + ":1: \"text\" is a view")
                .hasMessageContaining("remove [name]");
    }

    @Test
    void readsUtf8AndAcceptsAByteOrderMark() throws IOException {
        write(
                "\uFEFF"
                        + PAIR.replace(
                                "vowels", "Gr\u00FC\u00DFe \u65E5\u672C \uD83D\uDE00 \u2028"));

        assertThat(read().get(0).messages().get(0).content())
                .isEqualTo("Gr\u00FC\u00DFe \u65E5\u672C \uD83D\uDE00 \u2028");
    }

    /** What exceeds a limit of the parser has no place in the line. */
    @Test
    void namesTheLineThatIsNestedTooDeeply() throws IOException {
        write(PAIR + "\n" + "[".repeat(2000) + "]".repeat(2000));

        assertThatThrownBy(this::read)
                .isInstanceOf(JepaException.class)
                .hasMessageStartingWith(file + ":2: not valid JSON: Document nesting depth");
    }

    @Test
    void keepsLineBreaksInsideOfStrings() throws IOException {
        write(PAIR.replace("vowels", " a\\r\\nb\\u0085 "));

        assertThat(read().get(0).messages().get(0).content()).isEqualTo(" a\r\nb\u0085 ");
    }

    @Test
    void namesTheLineThatIsNotUtf8() throws IOException {
        byte[] latin1 = PAIR.replace("vowels", "\u00FC").getBytes(StandardCharsets.ISO_8859_1);
        Files.writeString(file, PAIR + "\n" + PAIR + "\n");
        Files.write(file, latin1, java.nio.file.StandardOpenOption.APPEND);

        assertRefused(file + ":3: not UTF-8; save the file as UTF-8");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
        {"messages": [                                        | the line ends before its JSON does
        {"messages": [x]}                                     | :2: not valid JSON at column 15
        {"messages": []} {}                                   | :2: not valid JSON at column
        {"messages": [], "messages": []}                      | Duplicate field 'messages'
        [1, 2]                                                | must be one JSON object
        {"prompt": "a", "completion": "b"}                    | "messages" must be a list of messages, but is missing
        {"messages": []}                                      | but is an empty list
        {"messages": "hello"}                                 | but is a string
        {"messages": ["hello"]}                               | "messages[0].role" must be a string, but is missing
        {"messages": [{"role": "user"}]}                      | "messages[0].content" must be a string, but is missing
        {"messages": [{"role": "user", "content": null}]}     | "messages[0].content" must be a string, but is null
        {"messages": [{"role": "user", "content": 12}]}       | "messages[0].content" must be a string, but is 12
        {"messages": [{"role": "user", "content": [{}]}]}     | "messages[0].content" must be a string, but is a list
        {"messages": [{"role": 1, "content": "a"}]}           | "messages[0].role" must be a string, but is 1
        {"messages": [{"role": "user", "content": "a"}]}      | end the conversation with the assistant's turn
        {"messages": [{"role": "assistant", "content": " "}]} | the assistant's turn is empty
        {"messages": [{"role": "user", "content": "\\ud800"}]} | half a surrogate pair
        """)
    void namesTheLineAndWhatIsWrongWithIt(String line, String message) throws IOException {
        write(PAIR + "\n" + line + "\n" + PAIR);

        assertThatThrownBy(this::read)
                .isInstanceOf(JepaException.class)
                .hasMessageStartingWith(file + ":2: ")
                .hasMessageContaining(message);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    "a"     | null    | only one of "text" and "code" is there
                    null    | "b"     | only one of "text" and "code" is there
                    " "     | "b"     | "text" is empty
                    "a"     | 3       | "code" must be a string, but is 3
                    "a"     | []      | "code" must be a list of messages, but is an empty list
                    "a"     | ["b"]   | "code[0].role" must be a string
                    """)
    void refusesViewsThatAreNoText(String text, String code, String message) throws IOException {
        write(withViews(text, code));

        assertThatThrownBy(this::read)
                .isInstanceOf(JepaException.class)
                .hasMessageStartingWith(file + ":1: ")
                .hasMessageContaining(message);
    }

    @Test
    void listsEveryFaultAndKeepsTheGoodExamples() throws IOException {
        write(PAIR + "\nnonsense\n" + PAIR + "\n{}\n");
        List<Example> examples = new ArrayList<>();
        List<JepaException> faults = new ArrayList<>();

        new JsonLinesReader(file).read(examples::add, faults::add);

        assertThat(examples).extracting(Example::source).containsExactly(file + ":1", file + ":3");
        assertThat(faults)
                .extracting(Throwable::getMessage)
                .satisfiesExactly(
                        first -> assertThat(first).startsWith(file + ":2: "),
                        second -> assertThat(second).startsWith(file + ":4: "));
    }

    @Test
    void oneMessageListsSeveralFaults() throws IOException {
        write("nonsense\n" + PAIR + "\n{}\n");

        assertThatThrownBy(this::read)
                .isInstanceOf(JepaException.class)
                .hasMessageStartingWith("2 examples cannot be used:\n  " + file + ":1: ")
                .hasMessageContaining("\n  " + file + ":3: ");
    }

    @Test
    void stopsAtTheTenthFault() throws IOException {
        write("{}\n".repeat(1000));

        assertThatThrownBy(this::read)
                .isInstanceOf(JepaException.class)
                .hasMessageStartingWith("10 examples cannot be used, and there may be more")
                .hasMessageContaining(file + ":10: ")
                .hasMessageNotContaining(file + ":11: ");
    }

    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '`',
            value = {"``", "`\n \n`", "`\uFEFF`"})
    void refusesAFileWithoutExamples(String content) throws IOException {
        write(content);

        assertThatThrownBy(this::read)
                .isInstanceOf(JepaException.class)
                .hasMessageStartingWith(file + ": the file is empty; write one example a line");
    }

    @Test
    void refusesAFileThatIsNotThere() {
        assertRefused(file + ": there is no such file");
    }

    @Test
    void refusesAFolder() throws IOException {
        Files.createDirectory(file);

        assertThatThrownBy(this::read)
                .isInstanceOf(JepaException.class)
                .hasMessageStartingWith(file + ": cannot be read");
    }

    @Test
    void readsAgainFromTheStart() throws IOException {
        write(PAIR + "\n" + PAIR);
        JsonLinesReader reader = new JsonLinesReader(file);

        assertThat(reader.readAll()).isEqualTo(reader.readAll()).hasSize(2);
    }

    @Test
    void readsManyLines() throws IOException {
        try (BufferedWriter writer = Files.newBufferedWriter(file)) {
            for (int i = 0; i < 20_000; i++) {
                writer.write(PAIR.replace("vowels", "vowels " + i));
                writer.newLine();
            }
        }

        List<Example> examples = read();

        assertThat(examples).hasSize(20_000);
        assertThat(examples.get(19_999).source()).isEqualTo(file + ":20000");
        assertThat(examples.get(19_999).messages().get(0).content()).isEqualTo("vowels 19999");
    }

    private static String withViews(String text, String code) {
        String views = "{\"text\": " + text + ", \"code\": " + code + ", ";
        return views + PAIR.substring(1);
    }

    private void write(String content) throws IOException {
        Files.writeString(file, content);
    }

    private List<Example> read() {
        return new JsonLinesReader(file).readAll();
    }

    private void assertRefused(String message) {
        assertThatThrownBy(this::read).isInstanceOf(JepaException.class).hasMessage(message);
    }
}
