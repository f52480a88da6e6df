package io.github.dl4jjepa.models.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.Message;
import io.github.dl4jjepa.core.view.TokenizedExample;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Published templates with their models' added tokens: rows, labels, prompts. */
class PublishedChatTokensTest {
    private static final String REFUSED = "deepseek-r1-distill-qwen";

    @TempDir private Path folder;

    @ParameterizedTest
    @MethodSource("io.github.dl4jjepa.models.tokenizer.PublishedModel#names")
    void conversationsHaveTheTokensOfTransformers(String name) throws IOException {
        PublishedModel model = new PublishedModel(name);
        Path files = model.write(folder.resolve(name));
        ChatTemplate template = ChatTemplate.open(files);
        JsonNode cases = Fixtures.json(Fixtures.shared("fixtures/chat/" + name + "/golden.json"));
        List<String> wrong = new ArrayList<>();
        int compared = 0;
        try (ModelTokenizer tokenizer = ModelTokenizer.open(files)) {
            for (JsonNode golden : cases) {
                String expected = model.tokens().path(golden.path("name").textValue()).textValue();
                if (expected == null) {
                    continue;
                }
                compared++;
                int[] ids = tokenizer.encode(render(template, golden)).ids();
                if (!digest(ids).equals(expected)) {
                    wrong.add(golden.path("name").textValue());
                }
            }
        }
        System.out.printf("%s: %d conversations, tokens as in transformers%n", name, compared);
        assertThat(wrong).isEmpty();
        assertThat(compared).isEqualTo(model.tokens().size()).isGreaterThan(10);
    }

    @ParameterizedTest
    @MethodSource("templatesThatAgree")
    void rowsBeginWithTheTokensThatGenerationFeedsAndEndWhereItStops(String name)
            throws IOException {
        Path files = new PublishedModel(name).write(folder.resolve(name));
        try (ModelTokenizer tokenizer = ModelTokenizer.open(files)) {
            ChatExampleEncoder encoder =
                    new ChatExampleEncoder(tokenizer, ChatTemplate.open(files), 1000);
            List<Message> question = List.of(new Message(Message.USER, "lines with a vowel"));
            for (String answer :
                    List.of(
                            ".*[AEIOUaeiou].*",
                            "(dog)|(cat)",
                            "a b",
                            "[0-9].*",
                            "\\bring\\b",
                            "é🙂")) {
                List<Message> messages = new ArrayList<>(question);
                messages.add(new Message(Message.ASSISTANT, answer));
                TokenizedExample row = encoder.encode(Example.conversation("test:1", messages));
                int[] prompt = encoder.encodePrompt(question);
                int start = row.labels().start();
                int end = row.labels().end();
                assertThat(Arrays.copyOf(row.ids(), start)).isEqualTo(prompt);
                assertThat(row.ids()[end - 1]).isEqualTo(encoder.endOfTurnId());
                int[] learnt = Arrays.copyOfRange(row.ids(), start, end - 1);
                assertThat(encoder.decodeAnswer(prompt, learnt, true)).isEqualTo(answer);
                assertThat(encoder.decodeAnswer(prompt, row.views().get(1).ids(), false))
                        .endsWith(answer);
            }
        }
    }

    static Stream<String> templatesThatAgree() {
        return PublishedModel.names().filter(name -> !name.equals(REFUSED));
    }

    @Test
    void aThinkBlockInThePromptAloneIsRefusedWithBothEnds() throws IOException {
        Path files = new PublishedModel(REFUSED).write(folder.resolve(REFUSED));
        try (ModelTokenizer tokenizer = ModelTokenizer.open(files)) {
            ChatExampleEncoder encoder =
                    new ChatExampleEncoder(tokenizer, ChatTemplate.open(files), 1000);
            Throwable refusal =
                    catchThrowable(
                            () ->
                                    encoder.encode(
                                            Example.conversation(
                                                    "test:1",
                                                    List.of(
                                                            new Message(Message.USER, "vowels"),
                                                            new Message(
                                                                    Message.ASSISTANT,
                                                                    "[aeiou]")))));
            assertThat(refusal)
                    .isInstanceOf(JepaException.class)
                    .hasMessageContaining("training and generation would not agree")
                    .hasMessageContaining("the row has '[aeiou]<｜end▁of▁sentence｜>'")
                    .hasMessageContaining("the generation prompt has '<think>\\n'");
        }
    }

    private static String render(ChatTemplate template, JsonNode golden) {
        List<Map<String, Object>> turns = new ArrayList<>();
        for (JsonNode message : golden.path("messages")) {
            Map<String, Object> turn =
                    Fixtures.JSON.convertValue(message, new TypeReference<>() {});
            turn.values().removeIf(value -> value == null);
            turns.add(turn);
        }
        Map<String, Object> arguments =
                new HashMap<>(
                        golden.has("template_arguments")
                                ? Fixtures.JSON.convertValue(
                                        golden.path("template_arguments"),
                                        new TypeReference<Map<String, Object>>() {})
                                : Map.of());
        if (golden.has("tools")) {
            arguments.put("tools", Fixtures.JSON.convertValue(golden.get("tools"), Object.class));
        }
        return template.render(
                turns, golden.path("add_generation_prompt").booleanValue(), arguments);
    }

    private static String digest(int[] ids) {
        String text =
                Arrays.stream(ids).mapToObj(Integer::toString).collect(Collectors.joining(" "));
        try {
            byte[] hash =
                    MessageDigest.getInstance("SHA-256")
                            .digest(text.getBytes(StandardCharsets.US_ASCII));
            return ids.length + " " + HexFormat.of().formatHex(hash).substring(0, 16);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
