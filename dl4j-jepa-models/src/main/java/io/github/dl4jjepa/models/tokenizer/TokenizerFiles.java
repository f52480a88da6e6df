package io.github.dl4jjepa.models.tokenizer;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.internal.JsonFault;
import io.github.dl4jjepa.core.view.ViewOptions;
import java.io.IOException;
import java.nio.charset.MalformedInputException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * The tokenizer files of a Hugging Face folder: {@code tokenizer.json}, {@code
 * tokenizer_config.json}, {@code special_tokens_map.json}, {@code added_tokens.json}, and the files
 * of its chat templates.
 *
 * <p>Only the first is required. Immutable.
 */
public final class TokenizerFiles {
    static final String TOKENIZER = "tokenizer.json";
    static final String CONFIG = "tokenizer_config.json";
    static final String SPECIAL_TOKENS = "special_tokens_map.json";
    static final String TEMPLATE = "chat_template.jinja";

    /** Tokens that a slow tokenizer adds to its vocabulary, with their ids. */
    private static final String ADDED_TOKENS = "added_tokens.json";

    private static final String ADDED_TOKENS_DECODER = "added_tokens_decoder";
    private static final String END_TOKEN = "eos_token";

    /** The key of a chat template in JSON files. */
    static final String TEMPLATE_KEY = "chat_template";

    private static final ObjectMapper JSON =
            JsonMapper.builder()
                    .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
                    .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
                    .build();

    private final Path folder;
    private final Map<String, String> texts;
    private final ObjectNode tokenizer;
    private final ObjectNode config;
    private final ObjectNode specialTokens;
    private final ObjectNode addedTokens;
    private final ChatTemplateFiles templates;

    private TokenizerFiles(
            Path folder, Map<String, String> texts, Optional<ChatTemplateFiles> templates) {
        this.folder = folder;
        this.texts = texts;
        this.tokenizer = parse(TOKENIZER);
        this.config = parse(CONFIG);
        this.specialTokens = parse(SPECIAL_TOKENS);
        this.addedTokens = parse(ADDED_TOKENS);
        this.templates =
                templates.orElseGet(
                        () -> ChatTemplateFiles.read(folder, config.path(TEMPLATE_KEY)));
    }

    /**
     * Reads the tokenizer files of a folder.
     *
     * @throws JepaException if tokenizer.json is missing, or a file is not JSON
     */
    public static TokenizerFiles read(Path folder) {
        Map<String, String> texts = new LinkedHashMap<>();
        for (String name : List.of(TOKENIZER, CONFIG, SPECIAL_TOKENS, ADDED_TOKENS)) {
            Optional<String> text = readText(folder.resolve(name));
            if (text.isEmpty() && name.equals(TOKENIZER)) {
                throw new JepaException(
                        folder.resolve(name)
                                + " is missing. Only fast tokenizers are read; transformers writes"
                                + " the file with AutoTokenizer.from_pretrained(model)"
                                + ".save_pretrained(folder).");
            }
            text.ifPresent(content -> texts.put(name, content));
        }
        return new TokenizerFiles(folder, texts, Optional.empty());
    }

    /**
     * The text of a file; empty where there is none.
     *
     * @throws JepaException if it is not UTF-8 text, or cannot be read
     */
    static Optional<String> readText(Path file) {
        try {
            return Optional.of(Files.readString(file));
        } catch (NoSuchFileException absent) {
            return Optional.empty();
        } catch (MalformedInputException e) {
            throw new JepaException(file + " is not UTF-8 text; download it again.", e);
        } catch (IOException e) {
            throw new JepaException(file + " cannot be read: " + e, e);
        }
    }

    /** The text of [PRED] token {@code i}, from 1: {@code <|predictor_1|>}. */
    public static String predictor(int i) {
        return "<|predictor_" + i + "|>";
    }

    /** How many [PRED] tokens the tokenizer has. */
    public int predictors() {
        Map<String, Integer> ids = ids();
        return (int)
                IntStream.rangeClosed(1, ViewOptions.MAX_PREDICTORS)
                        .filter(i -> ids.containsKey(predictor(i)))
                        .count();
    }

    /** Where the files were read. */
    public Path folder() {
        return folder;
    }

