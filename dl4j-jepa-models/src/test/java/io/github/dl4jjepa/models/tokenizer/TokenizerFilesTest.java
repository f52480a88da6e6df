package io.github.dl4jjepa.models.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What transformers makes of such files is checked by src/test/python/exported_tokenizers.py. */
class TokenizerFilesTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir Path folder;

    @BeforeEach
    void writeATokenizer() throws IOException {
        write(
                "tokenizer.json",
                """
                {"added_tokens": [{"id": 1, "content": "<s>", "special": true, "lstrip": true}],
                 "model": {"vocab": {"a": 0}}}""");
    }

    private void write(String name, String text) throws IOException {
        Files.writeString(folder.resolve(name), text);
    }

    private JsonNode extended(String name) throws IOException {
        Path target = Files.createDirectory(folder.resolve("extended"));
        TokenizerFiles.read(folder).withPredictors(1).write(target);
        Path file = target.resolve(name);
        return Files.exists(file) ? JSON.readTree(file.toFile()) : null;
    }

    @Test
    void addedTokensAreNamedInFullWhereNoneWere() throws IOException {
        write("tokenizer_config.json", "{}");

        JsonNode decoder = extended("tokenizer_config.json").path("added_tokens_decoder");

        assertThat(decoder.path("1").toString())
                .isEqualTo("{\"content\":\"<s>\",\"special\":true,\"lstrip\":true}");
        assertThat(decoder.path("2").path("content").asText()).isEqualTo("<|predictor_1|>");
    }

    @Test
    void tokensOfTheMapAreNotLostWhereTheConfigurationNamesNone() throws IOException {
        write("tokenizer_config.json", "{\"pad_token\": \"a\"}");
        write("special_tokens_map.json", "{\"bos_token\": \"<s>\", \"pad_token\": \"<s>\"}");

        JsonNode config = extended("tokenizer_config.json");

        assertThat(config.path("bos_token").asText()).isEqualTo("<s>");
        assertThat(config.path("pad_token").asText()).isEqualTo("a");
    }

    @Test
    void tokensThatAConfigurationNamesAreKept() throws IOException {
        write(
                "tokenizer_config.json",
                "{\"added_tokens_decoder\": {\"1\": {\"content\": \"<s>\"}}}");
        write("special_tokens_map.json", "{\"bos_token\": \"<s>\"}");

        JsonNode config = extended("tokenizer_config.json");

        assertThat(config.has("bos_token")).isFalse();
        assertThat(config.path("added_tokens_decoder")).hasSize(2);
    }

    @Test
    void tokensOfASlowTokenizerAreAddedToItsFileToo() throws IOException {
        write("added_tokens.json", "{\"<s>\": 1}");
        assertThat(extended("added_tokens.json").toString())
                .isEqualTo("{\"<s>\":1,\"<|predictor_1|>\":2}");
    }

    @Test
    void noFileIsMadeThatTheSourceLacks() throws IOException {
        assertThat(extended("tokenizer_config.json")).isNull();
    }
}
