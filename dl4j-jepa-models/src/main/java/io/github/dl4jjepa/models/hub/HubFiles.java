package io.github.dl4jjepa.models.hub;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.dl4jjepa.core.JepaException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Which of a model's files are downloaded: those that loading reads and an export carries along.
 */
final class HubFiles {
    static final String CONFIG = "config.json";
    static final String TOKENIZER = "tokenizer.json";
    static final String WEIGHTS = "model.safetensors";
    static final String INDEX = "model.safetensors.index.json";

    /** Files that change what a model computes or how its text is encoded. */
    private static final List<String> READ =
            List.of(
                    CONFIG,
                    TOKENIZER,
                    "generation_config.json",
                    "tokenizer_config.json",
                    "chat_template.jinja",
                    "chat_template.json",
                    "processor_config.json");

    /** Files that an export carries along. */
    private static final List<String> CARRIED =
            List.of(
                    "special_tokens_map.json",
                    "added_tokens.json",
                    "tokenizer.model",
                    "vocab.json",
                    "merges.txt");

    private static final Pattern TEMPLATE =
            Pattern.compile("additional_chat_templates/[^/]+\\.jinja");
    private static final Pattern PICKLE = Pattern.compile(".*\\.(bin|pt|pth|ckpt)");
    private static final Pattern SAFE = Pattern.compile("[^/\\\\:]+(?:/[^/\\\\:]+)*");
    private static final ObjectMapper JSON = new ObjectMapper();

    private HubFiles() {}

    /** The files with fixed names apart from the weights. A model may lack any but the first. */
    static List<String> fixed() {
        return Stream.concat(READ.stream(), CARRIED.stream()).toList();
    }

    /** Whether loading works the same without a file. */
    static boolean isCarriedOnly(String file) {
        return CARRIED.contains(file);
    }

    /**
     * The files to download, as far as the snapshot tells yet: what the index and the configuration
     * name is known once they are there. The weights come last.
     *
     * @param name the model, for messages
     * @param listing all files of the model's repository
     * @param snapshot the folder that they are downloaded into
     * @throws JepaException if the repository does not hold a model with safetensors
     */
    static Set<String> needed(HubName name, Set<String> listing, Path snapshot) throws IOException {
        if (!listing.contains(CONFIG)) {
            throw new JepaException(
                    name
                            + ": has no config.json, so it is not a model that can be loaded here"
                            + (listing.contains("adapter_config.json")
                                    ? ": it holds an adapter. Merge it into its base model first."
                                    : ". Check the name."));
        }
        Set<String> needed = new LinkedHashSet<>(fixed());
        needed.retainAll(listing);
        listing.stream().filter(TEMPLATE.asMatchPredicate()).forEach(needed::add);
        if (!modules(snapshot).isEmpty()) {
            listing.stream().filter(file -> file.endsWith(".py")).forEach(needed::add);
        }
        if (listing.contains(WEIGHTS)) {
            needed.add(WEIGHTS);
        } else if (listing.contains(INDEX)) {
            needed.add(INDEX);
            for (String shard : shards(snapshot)) {
                if (!listing.contains(shard)) {
                    throw new JepaException(
                            name
                                    + ": its "
                                    + INDEX
                                    + " names "
                                    + shard
                                    + ", which the model does not have. Name another revision.");
                }
                needed.add(shard);
            }
        } else {
            throw withoutSafetensors(name, listing);
        }
        for (String file : needed) {
            if (!SAFE.matcher(file).matches() || List.of(file.split("/")).contains("..")) {
                throw new JepaException(name + ": has a file with an unusable name, " + file + ".");
            }
        }
        return needed;
    }

    private static JepaException withoutSafetensors(HubName name, Set<String> listing) {
        List<String> pickles = listing.stream().filter(PICKLE.asMatchPredicate()).toList();
        return new JepaException(
                name
                        + ": has no "
                        + WEIGHTS
                        + (pickles.isEmpty()
                                ? "; check the name."
                                : ", only "
                                        + String.join(", ", pickles)
                                        + ". Pickle files are not read: unpickling can run code."
                                        + " Name a revision with safetensors (the hub's converter"
                                        + " proposes them as @refs/pr/N), or convert the model."));
    }

    /** The shards that a snapshot's index names; empty while there is no index. */
    static Set<String> shards(Path snapshot) throws IOException {
        Set<String> shards = new TreeSet<>();
        for (JsonNode shard : read(snapshot.resolve(INDEX)).path("weight_map")) {
            shards.add(shard.asText());
        }
        return shards;
    }

    /** The Python files that a snapshot's {@code auto_map} names. */
    static Set<String> modules(Path snapshot) throws IOException {
        Set<String> modules = new TreeSet<>();
        for (String file : List.of(CONFIG, "tokenizer_config.json")) {
            List<JsonNode> values = new ArrayList<>();
            for (JsonNode value : read(snapshot.resolve(file)).path("auto_map")) {
                (value.isArray() ? value : List.of(value)).forEach(values::add);
            }
            for (JsonNode value : values) {
                String reference = value.asText("");
                int dot = reference.lastIndexOf('.');
                if (dot > 0 && !reference.contains("--")) { // "--": code of another repository
                    modules.add(reference.substring(0, dot) + ".py");
                }
            }
        }
        return modules;
    }

    /** A JSON file; an empty one if it is not there or broken, which its reader will say better. */
    private static JsonNode read(Path file) throws IOException {
        if (!Files.exists(file)) {
            return JSON.createObjectNode();
        }
        try {
            return JSON.readTree(file.toFile());
        } catch (JsonProcessingException e) {
            return JSON.createObjectNode();
        }
    }

    /** The files of a listing that {@code huggingface_hub} keeps in {@code trees}. */
    static Optional<Set<String>> tree(Path file) throws IOException {
        JsonNode tree = read(file);
        if (tree.path("format_version").asInt() != 1 || !tree.path("files").isObject()) {
            return Optional.empty();
        }
        Set<String> files = new TreeSet<>();
        tree.path("files").fieldNames().forEachRemaining(files::add);
        return Optional.of(files);
    }
}