    /**
     * The same tokenizer with {@code count} [PRED] tokens among its special tokens.
     *
     * <p>Tokens that it has already are kept; new ones get the ids after its largest. That id can
     * be smaller than the {@code vocab_size} of config.json, where the embedding was padded.
     *
     * @param count how many [PRED] tokens, 0 to {@value ViewOptions#MAX_PREDICTORS}
     */
    public TokenizerFiles withPredictors(int count) {
        if (count < 0 || count > ViewOptions.MAX_PREDICTORS) {
            throw new IllegalArgumentException(
                    count + " [PRED] tokens; 0 to " + ViewOptions.MAX_PREDICTORS + " are possible");
        }
        Map<String, Integer> ids = ids();
        int next = ids.values().stream().mapToInt(Integer::intValue).max().orElse(-1) + 1;
        ObjectNode extendedTokenizer = tokenizer.deepCopy();
        ObjectNode extendedConfig = withAddedTokens(config.deepCopy());
        ObjectNode extendedAddedTokens = addedTokens.deepCopy();
        ArrayNode added = extendedTokenizer.withArrayProperty("added_tokens");
        boolean changed = false;
        for (int i = 1; i <= count; i++) {
            String token = predictor(i);
            if (ids.containsKey(token)) {
                continue;
            }
            ObjectNode description = JSON.createObjectNode();
            description.put("content", token);
            for (String flag : List.of("single_word", "lstrip", "rstrip", "normalized")) {
                description.put(flag, false);
            }
            description.put("special", true);
            ObjectNode entry = JSON.createObjectNode().put("id", next);
            added.add(entry.setAll(description));
            extendedConfig
                    .withObjectProperty(ADDED_TOKENS_DECODER)
                    .set(Integer.toString(next), description);
            extendedAddedTokens.put(token, next);
            next++;
            changed = true;
        }
        if (!changed) {
            return this;
        }
        Map<String, String> extended = new LinkedHashMap<>(texts);
        extended.put(TOKENIZER, write(extendedTokenizer));
        extended.computeIfPresent(CONFIG, (name, text) -> write(extendedConfig));
        extended.computeIfPresent(ADDED_TOKENS, (name, text) -> write(extendedAddedTokens));
        return new TokenizerFiles(folder, extended, Optional.of(templates));
    }

    /**
     * The same tokenizer with another chat template. {@link ChatTemplate#of} takes it, and it is
     * written as {@code chat_template.jinja}; the named ones are kept in {@code
     * additional_chat_templates}.
     *
     * @param nameOrFile the name of one of the folder's templates, or else the path of a file
     * @throws JepaException if it is neither; the message lists the names
     */
    public TokenizerFiles withChatTemplate(String nameOrFile) {
        return withChatTemplates(templates.choose(nameOrFile));
    }

    /**
     * The same tokenizer whose chat templates take values for variables that a caller does not set,
     * such as {@code enable_thinking}. The values are written into the templates, so that all who
     * render them later take the same.
     *
     * @param json an object with the values by the variables' names
     * @throws JepaException if it is not an object, or no template has such a variable
     */
    public TokenizerFiles withTemplateArguments(String json) {
        try {
            if (JSON.readTree(json) instanceof ObjectNode values) {
                return withChatTemplates(templates.withDefaults(values));
            }
        } catch (JsonProcessingException e) {
            throw new JepaException(
                    "the template's variables are not JSON: " + e.getOriginalMessage(), e);
        }
        throw new JepaException(
                "the template's variables must be a JSON object such as"
                        + " {\"enable_thinking\": false}, not "
                        + json);
    }

    private TokenizerFiles withChatTemplates(ChatTemplateFiles others) {
        Map<String, String> changed = new LinkedHashMap<>(texts);
        if (config.has(TEMPLATE_KEY)) {
            changed.put(CONFIG, write(config.deepCopy().without(TEMPLATE_KEY)));
        }
        return new TokenizerFiles(folder, changed, Optional.of(others));
    }

    /**
     * Gives a tokenizer_config.json what transformers takes from elsewhere as long as there is no
     * added_tokens_decoder: the tokens of special_tokens_map.json, and all added tokens.
     */
    private ObjectNode withAddedTokens(ObjectNode target) {
        if (target.has(ADDED_TOKENS_DECODER)) {
            return target;
        }
        specialTokens.properties().stream()
                .filter(entry -> !target.has(entry.getKey()))
                .forEach(entry -> target.set(entry.getKey(), entry.getValue()));
        ObjectNode decoder = target.putObject(ADDED_TOKENS_DECODER);
        for (JsonNode token : tokenizer.path("added_tokens")) {
            ObjectNode description = token.deepCopy();
            decoder.set(description.remove("id").asText(), description);
        }
        return target;
    }

