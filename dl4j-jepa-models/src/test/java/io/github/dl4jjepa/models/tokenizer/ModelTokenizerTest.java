package io.github.dl4jjepa.models.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.dl4jjepa.core.JepaException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokenizerTest {
    @ParameterizedTest
    @ValueSource(strings = {"nlrx-bpe-1k", "nlrx-spm-600-llama2", "nlrx-spm-600-metaspace"})
    void encodesAndDecodesAsPythonDoes(String name) {
        Path folder = Fixtures.tokenizer(name);
        compare(folder, Fixtures.json(folder.resolve("golden.json")));
    }

    @Test
    void encodesAndDecodesWithoutALeadingBlankAsPythonDoes() {
        Path folder = Fixtures.shared("fixtures/tokenizer/nlrx-spm-600-gemma");
        compare(folder, Fixtures.json(folder.resolve("golden.json")));
    }

    @Test
    void encodesAndDecodesWithTheTokenizerOfSmolLm2AsPythonDoes() {
        Path golden = Fixtures.shared("fixtures/tokenizer/smollm2/golden.json");
        compare(Fixtures.smolLm2(), Fixtures.json(golden));
    }

    private static void compare(Path folder, JsonNode golden) {
        TokenizerFiles files = TokenizerFiles.read(folder);
        try (ModelTokenizer tokenizer = ModelTokenizer.open(files)) {
            assertThat(tokenizer.vocabularySize()).isEqualTo(golden.path("vocab_size").intValue());
            golden.path("cases").forEach(c -> compare(tokenizer, c));
            golden.path("conversations").forEach(c -> compare(tokenizer, c));
        }
        JsonNode predicted = golden.path("with_predictor");
        try (ModelTokenizer tokenizer = ModelTokenizer.open(files.withPredictors(1))) {
            assertThat(tokenizer.predictorIds()).containsExactly(predicted.path("id").intValue());
            predicted.path("cases").forEach(c -> compare(tokenizer, c));
        }
    }

    private static void compare(ModelTokenizer tokenizer, JsonNode golden) {
        String text = golden.path("text").textValue();
        ModelTokenizer.TokenizedText encoded = tokenizer.encode(text);
        int[] ids = Fixtures.ints(golden.path("ids"));
        assertThat(encoded.ids()).as(text).isEqualTo(ids);
        JsonNode offsets =
                golden.has("offsets_utf16") ? golden.get("offsets_utf16") : golden.get("offsets");
        List<int[]> spans = new ArrayList<>();
        for (int i = 0; i < ids.length; i++) {
            spans.add(new int[] {encoded.starts()[i], encoded.ends()[i]});
            assertThat(tokenizer.token(ids[i]))
                    .as(text)
                    .contains(golden.path("tokens").get(i).textValue());
        }
        assertThat(spans.toArray(int[][]::new))
                .as(text)
                .isDeepEqualTo(Fixtures.JSON.convertValue(offsets, int[][].class));
        assertThat(tokenizer.decode(ids, false)).isEqualTo(golden.path("decoded").textValue());
        assertThat(tokenizer.decode(ids, true))
                .isEqualTo(golden.path("decoded_without_special").textValue());
    }

    @Test
    void encodesALongTextWithoutCuttingItOff() {
        try (ModelTokenizer tokenizer = ModelTokenizer.open(Fixtures.tokenizer("nlrx-bpe-1k"))) {
            assertThat(tokenizer.encode("0".repeat(5000)).ids()).hasSize(5000);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"ab\uD83D", "ab\uDE42🙂"})
    void refusesHalfACharacter(String text) {
        try (ModelTokenizer tokenizer = ModelTokenizer.open(Fixtures.tokenizer("nlrx-bpe-1k"))) {
            assertThatThrownBy(() -> tokenizer.encode(text))
                    .isInstanceOf(JepaException.class)
                    .hasMessageContaining("at index 2");
        }
    }

    @Test
    void namesTheSpecialTokens() {
        try (ModelTokenizer tokenizer = ModelTokenizer.open(Fixtures.tokenizer("nlrx-bpe-1k"))) {
            assertThat(tokenizer.beginId()).hasValue(1);
            assertThat(tokenizer.endId()).hasValue(2);
            assertThat(tokenizer.unknownId()).isEmpty();
            assertThat(tokenizer.id("<|im_end|>")).hasValue(2);
            assertThat(tokenizer.id("no such token")).isEmpty();
            assertThat(tokenizer.token(1000)).isEmpty();
            assertThat(tokenizer.specialTokens())
                    .containsExactly("<|endoftext|>", "<|im_start|>", "<|im_end|>");
        }
    }

    @Test
    void readsASpecialTokenThatIsDescribedByAnObjectOrOnlyInTheMap(@TempDir Path folder)
            throws IOException {
        copy("nlrx-bpe-1k", folder);
        Files.writeString(
                folder.resolve("tokenizer_config.json"),
                "{\"bos_token\": null, \"eos_token\": {\"content\": \"<|im_end|>\"}}");
        try (ModelTokenizer tokenizer = ModelTokenizer.open(folder)) {
            assertThat(tokenizer.beginId()).isEmpty();
            assertThat(tokenizer.endId()).hasValue(2);
            assertThat(tokenizer.padId(Set.of())).isZero();
        }
    }

    @Test
    void padsWithATokenThatEndsNothing(@TempDir Path folder) throws IOException {
        copy("nlrx-bpe-1k", folder);
        Files.writeString(
                folder.resolve("tokenizer_config.json"),
                "{\"eos_token\": \"<|im_end|>\", \"pad_token\": \"<|im_end|>\"}");
        try (ModelTokenizer tokenizer = ModelTokenizer.open(folder)) {
            assertThat(tokenizer.padId(Set.of())).isZero();
            assertThat(tokenizer.padId(Set.of(0, 1))).isEqualTo(3);
        }
    }

    @Test
    void addsPredictorsOnceAndKeepsThoseThatAreThere(@TempDir Path folder) throws IOException {
        TokenizerFiles files = TokenizerFiles.read(Fixtures.tokenizer("nlrx-bpe-1k"));
        TokenizerFiles one = files.withPredictors(1);
        TokenizerFiles three = one.withPredictors(3);
        assertThat(three.withPredictors(2)).isSameAs(three);
        assertThat(files.withPredictors(0)).isSameAs(files);
        three.write(folder);
        try (ModelTokenizer tokenizer = ModelTokenizer.open(folder)) {
            assertThat(tokenizer.predictorIds()).containsExactly(1000, 1001, 1002);
            assertThat(tokenizer.encode("a<|predictor_3|>").ids()).endsWith(1002);
            assertThat(tokenizer.vocabularySize()).isEqualTo(1003);
        }
        JsonNode config = Fixtures.json(folder.resolve("tokenizer_config.json"));
        assertThat(config.at("/added_tokens_decoder/1001/content").textValue())
                .isEqualTo("<|predictor_2|>");
        assertThat(config.path("chat_template").textValue()).contains("<|im_start|>");
    }

    @Test
    void refusesAFolderWithoutATokenizer(@TempDir Path folder) {
        assertThatThrownBy(() -> ModelTokenizer.open(folder))
                .isInstanceOf(JepaException.class)
                .hasMessageContaining(folder.resolve("tokenizer.json") + " is missing")
                .hasMessageContaining("save_pretrained");
    }

    @Test
    void refusesATokenizerThatIsNotJson(@TempDir Path folder) throws IOException {
        Files.writeString(folder.resolve("tokenizer.json"), "{\n  \"model\": {");
        assertThatThrownBy(() -> ModelTokenizer.open(folder))
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("tokenizer.json, line 2");
    }

    @Test
    void refusesATokenizerThatDjlCannotRun(@TempDir Path folder) throws IOException {
        Files.writeString(folder.resolve("tokenizer.json"), "{\"model\": {\"type\": \"Magic\"}}");
        assertThatThrownBy(() -> ModelTokenizer.open(folder))
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("tokenizer.json cannot be loaded by DJL's tokenizer");
    }

    @Test
    void refusesATokenizerWhoseSpecialTokenHasAnotherIdThanListed(@TempDir Path folder)
            throws IOException {
        copy("nlrx-bpe-1k", folder);
        Path file = folder.resolve("tokenizer.json");
        String json = Files.readString(file);
        String token =
                "\"added_tokens\": [{\"id\": 7777, \"content\": \"<x>\", \"single_word\": false,"
                        + " \"lstrip\": false, \"rstrip\": false, \"normalized\": false,"
                        + " \"special\": true},";
        Files.writeString(file, json.replace("\"added_tokens\": [", token));
        assertThatThrownBy(() -> ModelTokenizer.open(folder))
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("<x>")
                .hasMessageContaining("7777");
    }

    private static void copy(String name, Path folder) throws IOException {
        Path source = Fixtures.tokenizer(name);
        for (String file : List.of("tokenizer.json", "special_tokens_map.json")) {
            Files.copy(source.resolve(file), folder.resolve(file));
        }
    }
}
