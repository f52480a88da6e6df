package io.github.dl4jjepa.models.safetensors;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.internal.JsonFault;
import io.github.dl4jjepa.models.internal.GitLfs;
import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** {@code model.safetensors.index.json}: which shard holds which tensor. */
final class ShardIndex {
    private static final JsonMapper JSON =
            JsonMapper.builder()
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                    .build();

    private ShardIndex() {}

    /**
     * Reads an index.
     *
     * @return shard names, checked to be names of files beside the index, by tensor name
     * @throws JepaException if the index cannot be read or names files elsewhere
     */
    static Map<String, String> read(Path file) {
        GitLfs.refusePointer(file);
        JsonNode index;
        try {
            index = JSON.readTree(file.toFile());
        } catch (JsonProcessingException e) {
            throw new JepaException(
                    file
                            + JsonFault.place(e)
                            + ": "
                            + e.getOriginalMessage()
                            + ". Download the file again.",
                    e);
        } catch (IOException e) {
            throw new JepaException(file + ": cannot be read: " + e, e);
        }
        JsonNode weightMap = index.path("weight_map");
        if (!weightMap.isObject()) {
            throw damaged(file, "has no \"weight_map\"");
        }
        Map<String, String> shards = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> entry : weightMap.properties()) {
            String shard = entry.getValue().textValue();
            if (shard == null || !isFileName(shard)) {
                throw damaged(
                        file,
                        String.format(
                                Locale.ROOT,
                                "weight_map says that tensor \"%s\" is in %s, which is not the name"
                                        + " of a file in this folder",
                                entry.getKey(),
                                entry.getValue()));
            }
            shards.put(entry.getKey(), shard);
        }
        return shards;
    }

    private static boolean isFileName(String name) {
        if (name.isEmpty() || name.equals(".") || name.equals("..") || name.contains("\\")) {
            return false;
        }
        try {
            Path last = Path.of(name).getFileName();
            return last != null && last.toString().equals(name);
        } catch (InvalidPathException e) {
            return false;
        }
    }

    /** The index as transformers writes it. */
    static byte[] toBytes(Map<String, String> shards, long totalSize) {
        ObjectNode index = JSON.createObjectNode();
        index.putObject("metadata").put("total_size", totalSize);
        ObjectNode weightMap = index.putObject("weight_map");
        shards.forEach(weightMap::put);
        try {
            return JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(index);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    private static JepaException damaged(Path file, String what) {
        return new JepaException(file + ": " + what + ". Download the file again.");
    }
}