    /**
     * The same tokenizer with another {@code eos_token}.
     *
     * <p>It stays as it is where that would change how text is encoded: where a chat template
     * writes {@code eos_token}, or {@code add_eos_token} is set. It also stays where no file names
     * special tokens.
     *
     * @param id the token's id
     */
    public TokenizerFiles withEndToken(int id) {
        String token =
                ids().entrySet().stream()
                        .filter(entry -> entry.getValue() == id)
                        .map(Map.Entry::getKey)
                        .findFirst()
                        .orElseThrow(() -> new IllegalArgumentException("no token has id " + id));
        if (templates.mention(END_TOKEN)
                || config.path(TEMPLATE_KEY).toString().contains(END_TOKEN)
                || config.path("add_eos_token").asBoolean()
                || specialToken(END_TOKEN).equals(Optional.of(token))) {
            return this;
        }
        Map<String, String> changed = new LinkedHashMap<>(texts);
        changed.computeIfPresent(
                CONFIG, (name, text) -> write(config.deepCopy().put(END_TOKEN, token)));
        if (specialTokens.has(END_TOKEN)) {
            changed.put(SPECIAL_TOKENS, write(specialTokens.deepCopy().put(END_TOKEN, token)));
        }
        return changed.equals(texts)
                ? this
                : new TokenizerFiles(folder, changed, Optional.of(templates));
    }

    /**
     * Writes the files into a folder, in place of those that are there.
     *
     * @throws JepaException if a file cannot be written
     */
    public void write(Path target) {
        Map<String, String> written = new LinkedHashMap<>(texts);
        written.putAll(templates.files());
        for (Map.Entry<String, String> file : written.entrySet()) {
            Path path = target.resolve(file.getKey());
            try {
                Files.createDirectories(path.toAbsolutePath().getParent());
                Files.writeString(path, file.getValue());
            } catch (IOException e) {
                throw new JepaException(path + " cannot be written: " + e, e);
            }
        }
    }

    /** The text of tokenizer.json. */
    String tokenizerJson() {
        return Objects.requireNonNull(texts.get(TOKENIZER));
    }

    /** Whether the files hold a chat template. */
    public boolean hasChatTemplate() {
        return !chatTemplates().isEmpty();
    }

    /** The chat templates. */
    ChatTemplateFiles chatTemplates() {
        return templates;
    }

    /** The value of a key of tokenizer_config.json; missing where there is none. */
    JsonNode config(String key) {
        return config.path(key);
    }

    /**
     * A special token that the files name, such as {@code eos_token}: from tokenizer_config.json,
     * or from special_tokens_map.json where the former does not mention it.
     */
    Optional<String> specialToken(String key) {
        JsonNode value = config.has(key) ? config.get(key) : specialTokens.path(key);
        JsonNode text = value.isObject() ? value.path("content") : value;
        return text.isTextual() ? Optional.of(text.textValue()) : Optional.empty();
    }

    /** The tokens that the files name for a purpose: to begin a text, to end it, to pad rows. */
    Set<String> namedTokens() {
        return Stream.of("bos_token", "eos_token", "pad_token", "unk_token")
                .map(this::specialToken)
                .flatMap(Optional::stream)
                .collect(Collectors.toSet());
    }

    /** The tokens that tokenizer.json adds to the vocabulary, special or not. */
    List<AddedToken> addedTokens() {
        List<AddedToken> added = new ArrayList<>();
        for (JsonNode token : tokenizer.path("added_tokens")) {
            added.add(
                    new AddedToken(
                            token.path("content").textValue(),
                            token.path("id").intValue(),
                            token.path("special").booleanValue(),
                            token.path("lstrip").booleanValue(),
                            token.path("rstrip").booleanValue(),
                            token.path("single_word").booleanValue(),
                            token.path("normalized").booleanValue()));
        }
        return added;
    }

    /** Every token of tokenizer.json with its id. */
    Map<String, Integer> ids() {
        Map<String, Integer> ids = new LinkedHashMap<>();
        JsonNode vocabulary = tokenizer.path("model").path("vocab");
        if (vocabulary.isArray()) { // Unigram: [token, score]
            for (int id = 0; id < vocabulary.size(); id++) {
                ids.put(vocabulary.get(id).path(0).textValue(), id);
            }
        } else {
            vocabulary.properties().forEach(e -> ids.put(e.getKey(), e.getValue().intValue()));
        }
        for (JsonNode token : tokenizer.path("added_tokens")) {
            ids.put(token.path("content").textValue(), token.path("id").intValue());
        }
        return ids;
    }

    private ObjectNode parse(String name) {
        String text = texts.get(name);
        if (text == null) {
            return JSON.createObjectNode();
        }
        Path file = folder.resolve(name);
        if (parse(file, text) instanceof ObjectNode object) {
            return object;
        }
        throw new JepaException(file + " is not a JSON object. Download the file again.");
    }

    /**
     * Parses the text of a file.
     *
     * @throws JepaException if it is not JSON
     */
    static JsonNode parse(Path file, String text) {
        try {
            return JSON.readTree(text);
        } catch (JsonProcessingException e) {
            throw new JepaException(
                    file
                            + JsonFault.place(e)
                            + ": not JSON: "
                            + e.getOriginalMessage()
                            + ". Download the file again.",
                    e);
        }
    }

    private static String write(JsonNode node) {
        try {
            return JSON.writerWithDefaultPrettyPrinter().writeValueAsString(node) + "\n";
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }
}
