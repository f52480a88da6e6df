package io.github.dl4jjepa.examples.training;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.dl4jjepa.core.view.Message;
import io.github.dl4jjepa.examples.data.RegexGrammar;
import io.github.dl4jjepa.models.decoder.TransformerDecoder;
import io.github.dl4jjepa.models.huggingface.CheckpointExporter;
import io.github.dl4jjepa.models.huggingface.CheckpointFolder;
import io.github.dl4jjepa.models.huggingface.DecoderLoader;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;

/**
 * A decoder of a few thousand parameters with the quickstart's tokenizer, and pairs to train it on.
 */
public final class TinyModel {
    private static final ObjectMapper JSON = new ObjectMapper();

    private TinyModel() {}

    /** Writes a checkpoint with random weights into a folder. */
    public static Path write(Path folder) throws IOException {
        Path bare = Files.createDirectories(folder.resolveSibling(folder.getFileName() + "-bare"));
        for (String name :
                new String[] {"config.json", "tokenizer.json", "tokenizer_config.json"}) {
            try (InputStream resource =
                    TinyModel.class.getResourceAsStream("/quickstart/" + name)) {
                Files.write(bare.resolve(name), resource.readAllBytes());
            }
        }
        ObjectNode config = (ObjectNode) JSON.readTree(bare.resolve("config.json").toFile());
        config.put("hidden_size", 16).put("head_dim", 8).put("num_attention_heads", 2);
        config.put("num_key_value_heads", 1)
                .put("num_hidden_layers", 1)
                .put("intermediate_size", 24);
        JSON.writeValue(bare.resolve("config.json").toFile(), config);
        CheckpointFolder source = CheckpointFolder.open(bare);
        CheckpointExporter.builder()
                .setSource(source)
                .build()
                .export(
                        TransformerDecoder.random(DecoderLoader.config(source), 1)
                                .parameters()
                                .arrays(),
                        folder);
        return folder;
    }

    /** Writes sentence/regex pairs as JSON lines. */
    public static Path writePairs(Path file, int count) throws IOException {
        Files.writeString(
                file,
                RegexGrammar.examples(count, 3).stream()
                        .map(
                                example -> {
                                    ObjectNode line = JSON.createObjectNode();
                                    for (Message message : example.messages()) {
                                        line.withArrayProperty("messages")
                                                .addObject()
                                                .put("role", message.role())
                                                .put("content", message.content());
                                    }
                                    return line + "\n";
                                })
                        .collect(Collectors.joining()));
        return file;
    }
}
