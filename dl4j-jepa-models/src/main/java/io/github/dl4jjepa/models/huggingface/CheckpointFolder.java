package io.github.dl4jjepa.models.huggingface;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.models.safetensors.SafetensorsCheckpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * A Hugging Face checkpoint folder, or a snapshot in the hub's cache, as one object.
 *
 * <p>What a folder holds is looked for when it is asked for: one with a configuration and a
 * tokenizer but no weights is a good start for pre-training.
 */
public final class CheckpointFolder {
    static final String CONFIG = "config.json";
    static final String GENERATION_CONFIG = "generation_config.json";
    static final String TOKENIZER = "tokenizer.json";
    static final String TOKENIZER_CONFIG = "tokenizer_config.json";
    static final String CHAT_TEMPLATE = "chat_template.jinja";

    /** Files of a tokenizer, in all the forms transformers looks for. */
    static final List<String> TOKENIZER_FILES =
            List.of(
                    TOKENIZER,
                    TOKENIZER_CONFIG,
                    CHAT_TEMPLATE,
                    "chat_template.json",
                    "special_tokens_map.json",
                    "added_tokens.json",
                    "tokenizer.model",
                    "vocab.json",
                    "merges.txt");

    private static final String TEMPLATES = "additional_chat_templates";

    private static final String DOWNLOAD = "Download the model again.";
    private static final String END_TOKEN = "eos_token_id";

    private final Path path;
    private final Path configFile;

    private CheckpointFolder(Path path, Path configFile) {
        this.path = path;
        this.configFile = configFile;
    }

    /**
     * Opens a folder.
     *
     * @throws JepaException if there is none at the path
     */
    public static CheckpointFolder open(Path path) {
        if (!Files.isDirectory(path)) {
            throw new JepaException(
                    path
                            + (Files.exists(path) ? ": is not a folder." : ": no such folder.")
                            + " Give the folder that holds the model's config.json.");
        }
        return new CheckpointFolder(path, path.resolve(CONFIG));
    }

    /**
     * Opens a folder, or a model of the Hugging Face hub by its name: {@code org/name} or {@code
     * org/name@revision}. A snapshot in the ordinary cache is used as it is; otherwise the files
     * that a model needs are downloaded into it. {@code HF_HOME}, {@code HF_HUB_CACHE}, {@code
     * HF_ENDPOINT}, {@code HF_TOKEN} and {@code HF_HUB_OFFLINE} count.
     *
     * @param folderOrName a folder that is there comes before a name
     * @throws JepaException if there is neither
     */
    public static CheckpointFolder of(String folderOrName) {
        if (Files.isDirectory(Path.of(folderOrName)) || !HuggingFaceHub.isName(folderOrName)) {
            return open(Path.of(folderOrName));
        }
        try {
            return open(HuggingFaceHub.of(System.getenv()).snapshot(folderOrName));
        } catch (JepaException e) {
            throw new JepaException(
                    "There is no folder " + folderOrName + ". " + e.getMessage(), e);
        }
    }

    /** Where the folder is. */
    public Path path() {
        return path;
    }

    /**
     * The same folder with another configuration, of a model to be trained from random weights.
     *
     * @param configFile a config.json, wherever it is
     */
    public CheckpointFolder withConfig(Path configFile) {
        return new CheckpointFolder(path, configFile);
    }

    /** The path of {@code config.json}, for messages about what it says. */
    public Path configFile() {
        return configFile;
    }

    /**
     * Reads {@code config.json}.
     *
     * @return its keys in the file's order; the caller's own
     * @throws JepaException if it is missing or broken, with line and column
     */
    public ObjectNode config() {
        return JsonFiles.read(
                configFile(), "Give a folder that holds a model, or download the model again.");
    }

