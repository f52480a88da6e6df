package io.github.dl4jjepa.models.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Tokenizers of our own with the added tokens and the chat templates of published models; see
 * src/test/python/chat_token_goldens.py.
 */
final class PublishedModel {
    private final String name;
    private final JsonNode golden;

    PublishedModel(String name) {
        this.name = name;
        this.golden = all().path(name);
    }

    private static JsonNode all() {
        return Fixtures.json(Fixtures.resource("/chat-tokens/golden.json"));
    }

    static Stream<String> names() {
        return all().properties().stream().map(Map.Entry::getKey);
    }

    /** By a conversation's name, how many tokens it has and the beginning of their hash. */
    JsonNode tokens() {
        return golden.path("tokens");
    }

    /** Writes tokenizer.json, tokenizer_config.json and chat_template.jinja. */
    Path write(Path folder) throws IOException {
        Path template = Fixtures.shared("fixtures/chat/" + name + "/chat_template.jinja");
        Path base = Fixtures.tokenizer(golden.path("base").textValue());
        ObjectNode tokenizer = (ObjectNode) Fixtures.json(base.resolve("tokenizer.json"));
        JsonNode vocabulary = tokenizer.path("model").path("vocab");
        int next = 0;
        for (JsonNode id : vocabulary) {
            next = Math.max(next, id.intValue() + 1);
        }
        ArrayNode added = tokenizer.putArray("added_tokens");
        for (JsonNode token : golden.path("added_tokens")) {
            JsonNode known = vocabulary.path(token.path("content").textValue());
            ObjectNode entry = Fixtures.JSON.createObjectNode();
            entry.put("id", known.isMissingNode() ? next++ : known.intValue());
            added.add(entry.setAll((ObjectNode) token));
        }
        ObjectNode config = Fixtures.JSON.createObjectNode();
        for (String key : List.of("bos_token", "eos_token")) {
            config.set(key, golden.get(key));
        }
        Files.createDirectories(folder);
        Files.copy(template, folder.resolve(TokenizerFiles.TEMPLATE));
        Files.write(
                folder.resolve(TokenizerFiles.TOKENIZER),
                Fixtures.JSON.writeValueAsBytes(tokenizer));
        Files.write(folder.resolve(TokenizerFiles.CONFIG), Fixtures.JSON.writeValueAsBytes(config));
        return folder;
    }
}
