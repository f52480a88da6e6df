package io.github.dl4jjepa.examples.quickstart;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.Message;
import io.github.dl4jjepa.examples.data.RegexGrammar;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class QuickstartFolderTest {
    @Test
    void configuresADecoderWithTheTokenizersVocabulary() throws IOException {
        JsonNode config = json("config.json");
        Set<Integer> ids = new HashSet<>();
        json("tokenizer.json").at("/model/vocab").forEach(id -> ids.add(id.intValue()));

        assertThat(config.get("model_type").textValue()).isEqualTo("llama");
        assertThat(config.get("vocab_size").intValue()).isEqualTo(ids.size());
        assertThat(ids).allMatch(id -> id >= 0 && id < ids.size());
    }

    @Test
    void agreesOnTheSpecialTokensInAllItsFiles() throws IOException {
        JsonNode config = json("config.json");
        JsonNode tokenizerConfig = json("tokenizer_config.json");
        JsonNode vocabulary = json("tokenizer.json").at("/model/vocab");
        Map<String, String> tokens =
                Map.of("pad", "<|endoftext|>", "bos", "<|im_start|>", "eos", "<|im_end|>");

        tokens.forEach(
                (role, token) -> {
                    assertThat(tokenizerConfig.get(role + "_token").textValue()).isEqualTo(token);
                    assertThat(config.get(role + "_token_id")).isEqualTo(vocabulary.get(token));
                });
        assertThat(tokenizerConfig.get("chat_template").textValue()).contains("<|im_start|>");
    }

    @Test
    void readsEveryExampleBackAsItWas() throws IOException {
        try (HuggingFaceTokenizer tokenizer = tokenizer()) {
            for (String text : texts(500, 5)) {
                assertThat(tokenizer.decode(encode(tokenizer, text).getIds())).isEqualTo(text);
            }
        }
    }

    @Test
    void keepsRowsShort() throws IOException {
        try (HuggingFaceTokenizer tokenizer = tokenizer()) {
            int tokens = 0;
            List<String> texts = texts(500, 6);
            for (String text : texts) {
                tokens += encode(tokenizer, text).getIds().length;
            }
            // Instruction, sentence and expression together; 103 characters in the mean.
            assertThat(tokens / 500.0).isLessThan(40);
        }
    }

    @Test
    void makesACharacterClassOrAWordOneToken() throws IOException {
        try (HuggingFaceTokenizer tokenizer = tokenizer()) {
            assertThat(encode(tokenizer, "(?!.*[AEIOUaeiou]\\b.*$)(river){2,}").getTokens())
                    .containsExactly(
                            "(?!",
                            ".*",
                            "[AEIOUaeiou]",
                            "\\b",
                            ".*",
                            "$)",
                            "(",
                            "river",
                            ")",
                            "{2",
                            ",}");
        }
    }

    private static List<String> texts(int examples, long seed) {
        List<String> texts = new ArrayList<>();
        for (Example example : RegexGrammar.examples(examples, seed)) {
            example.messages().stream().map(Message::content).forEach(texts::add);
        }
        return texts;
    }

    private static Encoding encode(HuggingFaceTokenizer tokenizer, String text) {
        return tokenizer.encode(text, false, false);
    }

    private static HuggingFaceTokenizer tokenizer() throws IOException {
        try (InputStream file = open("tokenizer.json")) {
            return HuggingFaceTokenizer.newInstance(file, Map.of());
        }
    }

    private static JsonNode json(String name) throws IOException {
        try (InputStream file = open(name)) {
            return new ObjectMapper().readTree(file);
        }
    }

    private static InputStream open(String name) {
        return QuickstartFolderTest.class.getResourceAsStream("/quickstart/" + name);
    }
}
