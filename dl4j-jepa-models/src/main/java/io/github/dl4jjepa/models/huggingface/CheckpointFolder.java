package io.github.dl4jjepa.models.huggingface;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.IntNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.models.hub.HuggingFaceHub;
import io.github.dl4jjepa.models.internal.GitLfs;
import io.github.dl4jjepa.models.safetensors.SafetensorsCheckpoint;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A Hugging Face checkpoint folder, or a snapshot in the hub's cache, as one object.
 *
 * <p>What a folder holds is looked for when it is asked for: one with a configuration and a
 * tokenizer but no weights is a good start for pre-training.
 *
 * <p>Not for use by several threads at once.
 */
public final class CheckpointFolder {
    static final String CONFIG = "config.json";
    static final String GENERATION_CONFIG = "generation_config.json";
    static final String TOKENIZER = "tokenizer.json";
    static final String TOKENIZER_CONFIG = "tokenizer_config.json";
    static final String CHAT_TEMPLATE = "chat_template.jinja";

    /** Keys of sizes, counts and token ids. */
    private static final Pattern INTEGERS =
            Pattern.compile(
                    "(vocab|hidden|intermediate)_size|head_dim|sliding_window|sliding_window_pattern"
                            + "|num_.*(layers|heads)|max_window_layers|query_pre_attn_scalar"
                            + "|(original_)?max_position_embeddings|n_(embd|head|layer|positions|ctx|inner)"
                            + "|model_dim|max_context_length|ffn_dim_divisor|.*_token_ids?");

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
    private final @Nullable AdapterFolder adapter;
    private final String baseName;

    private CheckpointFolder(
            Path path, Path configFile, @Nullable AdapterFolder adapter, String baseName) {
        this.path = path;
        this.configFile = configFile;
        this.adapter = adapter;
        this.baseName = baseName;
    }

    /**
     * Opens a folder. That of a peft adapter is opened with the base that it names: a folder, by a
     * path from the working directory or from the adapter's folder, or a model of the hub.
     *
     * @throws JepaException if there is none at the path, or it holds something else than a model
     *     or an adapter: a GGUF file, or Git LFS pointers in place of files
     */
    public static CheckpointFolder open(Path path) {
        return open(path, null);
    }

    private static CheckpointFolder open(Path path, @Nullable String base) {
        if (!Files.isDirectory(path)) {
            throw new JepaException(
                    path
                            + (Files.exists(path) ? ": is not a folder." : ": no such folder.")
                            + " Give the folder that holds the model's config.json.");
        }
        if (AdapterFolder.isAt(path)) {
            return ofAdapter(AdapterFolder.open(path), base);
        }
        if (base != null) {
            throw new JepaException(
                    path
                            + ": holds no adapter, so that "
                            + base
                            + " cannot be its base. Leave the base out.");
        }
        CheckpointFolder folder =
                new CheckpointFolder(
                        path,
                        path.resolve(CONFIG),
                        null,
                        path.toAbsolutePath().normalize().toString());
        folder.refuseOtherThanModels();
        return folder;
    }

    private static CheckpointFolder ofAdapter(AdapterFolder adapter, @Nullable String base) {
        String name =
                Optional.ofNullable(base)
                        .or(adapter::base)
                        .orElseThrow(
                                () ->
                                        new JepaException(
                                                adapter.path()
                                                        + ": this folder holds a peft adapter that"
                                                        + " names no base model. Give it by"
                                                        + " --base."));
        try {
            Path beside = existing(name).isPresent() ? null : beside(adapter, name);
            CheckpointFolder folder = beside == null ? of(name) : open(beside);
            if (folder.adapter != null) {
                throw new JepaException(folder.adapter.path() + ": is an adapter itself.");
            }
            return new CheckpointFolder(folder.path, folder.configFile, adapter, folder.baseName);
        } catch (JepaException e) {
            throw new JepaException(
                    adapter.path()
                            + ": this folder holds a peft adapter of "
                            + name
                            + ", which cannot be opened: "
                            + e.getMessage()
                            + " Give the adapter's base model by --base.",
                    e);
        }
    }

    /** A folder by its path from the adapter's; null if there is none. */
    private static @Nullable Path beside(AdapterFolder adapter, String name) {
        try {
            Path path = adapter.path().resolve(name).normalize();
            return Files.isDirectory(path) ? path : null;
        } catch (InvalidPathException e) {
            return null;
        }
    }

    private void refuseOtherThanModels() {
        for (String name : List.of(CONFIG, TOKENIZER, TOKENIZER_CONFIG, CHAT_TEMPLATE)) {
            GitLfs.refusePointer(path.resolve(name));
        }
        if (!Files.exists(configFile)) {
            try (DirectoryStream<Path> files = Files.newDirectoryStream(path, "*.gguf")) {
                for (Path file : files) {
                    throw new JepaException(
                            file
                                    + ": is a GGUF file of llama.cpp, which is not read. Take the model"
                                    + " that it was made from, or load it in transformers with"
                                    + " from_pretrained(folder, gguf_file=name) and save it with"
                                    + " save_pretrained.");
                }
            } catch (IOException e) {
                throw new JepaException(path + ": cannot be read: " + e, e);
            }
        }
    }

    /**
     * Opens a folder, or a model of the Hugging Face hub by its name: {@code org/name} or {@code
     * name}, either with {@code @revision}. {@link HuggingFaceHub} describes the cache and the
     * environment variables.
     *
     * @param folderOrName a folder or file that is there takes precedence over a name
     * @throws JepaException if there is neither a folder nor a model
     * @throws InvalidPathException if the name has letters that the file system's encoding lacks
     */
    public static CheckpointFolder of(String folderOrName) {
        return of(folderOrName, null);
    }

