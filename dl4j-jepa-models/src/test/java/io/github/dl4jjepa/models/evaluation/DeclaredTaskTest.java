package io.github.dl4jjepa.models.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.Message;
import io.github.dl4jjepa.models.chat.ChatModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DeclaredTaskTest {
    @TempDir private Path folder;

    /** A task with the keys that are required, and others in single quotes. */
    private static Task task(String more) {
        return declared(
                "'name':'capitals','prompt':'Capital of {country}?','answer':'{capital}'" + more);
    }

    private static Task declared(String keys) {
        try {
            return Tasks.declared(
                    "task.json",
                    new ObjectMapper().readTree(("{" + keys + "}").replace('\'', '"')));
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(e);
        }
    }

    private Path data(String... lines) throws IOException {
        return Files.writeString(folder.resolve("data.jsonl"), String.join("\n", lines) + "\n");
    }

    @Test
    void makesConversationsAndViewsOfFields() throws IOException {
        Task task =
                task(
                        ",'system':'One word. {{}}','text':'{country}','code':'{capital}, {n}',"
                                + "'scorer':'exact'");
        List<Example> examples =
                task.examples(data("{\"country\":\"Perú\",\"capital\":\"Lima\",\"n\":10,\"x\":[]}"))
                        .readAll();
        assertThat(examples)
                .containsExactly(
                        new Example(
                                folder.resolve("data.jsonl") + ":1",
                                List.of(
                                        new Message(Message.SYSTEM, "One word. {}"),
                                        new Message(Message.USER, "Capital of Perú?"),
                                        new Message(Message.ASSISTANT, "Lima")),
                                List.of("Perú", "Lima, 10")));
    }

    @Test
    void namesTheLineThatLacksAField() throws IOException {
        Path data =
                data(
                        "{\"country\":\"Peru\",\"capital\":\"Lima\"}",
                        "{\"country\":\"Chile\"}",
                        "[]");
        Task task = task(",'scorer':'exact'");
        assertThatThrownBy(() -> task.examples(data).readAll())
                .isInstanceOf(JepaException.class)
                .hasMessageContaining(
                        data
                                + ":2: the field \"capital\" must be a string or a number, but is missing")
                .hasMessageContaining(data + ":3: each line must be one JSON object");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    'scorer':'exact','sytem':'x'             | there is no key "sytem"; the keys are answer, choices, code
                    'scorer':'accuracy'                      | there is no scorer "accuracy"; the scorers are exact, starts_with
                    'stop':'x'                               | "scorer" is missing
                    'scorer':'exact','stop':['']             | "stop" must not contain the empty string
                    'scorer':'exact','stop':[1]              | "stop" must be a list of strings, but has 1
                    'scorer':'exact','text':'x'              | only one of "text" and "code" is there
                    'scorer':'exact','system':'a { b'        | system: a brace is not closed
                    'scorer':'exact','system':'a } b'        | system: write {{ or }} for a brace
                    'scorer':'exact','system':'a {} b'       | system: a field has no name
                    'scorer':'exact','system':3              | "system" must be a string, but is 3
                    'scorer':'exact','max_new_tokens':-1     | "max_new_tokens" must be a whole number
                    'scorer':'exact','max_new_tokens':0      | with "max_new_tokens" 0 the only scorer is likelihood
                    'scorer':'exact','choices':['a','b']     | "choices" have no effect without the scorer likelihood
                    'scorer':'likelihood'                    | the scorer likelihood needs two "choices" or more
                    'scorer':['exact','words']               | the scorers exact and words have metrics of the same name
                    """)
    void aDeclarationWithAFaultIsRefused(String keys, String message) {
        assertThatThrownBy(() -> task("," + keys))
                .isInstanceOf(JepaException.class)
                .hasMessageStartingWith("task.json: " + message);
    }

    @Test
    void aDeclarationWithoutAPromptIsRefused() {
        assertThatThrownBy(() -> declared("'name':'x','answer':'{a}','scorer':'exact'"))
                .hasMessage("task.json: \"prompt\" must be a string, but is missing");
    }

    @Test
    void eachScorerHasItsMetrics() {
        assertThat(
                        Examples.judge(
                                        task(
                                                ",'scorer':['exact','starts_with','contains','number']"),
                                        "1,000",
                                        "1,000.00 of 1000")
                                .facts())
                .isEqualTo(
                        Map.of(
                                "exact_match", false,
                                "starts_with", true,
                                "contains", true,
                                "number_match", true,
                                "stopped", true));
        assertThat(Examples.judge(task(",'scorer':'words'"), "Lima; Cusco", "the cusco").facts())
                .containsEntry("exact_match", true)
                .containsEntry("gold_in_answer", true);
    }

    @Test
    void likelihoodComparesTheChoicesWithoutGeneratingIfToldSo() {
        Task task = task(",'scorer':'likelihood','max_new_tokens':0,'choices':['Lima','La Paz']");
        Example example = Examples.of("Capital of Peru?", "Lima");
        List<ChatModel.Likelihood> likelihoods =
                List.of(new ChatModel.Likelihood(-2, 1, 0), new ChatModel.Likelihood(-3, 2, 0));
        assertThat(task.maxNewTokens()).isZero();
        assertThat(task.candidates(example).stream().map(Answers::gold))
                .containsExactly("Lima", "La Paz");
        assertThat(task.judge(example, new Task.Outcome("", false, likelihoods)).facts())
                .isEqualTo(Map.of("likelihood_match", true, "likelihood_per_token_match", false));
    }

    @Test
    void aRightAnswerThatIsNoChoiceIsRefused() {
        Task task = task(",'scorer':'likelihood','choices':['Lima','La Paz']");
        assertThatThrownBy(() -> task.check(Examples.of("Capital of Chile?", "Santiago")))
                .hasMessageStartingWith(
                        "test.jsonl:1: the right answer \"Santiago\" is not one of the choices");
    }
}
