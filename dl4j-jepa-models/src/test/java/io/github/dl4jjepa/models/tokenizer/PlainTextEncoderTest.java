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
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PlainTextEncoderTest {
    private static final Path FOLDER = Fixtures.tokenizer("nlrx-bpe-1k");
    private static final String TEXT = "lines with a vowel and lines with a digit and a dog";

    @ParameterizedTest
    @ValueSource(strings = {"nlrx-bpe-1k", "nlrx-spm-600-llama2", "nlrx-spm-600-metaspace"})
    void aDocumentHasTheTokensOfTransformersAndTheEndToken(String name) {
        JsonNode golden = AssistantLabelsTest.golden(name);
        try (ModelTokenizer tokenizer = ModelTokenizer.open(Fixtures.tokenizer(name))) {
            PlainTextEncoder encoder = encoder(tokenizer, 500);
            for (JsonNode document : golden.path("documents")) {
                TokenizedExample row =
                        encoder.encode(
                                Example.document("doc:1", document.path("text").textValue()));

                int[] ids = Fixtures.ints(document.path("ids"));
                assertThat(Arrays.copyOf(row.ids(), ids.length)).isEqualTo(ids);
                assertThat(row.ids())
                        .hasSize(ids.length + 1)
                        .endsWith(golden.path("eos").intValue());
                assertThat(row.labels()).containsExactly(new TokenSpan(1, row.ids().length));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 5, 7, 8, 100})
    void blocksLoseNoTokenAndLabelEachButTheirFirst(int length) {
        try (ModelTokenizer tokenizer = ModelTokenizer.open(FOLDER)) {
            int[] whole = encoder(tokenizer, 500).encode(Example.document("doc:1", TEXT)).ids();
            List<TokenizedExample> blocks =
                    encoder(tokenizer, length).encodeAll(Example.document("doc:1", TEXT));

            assertThat(blocks)
                    .allSatisfy(block -> assertThat(block.ids().length).isBetween(2, length));
            int[] joined =
                    blocks.stream().flatMapToInt(block -> IntStream.of(block.ids())).toArray();
            // The last block takes in a token of the one before it where it would have one alone.
            int repeated = joined.length - whole.length;
            assertThat(repeated).isEqualTo(whole.length % length == 1 ? 1 : 0);
            assertThat(joined).endsWith(Arrays.copyOfRange(whole, whole.length - 2, whole.length));
            assertThat(Arrays.copyOf(joined, whole.length - 1))
                    .isEqualTo(Arrays.copyOf(whole, whole.length - 1));
        }
    }

    @Test
    void aPairIsOneTextWhoseSecondPartIsLearned() {
        try (ModelTokenizer tokenizer = ModelTokenizer.open(FOLDER)) {
            TokenizedExample row =
                    encoder(tokenizer, 500)
                            .encode(
                                    Example.conversation(
                                            "test:1",
                                            List.of(
                                                    new Message(Message.USER, "a vowel:"),
                                                    new Message(Message.ASSISTANT, " [aeiou]"))));
            TokenSpan labels = row.labels().get(0);

            assertThat(tokenizer.decode(row.ids(), false)).isEqualTo("a vowel: [aeiou]<|im_end|>");
            assertThat(Arrays.copyOf(row.ids(), labels.start()))
                    .isEqualTo(tokenizer.encode("a vowel:").ids());
            assertThat(labels.end()).isEqualTo(row.ids().length);
            assertThat(row.views().get(0).inRow()).isEqualTo(new TokenSpan(0, labels.start()));
            assertThat(row.views().get(1).inRow())
                    .isEqualTo(new TokenSpan(labels.start(), labels.end() - 1));
        }
    }

    @Test
    void aConversationNeedsATemplate() {
        try (ModelTokenizer tokenizer = ModelTokenizer.open(FOLDER)) {
            Example example =
                    Example.conversation(
                            "test:1",
                            List.of(
                                    new Message(Message.SYSTEM, "s"),
                                    new Message(Message.USER, "u"),
                                    new Message(Message.ASSISTANT, "a")));
            assertThatThrownBy(() -> encoder(tokenizer, 500).encode(example))
                    .isInstanceOf(JepaException.class)
                    .hasMessageStartingWith("test:1: " + FOLDER + " has no chat template")
                    .hasMessageContaining("chatTemplate");
        }
    }

    @Test
    void aControlTokenInADocumentIsRefused() {
        try (ModelTokenizer tokenizer = ModelTokenizer.open(FOLDER)) {
            assertThatThrownBy(
                            () ->
                                    encoder(tokenizer, 500)
                                            .encode(
                                                    Example.document(
                                                            "doc:1", "one<|endoftext|>two")))
                    .isInstanceOf(JepaException.class)
                    .hasMessageStartingWith("doc:1: the text contains the text <|endoftext|>")
                    .hasMessageContaining("on a line each");
        }
    }

    private static PlainTextEncoder encoder(ModelTokenizer tokenizer, int maxLength) {
        return new PlainTextEncoder(tokenizer, EncoderOptions.of(maxLength));
    }
}
