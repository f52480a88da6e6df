package io.github.dl4jjepa.models.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.Message;
import io.github.dl4jjepa.core.view.TokenSpan;
import io.github.dl4jjepa.core.view.TokenizedExample;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ChatExampleEncoderTest {
    private static final Path FOLDER = Fixtures.tokenizer("nlrx-bpe-1k");
    private static final Message SYSTEM = new Message("system", "translate");
    private static final Message USER = new Message("user", "lines with a vowel");
    private static final Message ANSWER = new Message("assistant", ".*[aeiou].*");

    private static ModelTokenizer tokenizer;
    private static ChatExampleEncoder encoder;

    @BeforeAll
    @SuppressWarnings("MustBeClosed") // by close()
    static void open() {
        tokenizer = ModelTokenizer.open(FOLDER);
        encoder = new ChatExampleEncoder(tokenizer, ChatTemplate.open(FOLDER), 200);
    }

    @AfterAll
    static void close() {
        tokenizer.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"nlrx-bpe-1k", "nlrx-spm-600-llama2", "nlrx-spm-600-metaspace"})
    void labelsTheAnswerAndItsEndOfTurn(String name) {
        Path folder = Fixtures.tokenizer(name);
        JsonNode conversations = Fixtures.json(folder.resolve("golden.json")).path("conversations");
        try (ModelTokenizer own = ModelTokenizer.open(folder)) {
            compare(
                    new ChatExampleEncoder(own, ChatTemplate.open(folder), 500),
                    own,
                    conversations);
        }
    }

    @Test
    void labelsTheAnswerAndItsEndOfTurnWithTheTokenizerOfSmolLm2() {
        JsonNode golden = Fixtures.json(Fixtures.shared("fixtures/tokenizer/smollm2/golden.json"));
        Path folder = Fixtures.smolLm2();
        try (ModelTokenizer own = ModelTokenizer.open(folder)) {
            ChatExampleEncoder ours = new ChatExampleEncoder(own, ChatTemplate.open(folder), 500);
            compare(ours, own, golden.path("conversations"));
            assertThat(ours.endOfTurnId()).isEqualTo(2);
            assertThat(ours.padId()).isZero();
        }
    }

    private static void compare(
            ChatExampleEncoder encoder, ModelTokenizer tokenizer, JsonNode conversations) {
        assertThat(conversations).isNotEmpty();
        for (JsonNode golden : conversations) {
            List<Message> messages = Fixtures.messages(golden.path("messages"));
            TokenizedExample encoded = encoder.encode(Example.conversation("test:1", messages));
            assertThat(encoded.ids()).isEqualTo(Fixtures.ints(golden.path("ids")));
            assertThat(encoded.labels())
                    .containsExactly(
                            new TokenSpan(
                                    golden.path("first_label").intValue(),
                                    golden.path("end_label").intValue()));
            assertThat(encoded.views()).hasSize(2);
            for (int view = 0; view < 2; view++) {
                String content = messages.get(messages.size() - 2 + view).content();
                assertThat(tokenizer.decode(encoded.views().get(view).ids(), false).strip())
                        .isEqualTo(content);
            }
        }
    }

    @Test
    void viewsAreTheLastUserTurnAndTheAnswerWithoutItsEnd() {
        TokenizedExample encoded = encode(USER, new Message("assistant", "x"), USER, ANSWER);
        assertThat(decoded(encoded.views().get(0).ids())).isEqualTo(USER.content());
        assertThat(decoded(encoded.views().get(1).ids())).isEqualTo(ANSWER.content());
        int[] labels =
                Arrays.copyOfRange(
                        encoded.ids(),
                        encoded.labels().get(0).start(),
                        encoded.labels().get(0).end());
        assertThat(decoded(labels)).isEqualTo(ANSWER.content() + "<|im_end|>");
    }

    @Test
    void tokenizesNamedViewsAlone() {
        TokenizedExample encoded =
                encoder.encode(
                        new Example("test:1", List.of(SYSTEM, ANSWER), List.of("one", "🙂 two")));
        assertThat(encoded.views().stream().map(view -> decoded(view.ids())))
                .containsExactly("one", "🙂 two");
    }

    @Test
    void encodesAPromptUpToTheAnswer() {
        int[] prompt = encoder.encodePrompt(List.of(SYSTEM, USER));
        int[] row = encode(SYSTEM, USER, ANSWER).ids();
        assertThat(prompt).isEqualTo(Arrays.copyOf(row, prompt.length));
        assertThat(decoded(prompt)).endsWith("<|im_start|>assistant\n");
    }

    @Test
    void knowsTheEndOfTurnAndPadsWithAnotherToken() {
        assertThat(encoder.endOfTurnId()).isEqualTo(2);
        assertThat(encoder.padId()).isZero();
    }

    @Test
    void refusesAConversationWithoutAnAnswer() {
        assertRefused("no assistant turn", USER);
        assertRefused("no assistant turn", USER, ANSWER, USER);
        assertRefused("no assistant turn");
    }

    @Test
    void refusesAConversationWithoutAUserTurn() {
        assertRefused("no user turn", SYSTEM, ANSWER);
    }

    @Test
    void refusesAnEmptyTurn() {
        assertRefused("turn 2, the assistant's, is empty", USER, new Message("assistant", ""));
        assertRefused("turn 1, the user's, is empty", new Message("user", ""), ANSWER);
    }

    @Test
    void refusesAnEmptyView() {
        Example example = new Example("test:1", List.of(USER, ANSWER), List.of("one", ""));
        assertThatThrownBy(() -> encoder.encode(example))
                .hasMessageStartingWith("test:1: view 2 is empty");
    }

    @Test
    void refusesTextThatSpellsASpecialToken() {
        assertRefused(
                "the user's turn contains the text <|im_end|>",
                new Message("user", "stop<|im_end|>"),
                ANSWER);
        assertRefused(
                "the assistant's turn contains the text <|im_start|>",
                USER,
                new Message("assistant", "<|im_start|>"));
        assertThatThrownBy(() -> encoder.encodePrompt(List.of(new Message("user", "<|im_end|>"))))
                .isInstanceOf(JepaException.class);
    }

    @Test
    void refusesARowThatIsTooLong() {
        assertRefused(
                "tokens, more than the maximum 200; raise maxLength, cut such rows"
                        + " (truncate), or drop the example",
                new Message("user", "1".repeat(300)),
                ANSWER);
    }

    @Test
    void refusesATemplateThatDoesNotEndTheAnswer() {
        String source = "{% for m in messages %}{{ m.content }}\n{% endfor %}";
        ChatTemplate template = ChatTemplate.compile("loose", source, Map.of());
        ChatExampleEncoder loose = new ChatExampleEncoder(tokenizer, template, 200);
        assertThatThrownBy(
                        () -> loose.encode(Example.conversation("test:7", List.of(USER, ANSWER))))
                .isInstanceOf(JepaException.class)
                .hasMessageStartingWith("test:7: the chat template writes no token")
                .hasMessageContaining("but '\\n'");
    }

    @Test
    void refusesASystemTurnThatTheTemplateLeavesOut() {
        String source =
                "{% for m in messages %}{% if m.role != 'system' %}{{ m.content }}<|im_end|>"
                        + "{% endif %}{% endfor %}";
        ChatTemplate template = ChatTemplate.compile("forgetful", source, Map.of());
        ChatExampleEncoder forgetful = new ChatExampleEncoder(tokenizer, template, 200);
        Message system = new Message(Message.SYSTEM, "be brief");
        assertThatThrownBy(
                        () ->
                                forgetful.encode(
                                        Example.conversation(
                                                "test:7", List.of(system, USER, ANSWER))))
                .isInstanceOf(JepaException.class)
                .hasMessageStartingWith("test:7: forgetful: turn 1, the system's")
                .hasMessageContaining("not at all");
    }

    @Test
    void namesTheExampleThatATemplateRefuses() {
        ChatTemplate template =
                ChatTemplate.compile("strict", "{{ raise_exception('never') }}", Map.of());
        ChatExampleEncoder strict = new ChatExampleEncoder(tokenizer, template, 200);
        assertThatThrownBy(
                        () -> strict.encode(Example.conversation("test:7", List.of(USER, ANSWER))))
                .isInstanceOf(JepaException.class)
                .hasMessage("test:7: strict: the template refuses the conversation: never");
    }

    private static TokenizedExample encode(Message... messages) {
        return encoder.encode(Example.conversation("test:1", List.of(messages)));
    }

    private static void assertRefused(String reason, Message... messages) {
        assertThatThrownBy(() -> encode(messages))
                .isInstanceOf(JepaException.class)
                .hasMessageStartingWith("test:1: ")
                .hasMessageContaining(reason);
    }

    private static String decoded(int[] ids) {
        return tokenizer.decode(ids, false);
    }
}
