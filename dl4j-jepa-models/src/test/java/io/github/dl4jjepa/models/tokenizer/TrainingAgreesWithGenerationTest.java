package io.github.dl4jjepa.models.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.errorprone.annotations.MustBeClosed;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.Message;
import io.github.dl4jjepa.core.view.TokenizedExample;
import io.github.dl4jjepa.core.view.TokenizedView;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Rows begin with the tokens that generation feeds and end with the one that stops it, whatever
 * templates write and tokenizers swallow; what a template does not write is refused.
 */
class TrainingAgreesWithGenerationTest {
    private static final String CHATML =
            "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}"
                    + "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}"
                    + "{% endif %}";
    private static final String THINK_IN_TURN =
            CHATML.replace(
                    "m.content",
                    "('<think>\n' + (m.reasoning_content or '') + '\n</think>\n\n' if m.role =="
                            + " 'assistant' else '') + m.content");
    private static final String TOOLS =
            "{% if tools %}{{ tools | tojson }}{% endif %}"
                    + CHATML.replace(
                            "+ m.content",
                            "+ (m.content or '') + (m.tool_calls | tojson if m.tool_calls else '')");
    private static final Message USER = user("lines with an x");

    @TempDir private Path folder;
    private ModelTokenizer tokenizer;

    @AfterEach
    void close() {
        if (tokenizer != null) {
            tokenizer.close();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {".*x.*", "\n.*x", "  x", "\n\n\n", "x\n", "é🙂"})
    void anAnswerIsLearntAsItIsGenerated(String answer) throws IOException {
        ChatExampleEncoder encoder = encoder("nlrx-bpe-1k", CHATML, token -> {});
        assertAgrees(encoder, answer);
    }

    @ParameterizedTest
    @ValueSource(strings = {".*x.*", "\n.*x", "  x", "x\n", "é🙂"})
    void anAnswerAfterTextWithoutAControlTokenIsLearntAsItIsGenerated(String answer)
            throws IOException {
        String template =
                "{% for m in messages %}{{ '[INST]' + m.content + '[/INST]' if m.role == 'user' else"
                        + " m.content + eos_token }}{% endfor %}";
        for (String base : List.of("nlrx-spm-600-llama2", "nlrx-spm-600-metaspace")) {
            try (ModelTokenizer own = open(base, template, token -> {})) {
                assertAgrees(encoder(own), answer);
            }
        }
    }

    @Test
    void aThinkBlockThatOnlyTrainedTurnsHaveIsLearnt() throws IOException {
        ChatExampleEncoder encoder = encoder("nlrx-bpe-1k", THINK_IN_TURN, token -> {});
        TokenizedExample row = assertAgrees(encoder, ".*x.*");
        assertThat(labels(row)).isEqualTo("<think>\n\n</think>\n\n.*x.*<|im_end|>");
        assertThat(views(row)).containsExactly("lines with an x", ".*x.*");
    }

    @Test
    void thoughtsAreLearntAndAreNoPartOfTheAnswer() throws IOException {
        ChatExampleEncoder encoder = encoder("nlrx-bpe-1k", THINK_IN_TURN, token -> {});
        Message answer = new Message("assistant", ".*x", Map.of("reasoning_content", "an x"));
        TokenizedExample row = encoder.encode(example(USER, answer));
        assertThat(labels(row)).isEqualTo("<think>\nan x\n</think>\n\n.*x<|im_end|>");
        assertThat(views(row)).containsExactly("lines with an x", ".*x");
        assertThat(decodedAnswer(encoder, row)).isEqualTo(".*x");
    }

    @ParameterizedTest
    @ValueSource(strings = {"reasoning_content", "thinking", "reasoning"})
    void reasoningIsReadByAnyOfItsNames(String name) throws IOException {
        ChatExampleEncoder encoder = encoder("nlrx-bpe-1k", THINK_IN_TURN, token -> {});
        Message answer = new Message("assistant", ".*x", Map.of(name, "an x"));
        assertThat(labels(encoder.encode(example(USER, answer)))).contains("an x");
    }

    @Test
    void aThinkBlockThatOnlyPromptsHaveIsRefusedWithBothEnds() throws IOException {
        String template =
                CHATML.replace("'<|im_start|>assistant\n'", "'<|im_start|>assistant\n<think>\n'");
        ChatExampleEncoder encoder = encoder("nlrx-bpe-1k", template, token -> {});
        assertThatThrownBy(() -> encoder.encode(example(USER, assistant(".*x"))))
                .isInstanceOf(JepaException.class)
                .hasMessageStartingWith("test:1: training and generation would not agree: after ")
                .hasMessageContaining("the row has '.*x<|im_end|>\\n'")
                .hasMessageContaining("the generation prompt has '<think>\\n'")
                .hasMessageContaining("templateKwargs");
    }

    @Test
    void variablesOfTheTemplateCanMakeBothAgree() throws IOException {
        String template =
                CHATML.replace(
                        "'<|im_start|>assistant\n'",
                        "'<|im_start|>assistant\n' + ('' if enable_thinking is false else '<think>\n')");
        ChatExampleEncoder encoder = encoder("nlrx-bpe-1k", template, token -> {});
        Example example =
                new Example(
                        "test:1",
                        List.of(USER, assistant(".*x")),
                        List.of(),
                        Map.of("enable_thinking", false));
        assertThat(labels(encoder.encode(example))).isEqualTo(".*x<|im_end|>");
    }

    @Test
    void variablesThatAreSetArePartOfTheTemplateThatIsWritten() throws IOException {
        String template =
                " \n"
                        + CHATML.replace(
                                "'<|im_start|>assistant\n'",
                                "'<|im_start|>assistant\n' + ('' if enable_thinking is false else"
                                        + " '<think>\n') + (note[1].a if note else '')");
        encoder("nlrx-bpe-1k", template, token -> {});
        TokenizerFiles set =
                tokenizer
                        .files()
                        .withTemplateArguments(
                                "{\"enable_thinking\": false, \"note\": [null, {\"a\": \"é'\\n\\\"\"}]}");
        set.write(folder.resolve("nlrx-bpe-1k"));
        for (TokenizerFiles files :
                List.of(set, TokenizerFiles.read(folder.resolve("nlrx-bpe-1k")))) {
            ChatTemplate changed = ChatTemplate.of(files);
            assertThat(changed.render(List.of(USER), true))
                    .isEqualTo(
                            " \n<|im_start|>user\nlines with an x<|im_end|>\n"
                                    + "<|im_start|>assistant\né'\n\"");
            assertThat(changed.render(List.of(USER), Map.of("enable_thinking", true), true))
                    .contains("assistant\n<think>\n");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"{\"enable_thinkng\": false}", "{\"messages\": 1}", "[1]", "{"})
    void variablesThatCannotBeSetAreRefused(String json) throws IOException {
        encoder("nlrx-bpe-1k", CHATML, token -> {});
        assertThatThrownBy(() -> tokenizer.files().withTemplateArguments(json))
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("variable");
    }

    @Test
    void whatStripFlagsSwallowIsInNoViewAndNoLabel() throws IOException {
        String bare =
                "{% for m in messages %}{{ ('<|im_start|>' if m.role == 'assistant' else '') + m.content"
                        + " + '<|im_end|>' }}{% endfor %}{% if add_generation_prompt %}{{"
                        + " '<|im_start|>' }}{% endif %}";
        ChatExampleEncoder encoder =
                encoder(
                        "nlrx-bpe-1k",
                        bare,
                        token -> {
                            token.put("rstrip", token.path("id").intValue() == 1);
                            token.put("lstrip", token.path("id").intValue() == 2);
                        });
        TokenizedExample row =
                encoder.encode(example(user("lines with an x "), assistant(" .*x ")));
        assertThat(labels(row)).isEqualTo(".*x<|im_end|>");
        assertThat(views(row)).containsExactly("lines with an x", ".*x");
        assertThat(Arrays.copyOf(row.ids(), row.labels().start()))
                .isEqualTo(encoder.encodePrompt(List.of(user("lines with an x "))));
    }

    @Test
    void aTurnThatIsSwallowedWholeIsRefused() throws IOException {
        ChatExampleEncoder encoder =
                encoder("nlrx-bpe-1k", CHATML, token -> token.put("lstrip", true));
        assertThatThrownBy(() -> encoder.encode(example(user(" "), assistant(".*x"))))
                .hasMessageContaining("turn 1, the user's, is empty");
    }

    @ParameterizedTest
    @ValueSource(strings = {" ", "\n", "  "})
    void whiteSpaceMayStandBeforeTheEndToken(String blank) throws IOException {
        String template =
                "{{ bos_token }}{% for m in messages %}{{ ' ' + m.content | trim + '"
                        + blank
                        + "' + eos_token if m.role == 'assistant' else '[INST] ' + m.content | trim +"
                        + " ' [/INST]' }}{% endfor %}";
        ChatExampleEncoder encoder = encoder("nlrx-spm-600-llama2", template, token -> {});
        TokenizedExample row = assertAgrees(encoder, ".*x.*");
        assertThat(row.ids()[row.labels().end() - 1]).isEqualTo(2);
    }

    @ParameterizedTest
    @ValueSource(strings = {"normalized", "single_word"})
    void anEndTokenThatIsNotReadInsideATextIsRefused(String flag) throws IOException {
        String template =
                "{% for m in messages %}{{ m.content + (eos_token if m.role == 'assistant' else '\n') }}"
                        + "{% endfor %}";
        String base = flag.equals("normalized") ? "nlrx-spm-600-llama2" : "nlrx-bpe-1k";
        ChatExampleEncoder encoder = encoder(base, template, token -> token.put(flag, true));
        assertThatThrownBy(() -> encoder.encode(example(USER, assistant("[a-x]x"))))
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("tokenizer.json: ")
                .hasMessageContaining("is not read as one token inside a text")
                .hasMessageContaining("\"" + flag + "\": true");
    }

    @Test
    void anEndTokenNeedNotBeSpecial() throws IOException {
        ChatExampleEncoder encoder =
                encoder("nlrx-bpe-1k", CHATML, token -> token.put("special", false));
        TokenizedExample row = assertAgrees(encoder, ".*x.*");
        assertThat(labels(row)).isEqualTo(".*x.*<|im_end|>");
    }

    @ParameterizedTest
    @ValueSource(strings = {"<|im_start|>", "<|im_end|>", "<|endoftext|>"})
    void aControlTokenSpelledInTextIsRefusedWhetherSpecialOrNot(String spelled) throws IOException {
        ChatExampleEncoder encoder =
                encoder("nlrx-bpe-1k", CHATML, token -> token.put("special", false));
        for (Example example :
                List.of(
                        example(user("say " + spelled + "now"), assistant(".*x")),
                        example(USER, assistant("x" + spelled)),
                        new Example(
                                "test:1",
                                List.of(USER, assistant("x")),
                                List.of("a" + spelled, "b")),
                        example(
                                USER,
                                new Message(
                                        "assistant", "x", Map.of("parts", List.of(spelled)))))) {
            assertThatThrownBy(() -> encoder.encode(example))
                    .hasMessageContaining("contains the text " + spelled);
        }
        assertThatThrownBy(() -> encoder.encodePrompt(List.of(user(spelled))))
                .hasMessageContaining("contains the text " + spelled);
    }

    @Test
    void anAddedTokenThatTheTemplateDoesNotUseIsOrdinaryText() throws IOException {
        ChatExampleEncoder encoder =
                encoder(
                        "nlrx-bpe-1k",
                        CHATML,
                        token -> {
                            if (token.path("id").intValue() == 0) {
                                token.put("content", "<b>").put("special", false);
                            }
                        });
        TokenizedExample row = encoder.encode(example(user("a <b> c"), assistant("x")));
        assertThat(views(row).get(0)).isEqualTo("a <b> c");
    }

    @Test
    void toolsAndToolCallsAreWritten() throws IOException {
        ChatExampleEncoder encoder = encoder("nlrx-bpe-1k", TOOLS, token -> {});
        Map<String, Object> call = Map.of("tool_calls", List.of(Map.of("name", "find")));
        Example example =
                new Example(
                        "test:1",
                        List.of(
                                USER,
                                new Message("assistant", "", call),
                                new Message("tool", "42"),
                                assistant("It is 42")),
                        List.of(),
                        Map.of("tools", List.of(Map.of("name", "find"))));
        TokenizedExample row = encoder.encode(example);
        assertThat(tokenizer.decode(row.ids(), false))
                .startsWith("[{\"name\": \"find\"}]<|im_start|>user")
                .contains("<|im_start|>assistant\n[{\"name\": \"find\"}]<|im_end|>");
        assertThat(labels(row)).isEqualTo("It is 42<|im_end|>");
        int[] prompt =
                encoder.encodePrompt(example.withoutAnswer().messages(), example.arguments());
        assertThat(Arrays.copyOf(row.ids(), prompt.length)).isEqualTo(prompt);
    }

    @Test
    void anAnswerThatIsAToolCallIsLearnt() throws IOException {
        ChatExampleEncoder encoder = encoder("nlrx-bpe-1k", TOOLS, token -> {});
        Map<String, Object> call = Map.of("tool_calls", List.of(Map.of("name", "find")));
        TokenizedExample row = encoder.encode(example(USER, new Message("assistant", "", call)));
        assertThat(labels(row)).isEqualTo("[{\"name\": \"find\"}]<|im_end|>");
        assertThat(views(row)).containsExactly("lines with an x", "[{\"name\": \"find\"}]");
    }

    @ParameterizedTest
    @ValueSource(strings = {"name", "weight", "tool_calls", "reasoning_content"})
    void aFieldThatTheTemplateDoesNotWriteIsRefused(String name) throws IOException {
        ChatExampleEncoder encoder = encoder("nlrx-bpe-1k", CHATML, token -> {});
        Message answer = new Message("assistant", ".*x", Map.of(name, "Zoe"));
        assertThatThrownBy(() -> encoder.encode(example(USER, answer)))
                .isInstanceOf(JepaException.class)
                .hasMessageContaining(
                        "test:1: the chat template does not write \"messages[1]." + name + "\"");
    }

    @Test
    void toolsThatTheTemplateDoesNotWriteAreRefused() throws IOException {
        ChatExampleEncoder encoder = encoder("nlrx-bpe-1k", CHATML, token -> {});
        Map<String, Object> tools = Map.of("tools", List.of(Map.of("name", "find")));
        Example example = new Example("test:1", List.of(USER, assistant(".*x")), List.of(), tools);
        assertThatThrownBy(() -> encoder.encode(example))
                .hasMessageContaining("the chat template does not write \"tools\"");
        assertThatThrownBy(() -> encoder.encodePrompt(List.of(USER), tools))
                .hasMessageContaining("the chat template does not write \"tools\"");
    }

    @Test
    void fieldsThatSayNothingArePassedOver() throws IOException {
        ChatExampleEncoder encoder = encoder("nlrx-bpe-1k", CHATML, token -> {});
        Message answer = new Message("assistant", ".*x", Map.of("tool_calls", List.of()));
        assertThat(labels(encoder.encode(example(USER, answer)))).isEqualTo(".*x<|im_end|>");
    }

    @Test
    void aSystemTurnThatThePromptLeavesOutIsRefused() throws IOException {
        String template = CHATML.replace("in messages", "in messages if m.role != 'system'");
        ChatExampleEncoder encoder = encoder("nlrx-bpe-1k", template, token -> {});
        assertThatThrownBy(
                        () ->
                                encoder.encodePrompt(
                                        List.of(new Message("system", "be brief"), USER)))
                .hasMessageContaining("turn 1, the system's, cannot be found")
                .hasMessageContaining("the first user turn");
    }

    private TokenizedExample assertAgrees(ChatExampleEncoder encoder, String answer) {
        TokenizedExample row = encoder.encode(example(USER, assistant(answer)));
        int[] prompt = encoder.encodePrompt(List.of(USER));
        assertThat(Arrays.copyOf(row.ids(), row.labels().start())).isEqualTo(prompt);
        assertThat(row.ids()[row.labels().end() - 1]).isEqualTo(encoder.endOfTurnId());
        assertThat(decodedAnswer(encoder, row)).isEqualTo(answer);
        return row;
    }

    private static String decodedAnswer(ChatExampleEncoder encoder, TokenizedExample row) {
        int start = row.labels().start();
        return encoder.decodeAnswer(
                Arrays.copyOf(row.ids(), start),
                Arrays.copyOfRange(row.ids(), start, row.labels().end() - 1),
                true);
    }

    private String labels(TokenizedExample row) {
        return tokenizer.decode(
                Arrays.copyOfRange(row.ids(), row.labels().start(), row.labels().end()), false);
    }

    private List<String> views(TokenizedExample row) {
        return row.views().stream()
                .map(TokenizedView::ids)
                .map(ids -> tokenizer.decode(ids, false))
                .toList();
    }

    @SuppressWarnings("MustBeClosed") // after each test
    private ChatExampleEncoder encoder(String base, String template, Consumer<ObjectNode> flags)
            throws IOException {
        tokenizer = open(base, template, flags);
        return encoder(tokenizer);
    }

    private static ChatExampleEncoder encoder(ModelTokenizer tokenizer) {
        return new ChatExampleEncoder(tokenizer, ChatTemplate.of(tokenizer.files()), 300);
    }

    /** A tokenizer with another template and other flags of its added tokens. */
    @MustBeClosed
    private ModelTokenizer open(String base, String template, Consumer<ObjectNode> flags)
            throws IOException {
        Path source = Fixtures.tokenizer(base);
        Path target = Files.createDirectory(folder.resolve(base));
        ObjectNode json = (ObjectNode) Fixtures.json(source.resolve("tokenizer.json"));
        for (JsonNode token : json.path("added_tokens")) {
            flags.accept((ObjectNode) token);
        }
        ObjectNode config = (ObjectNode) Fixtures.json(source.resolve("tokenizer_config.json"));
        config.remove("chat_template");
        Files.write(target.resolve("tokenizer.json"), Fixtures.JSON.writeValueAsBytes(json));
        Files.write(
                target.resolve("tokenizer_config.json"), Fixtures.JSON.writeValueAsBytes(config));
        Files.writeString(target.resolve("chat_template.jinja"), template);
        return ModelTokenizer.open(target);
    }

    private static Example example(Message... messages) {
        return Example.conversation("test:1", new ArrayList<>(List.of(messages)));
    }

    private static Message user(String content) {
        return new Message(Message.USER, content);
    }

    private static Message assistant(String content) {
        return new Message(Message.ASSISTANT, content);
    }
}