    /**
     * Opens an adapter with another base than the one it names.
     *
     * @param folderOrName the adapter, as for {@link #of(String)}
     * @param base the base model, likewise; null for the one that the adapter names
     * @throws JepaException if there is no such adapter or base
     */
    public static CheckpointFolder of(String folderOrName, @Nullable String base) {
        Optional<Path> path = existing(folderOrName);
        if (path.isPresent()) {
            return open(path.get(), base);
        }
        if (!HuggingFaceHub.isName(folderOrName)) {
            throw new JepaException(
                    folderOrName
                            + ": no such folder. Give the folder that holds the model's"
                            + " config.json. "
                            + HuggingFaceHub.advice(folderOrName));
        }
        try {
            return open(HuggingFaceHub.fromEnvironment().snapshot(folderOrName), base)
                    .named(folderOrName);
        } catch (JepaException e) {
            throw new JepaException(
                    "There is no folder " + folderOrName + ". " + e.getMessage(), e);
        }
    }

    private static Optional<Path> existing(String text) {
        try {
            return Optional.of(Path.of(text)).filter(Files::exists);
        } catch (InvalidPathException e) {
            if (text.chars().anyMatch(c -> c > 0x7F)) {
                throw e; // letters that the locale's encoding does not have
            }
            return Optional.empty(); // an address with a colon on Windows
        }
    }

    /** Where the model is; of an adapter, where its base is. */
    public Path path() {
        return path;
    }

    /** The same folder, known by its name on the hub unless it is an adapter's. */
    private CheckpointFolder named(String name) {
        return adapter == null ? new CheckpointFolder(path, configFile, null, name) : this;
    }

    /**
     * The name by which an adapter refers to this model, or to its own base: {@code org/name} or
     * {@code org/name@revision} of the hub, or the absolute path of a folder.
     */
    public String baseName() {
        return baseName;
    }

    /** The folder that was opened: the adapter's if there is one, or else the model's. */
    public Path openedPath() {
        return adapter == null ? path : adapter.path();
    }

    /** The adapter that is added to the model, if there is one. */
    public Optional<AdapterFolder> adapter() {
        return Optional.ofNullable(adapter);
    }

    /** Where the tokenizer is: an adapter's own, or else that of its base. */
    public Path tokenizerFolder() {
        return adapter != null && Files.isRegularFile(adapter.path().resolve(TOKENIZER))
                ? adapter.path()
                : path;
    }

    /**
     * The same folder with another configuration, of a model to be trained from random weights.
     *
     * @param configFile a config.json, wherever it is
     */
    public CheckpointFolder withConfig(Path configFile) {
        return new CheckpointFolder(path, configFile, adapter, baseName);
    }

    /** The path of {@code config.json}, for messages about what it says. */
    public Path configFile() {
        return configFile;
    }

    /**
     * Reads {@code config.json}. A whole number that some tool wrote as {@code 32000.0} where an
     * integer is due becomes one.
     *
     * @return its keys in the file's order; the caller's own
     * @throws JepaException if it is missing or broken, with line and column
     */
    public ObjectNode config() {
        return withIntegers(
                JsonFiles.read(
                        configFile(),
                        "Give a folder that holds a model, or download the model again."));
    }

    /**
     * Reads {@code generation_config.json}.
     *
     * @return its keys in the file's order; empty if there is no such file
     * @throws JepaException if it is broken, with line and column
     */
    public Optional<ObjectNode> generationConfig() {
        return optional(GENERATION_CONFIG)
                .map(file -> withIntegers(JsonFiles.read(file, DOWNLOAD)));
    }

    private static ObjectNode withIntegers(ObjectNode object) {
        for (Map.Entry<String, JsonNode> entry : object.properties()) {
            JsonNode value = entry.getValue();
            if (value instanceof ObjectNode inner) {
                withIntegers(inner);
            } else if (INTEGERS.matcher(entry.getKey()).matches()) {
                entry.setValue(integer(value));
            }
        }
        return object;
    }

    private static JsonNode integer(JsonNode value) {
        if (value instanceof ArrayNode list) {
            for (int i = 0; i < list.size(); i++) {
                list.set(i, integer(list.get(i)));
            }
            return list;
        }
        return value.isDouble()
                        && value.doubleValue() == Math.rint(value.doubleValue())
                        && value.canConvertToInt()
                ? IntNode.valueOf(value.intValue())
                : value;
    }

    /**
     * How the weights are quantized: the {@code quant_method} of {@code config.json}, or the method
     * that their tensors' names and types speak for.
     *
     * @return empty if they are not, or there are none
     * @throws JepaException if a file is damaged
     */
    public Optional<String> quantization() {
        return Quantization.of(config())
                .or(
                        () ->
                                SafetensorsCheckpoint.isIn(path)
                                        ? Quantization.of(weights().tensors().values())
                                        : Optional.empty());
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
                                        tokenizerFolder().resolve(TOKENIZER)
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
        for (Path template : list(tokenizerFolder().resolve(TEMPLATES))) {
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
        adapter().ifPresent(added -> files.putAll(added.files()));
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
        Path folder = path;
        if (TOKENIZER_FILES.contains(name)) {
            folder = tokenizerFolder();
        } else if (adapter != null
                && name.equals(GENERATION_CONFIG)
                && Files.isRegularFile(adapter.path().resolve(name))) {
            folder = adapter.path();
        }
        return Optional.of(folder.resolve(name)).filter(Files::isRegularFile);
    }
}
