package io.github.dl4jjepa.models.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.Message;
import io.github.dl4jjepa.models.tokenizer.ChatTemplate.TextSpan;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Templates of published models against what transformers 5.23 makes of them. */
class PublishedChatTemplatesTest {
    @ParameterizedTest
    @MethodSource("io.github.dl4jjepa.models.tokenizer.PublishedModel#names")
    void rendersAndFindsTurnsAsTransformersDoes(String name) throws IOException {
        Path folder = Fixtures.shared("fixtures/chat/" + name);
        String source = Files.readString(folder.resolve("chat_template.jinja"));
        JsonNode cases = Fixtures.json(folder.resolve("golden.json"));
        List<String> wrong = new ArrayList<>();
        for (JsonNode golden : cases) {
            Map<String, String> tokens = new HashMap<>();
            for (String token : List.of("bos_token", "eos_token")) {
                if (golden.hasNonNull(token)) {
                    tokens.put(token, golden.get(token).textValue());
                }
            }
            ChatTemplate template = ChatTemplate.compile(name, source, tokens);
            try {
                check(template, golden);
            } catch (AssertionError e) {
                wrong.add(golden.path("name").textValue() + ": " + e.getMessage());
            }
        }
        System.out.printf(
                "%s: %d of %d conversations as in transformers%n",
                name, cases.size() - wrong.size(), cases.size());
        assertThat(wrong).isEmpty();
    }

    private static void check(ChatTemplate template, JsonNode golden) {
        List<Map<String, Object>> turns = new ArrayList<>();
        for (JsonNode message : golden.path("messages")) {
            Map<String, Object> turn =
                    Fixtures.JSON.convertValue(message, new TypeReference<>() {});
            turn.values().removeIf(value -> value == null);
            turns.add(turn);
        }
        Map<String, Object> arguments = new HashMap<>();
        if (golden.has("tools")) {
            arguments.put("tools", Fixtures.JSON.convertValue(golden.get("tools"), Object.class));
        }
        golden.path("template_arguments")
                .properties()
                .forEach(
                        e ->
                                arguments.put(
                                        e.getKey(),
                                        Fixtures.JSON.convertValue(e.getValue(), Object.class)));
        boolean prompt = golden.path("add_generation_prompt").booleanValue();
        if (golden.has("error")) {
            Throwable refusal = catchThrowable(() -> template.render(turns, prompt, arguments));
            assertThat(refusal).isInstanceOf(JepaException.class);
            if (golden.path("error_type").textValue().equals("TemplateError")) {
                assertThat(refusal)
                        .hasMessageContaining("refuses")
                        .hasMessageEndingWith(golden.path("error").textValue());
            }
            return;
        }
        String rendered = template.render(turns, prompt, arguments);
        assertThat(rendered).isEqualTo(golden.path("expected").textValue());
        if (!prompt && arguments.isEmpty()) {
            for (JsonNode span : golden.path("assistant_spans")) {
                checkSpan(template, Fixtures.messages(golden.path("messages")), rendered, span);
            }
        }
    }

    private static void checkSpan(
            ChatTemplate template, List<Message> messages, String rendered, JsonNode span) {
        int turn = span.path("message").intValue();
        if (span.has("failed")) {
            assertThat(catchThrowable(() -> template.find(messages, Map.of(), turn, rendered)))
                    .isInstanceOf(JepaException.class)
                    .hasMessageContaining("cannot be found");
        } else {
            assertThat(template.find(messages, Map.of(), turn, rendered))
                    .isEqualTo(
                            new TextSpan(
                                    span.path("start_utf16").intValue(),
                                    span.path("end_utf16").intValue()));
        }
    }
}
