package io.github.dl4jjepa.models.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.Message;
import io.github.dl4jjepa.core.view.TokenSpan;
import io.github.dl4jjepa.core.view.TokenizedExample;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which turns of a conversation are learned, and what is cut. */
class AssistantLabelsTest {
    private static final Path FOLDER = Fixtures.tokenizer("nlrx-bpe-1k");

    @TempDir private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"nlrx-bpe-1k", "nlrx-spm-600-llama2", "nlrx-spm-600-metaspace"})
    void allTurnsHaveTheLabelsOfTransformers(String name) {
        JsonNode golden = golden(name).path("conversations");
        Path files = Fixtures.tokenizer(name);
        try (ModelTokenizer tokenizer = ModelTokenizer.open(files)) {
            ChatExampleEncoder encoder =
                    encoder(
                            tokenizer,
                            files,
                            EncoderOptions.TrainedTurns.ALL_ASSISTANT,
                            500,
                            false);
            for (JsonNode conversation : golden) {
                List<Message> messages = Fixtures.messages(conversation.path("messages"));
                TokenizedExample row = encoder.encode(Example.conversation("test:1", messages));

                assertThat(row.ids()).isEqualTo(Fixtures.ints(conversation.path("ids")));
                assertThat(row.labels()).isEqualTo(spans(conversation.path("labels")));
            }
        }
        assertThat(golden).hasSize(4);
    }

    @Test
    void everyTurnThatIsLearnedFollowsExactlyThePromptThatGenerationFeeds() {
        List<Message> messages =
                List.of(user("one"), answer("a", null), user("two"), answer("b", null));
        try (ModelTokenizer tokenizer = ModelTokenizer.open(FOLDER)) {
            ChatExampleEncoder encoder =
                    encoder(
                            tokenizer,
                            FOLDER,
                            EncoderOptions.TrainedTurns.ALL_ASSISTANT,
                            500,
                            false);
            TokenizedExample row = encoder.encode(Example.conversation("test:1", messages));

            assertThat(row.labels()).hasSize(2);
            for (int i = 0; i < 2; i++) {
                TokenSpan labels = row.labels().get(i);
                assertThat(Arrays.copyOf(row.ids(), labels.start()))
                        .isEqualTo(encoder.encodePrompt(messages.subList(0, 2 * i + 1)));
                assertThat(row.ids()[labels.end() - 1]).isEqualTo(encoder.endOfTurnId());
            }
        }
    }

    @Test
    void theLastTurnAloneIsLearnedByDefault() {
        assertThat(learned(EncoderOptions.TrainedTurns.LAST_ASSISTANT, null, null))
                .containsExactly("b<|im_end|>");
    }

    @Test
    void aMessageMaySayItselfWhetherItIsLearned() {
        assertThat(learned(EncoderOptions.TrainedTurns.ALL_ASSISTANT, null, null))
                .containsExactly("a<|im_end|>", "b<|im_end|>");
        assertThat(learned(EncoderOptions.TrainedTurns.ALL_ASSISTANT, false, null))
                .containsExactly("b<|im_end|>");
        assertThat(learned(EncoderOptions.TrainedTurns.ALL_ASSISTANT, null, false))
                .containsExactly("a<|im_end|>");
        assertThat(learned(EncoderOptions.TrainedTurns.LAST_ASSISTANT, true, false))
                .containsExactly("a<|im_end|>");
    }

    @Test
    void aConversationOfWhichNothingIsLearnedIsRefused() {
        assertThatThrownBy(() -> learned(EncoderOptions.TrainedTurns.LAST_ASSISTANT, null, false))
                .isInstanceOf(JepaException.class)
                .hasMessageStartingWith("test:1: every turn that would be learned says")
                .hasMessageContaining("remove the key");
    }

    @Test
    void aFirstTurnOfTheAssistantIsNotLearned() {
        List<Message> messages = List.of(answer("a", null), user("one"), answer("b", null));
        try (ModelTokenizer tokenizer = ModelTokenizer.open(FOLDER)) {
            ChatExampleEncoder encoder =
                    encoder(
                            tokenizer,
                            FOLDER,
                            EncoderOptions.TrainedTurns.ALL_ASSISTANT,
                            500,
                            false);
            assertThatThrownBy(() -> encoder.encode(Example.conversation("test:1", messages)))
                    .isInstanceOf(JepaException.class)
                    .hasMessageContaining("messages[0] has nothing to be predicted from")
                    .hasMessageContaining("\"train\": false");
        }
    }

    @Test
    void aTemplateThatWritesEarlierTurnsOtherwiseIsRefused() throws IOException {
        Path files = new PublishedModel("qwen3").write(folder.resolve("qwen3"));
        List<Message> messages =
                List.of(user("one"), answer("a", null), user("two"), answer("b", null));
        try (ModelTokenizer tokenizer = ModelTokenizer.open(files)) {
            ChatExampleEncoder all =
                    encoder(
                            tokenizer,
                            files,
                            EncoderOptions.TrainedTurns.ALL_ASSISTANT,
                            500,
                            false);
            assertThatThrownBy(() -> all.encode(Example.conversation("test:1", messages)))
                    .isInstanceOf(JepaException.class)
                    .hasMessageStartingWith(
                            "test:1: training and generation would not agree on messages[1]")
                    .hasMessageContaining("<think>")
                    .hasMessageContaining("trainOn");
            ChatExampleEncoder last =
                    encoder(
                            tokenizer,
                            files,
                            EncoderOptions.TrainedTurns.LAST_ASSISTANT,
                            500,
                            false);
            assertThat(last.encode(Example.conversation("test:1", messages)).labels()).hasSize(1);
        }
    }

    @Test
    void aTurnWhoseRoleTheTemplateDoesNotKnowIsNotDropped() {
        String turn = "<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n";
        ChatTemplate template =
                ChatTemplate.compile(
                        "test",
                        "{% for m in messages %}{% if m.role in ['user', 'assistant'] %}"
                                + turn
                                + "{% endif %}{% endfor %}"
                                + "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
                        Map.of());
        List<Message> messages =
                List.of(user("one"), new Message("tool", "found"), answer("a", null));
        try (ModelTokenizer tokenizer = ModelTokenizer.open(FOLDER)) {
            ChatExampleEncoder encoder = new ChatExampleEncoder(tokenizer, template, 500);
            assertThatThrownBy(() -> encoder.encode(Example.conversation("test:1", messages)))
                    .isInstanceOf(JepaException.class)
                    .hasMessageStartingWith("test:1: test: turn 2, the tool's,")
                    .hasMessageContaining("choose another template");
        }
    }

    @Test
    void aLongRowIsRefusedUnlessItIsToBeCut() {
        Example example =
                Example.conversation("test:1", List.of(user("vowels"), answer("abcdefgh", null)));
        try (ModelTokenizer tokenizer = ModelTokenizer.open(FOLDER)) {
            TokenizedExample whole =
                    encoder(
                                    tokenizer,
                                    FOLDER,
                                    EncoderOptions.TrainedTurns.LAST_ASSISTANT,
                                    500,
                                    false)
                            .encode(example);
            TokenSpan labels = whole.labels().get(0);
            int length = labels.start() + 2;
            ChatExampleEncoder refusing =
                    encoder(
                            tokenizer,
                            FOLDER,
                            EncoderOptions.TrainedTurns.LAST_ASSISTANT,
                            length,
                            false);
            assertThatThrownBy(() -> refusing.encode(example))
                    .isInstanceOf(JepaException.class)
                    .hasMessageStartingWith("test:1: the row has " + whole.ids().length)
                    .hasMessageContaining("truncate");

            ChatExampleEncoder cutting =
                    encoder(
                            tokenizer,
                            FOLDER,
                            EncoderOptions.TrainedTurns.LAST_ASSISTANT,
                            length,
                            true);
            TokenizedExample cut = cutting.encode(example);
            assertThat(cut.ids()).isEqualTo(Arrays.copyOf(whole.ids(), length));
            assertThat(cut.labels()).containsExactly(new TokenSpan(labels.start(), length));
            assertThat(cut.views().get(0).ids()).isEqualTo(whole.views().get(0).ids());
            assertThat(cut.views().get(1).ids())
                    .isEqualTo(Arrays.copyOfRange(whole.ids(), labels.start(), length));
            assertThat(cutting.truncation())
                    .isEqualTo(new EncoderOptions.Truncation(1, whole.ids().length - length, 0));
        }
    }

    @Test
    void anExampleOfWhichTheCutLeavesNoLabelIsLeftOutAndCounted() {
        Example example =
                Example.conversation("test:1", List.of(user("vowels"), answer("a", null)));
        try (ModelTokenizer tokenizer = ModelTokenizer.open(FOLDER)) {
            ChatExampleEncoder cutting =
                    encoder(tokenizer, FOLDER, EncoderOptions.TrainedTurns.LAST_ASSISTANT, 6, true);
            assertThat(cutting.encodeAll(example)).isEmpty();
            assertThat(cutting.truncation()).isEqualTo(new EncoderOptions.Truncation(0, 0, 1));
        }
    }

    private static List<String> learned(
            EncoderOptions.TrainedTurns turns, @Nullable Boolean first, @Nullable Boolean last) {
        List<Message> messages =
                List.of(user("one"), answer("a", first), user("two"), answer("b", last));
        try (ModelTokenizer tokenizer = ModelTokenizer.open(FOLDER)) {
            TokenizedExample row =
                    encoder(tokenizer, FOLDER, turns, 500, false)
                            .encode(Example.conversation("test:1", messages));
            return row.labels().stream()
                    .map(span -> Arrays.copyOfRange(row.ids(), span.start(), span.end()))
                    .map(ids -> tokenizer.decode(ids, false))
                    .toList();
        }
    }

    private static ChatExampleEncoder encoder(
            ModelTokenizer tokenizer,
            Path files,
            EncoderOptions.TrainedTurns turns,
            int maxLength,
            boolean truncate) {
        return new ChatExampleEncoder(
                tokenizer,
                ChatTemplate.open(files),
                new EncoderOptions(maxLength, turns, truncate));
    }

    private static Message user(String content) {
        return new Message(Message.USER, content);
    }

    private static Message answer(String content, @Nullable Boolean train) {
        return new Message(Message.ASSISTANT, content, Map.of(), train);
    }

    static JsonNode golden(String name) {
        return Fixtures.json(Fixtures.resource("/assistant-labels/golden.json")).path(name);
    }

    private static List<TokenSpan> spans(JsonNode pairs) {
        List<TokenSpan> spans = new ArrayList<>();
        pairs.forEach(
                pair -> spans.add(new TokenSpan(pair.get(0).intValue(), pair.get(1).intValue())));
        return spans;
    }
}