    /**
     * Reads {@code generation_config.json}.
     *
     * @return its keys in the file's order; empty if there is no such file
     * @throws JepaException if it is broken, with line and column
     */
    public Optional<ObjectNode> generationConfig() {
        return optional(GENERATION_CONFIG).map(file -> JsonFiles.read(file, DOWNLOAD));
    }

    /**
     * Opens the weights.
     *
     * @throws JepaException if there are none, or they are damaged
     */
    public SafetensorsCheckpoint weights() {
        return SafetensorsCheckpoint.open(path);
    }

    /**
     * The path of {@code tokenizer.json}.
     *
     * @throws JepaException if it is missing
     */
    public Path tokenizerFile() {
        return optional(TOKENIZER)
                .orElseThrow(
                        () ->
                                new JepaException(
                                        path.resolve(TOKENIZER)
                                                + ": no such file. Download it, or have"
                                                + " transformers write it:"
                                                + " AutoTokenizer.from_pretrained(folder)"
                                                + ".save_pretrained(folder)."));
    }

    /** The path of {@code tokenizer_config.json}, if it is there. */
    public Optional<Path> tokenizerConfigFile() {
        return optional(TOKENIZER_CONFIG);
    }

    /** The path of {@code chat_template.jinja}, if it is there. */
    public Optional<Path> chatTemplateFile() {
        return optional(CHAT_TEMPLATE);
    }

    /**
     * The ids that end a generated sequence: {@code eos_token_id} of {@code
     * generation_config.json}, or else of {@code config.json}.
     *
     * @return in the file's order; empty if neither names any
     * @throws JepaException if the key holds anything but an id or a list of ids
     */
    public List<Integer> endTokenIds() {
        JsonNode generation = generationConfig().map(config -> config.path(END_TOKEN)).orElse(null);
        if (generation != null && !generation.isMissingNode() && !generation.isNull()) {
            return endTokenIds(path.resolve(GENERATION_CONFIG), generation);
        }
        return endTokenIds(configFile(), config().path(END_TOKEN));
    }

    private static List<Integer> endTokenIds(Path file, JsonNode value) {
        List<Integer> ids = new ArrayList<>();
        if (value.isMissingNode() || value.isNull()) {
            return ids;
        }
        for (JsonNode id : value.isArray() ? value : List.of(value)) {
            if (!id.isIntegralNumber() || !id.canConvertToInt() || id.intValue() < 0) {
                throw new JepaException(
                        String.format(
                                Locale.ROOT,
                                "%s: %s is %s, not a token id or a list of them. %s",
                                file,
                                END_TOKEN,
                                value,
                                DOWNLOAD));
            }
            ids.add(id.intValue());
        }
        return ids;
    }

    /**
     * The files of the tokenizer and of the chat templates.
     *
     * @return by name, those that are there
     */
    public Map<String, Path> tokenizerFiles() {
        Map<String, Path> files = new TreeMap<>();
        for (String name : TOKENIZER_FILES) {
            optional(name).ifPresent(file -> files.put(name, file));
        }
        for (Path template : list(path.resolve(TEMPLATES))) {
            files.put(TEMPLATES + "/" + template.getFileName(), template);
        }
        return files;
    }

    /**
     * The files of the weights.
     *
     * @return by name; empty if there are none
     */
    public Map<String, Path> weightFiles() {
        Map<String, Path> files = new TreeMap<>();
        for (Path file : list(path)) {
            String name = file.getFileName().toString();
            if (name.endsWith(".safetensors") || name.endsWith(".safetensors.index.json")) {
                files.put(name, file);
            }
        }
        files.remove(CheckpointDirectory.OPTIMIZER);
        return files;
    }

    private static List<Path> list(Path folder) {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(Files::isRegularFile).toList();
        } catch (IOException e) {
            throw new JepaException(folder + ": cannot be read: " + e, e);
        }
    }

    /** The path of a file of the folder, if it is there. */
    Optional<Path> optional(String name) {
        return Optional.of(path.resolve(name)).filter(Files::isRegularFile);
    }
}
