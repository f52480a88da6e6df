package io.github.dl4jjepa.models.chat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.models.generation.GenerationOptions;
import io.github.dl4jjepa.models.huggingface.CheckpointFolder;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Reads what {@code generation_config.json} says of how tokens are chosen. */
final class GenerationConfigJson {
    private static final Logger LOG = LoggerFactory.getLogger(GenerationConfigJson.class);

    /** As many as transformers draws from where {@code top_k} is not given. */
    private static final int DEFAULT_TOP_K = 50;

    /** Keys that would change what is generated, with the value that changes nothing. */
    private static final Map<String, Double> NOT_FOLLOWED =
            Map.ofEntries(
                    Map.entry("num_beams", 1.0),
                    Map.entry("typical_p", 1.0),
                    Map.entry("top_h", 0.0),
                    Map.entry("epsilon_cutoff", 0.0),
                    Map.entry("eta_cutoff", 0.0),
                    Map.entry("penalty_alpha", 0.0),
                    Map.entry("encoder_repetition_penalty", 1.0),
                    Map.entry("guidance_scale", 1.0));

    private static final Set<String> NOT_FOLLOWED_LISTS =
            Set.of(
                    "bad_words_ids",
                    "sequence_bias",
                    "suppress_tokens",
                    "begin_suppress_tokens",
                    "exponential_decay_length_penalty",
                    "forced_bos_token_id",
                    "forced_eos_token_id");

    private final String file;
    private final ObjectNode config;

    private GenerationConfigJson(String file, ObjectNode config) {
        this.file = file;
        this.config = config;
    }

    /**
     * The options that a folder's file asks for; the defaults where there is no file.
     *
     * @throws JepaException if a value is no number, or out of its range
     */
    static GenerationOptions.Builder read(CheckpointFolder folder) {
        return folder.generationConfig()
                .map(
                        config ->
                                new GenerationConfigJson(
                                                folder.path()
                                                        .resolve("generation_config.json")
                                                        .toString(),
                                                config)
                                        .options())
                .orElseGet(() -> GenerationOptions.builder().optTopK(DEFAULT_TOP_K));
    }

    private GenerationOptions.Builder options() {
        warnOfOthers();
        GenerationOptions defaults = GenerationOptions.builder().build();
        boolean sampled = flag("do_sample");
        GenerationOptions.Builder options =
                GenerationOptions.builder()
                        .optSampled(sampled)
                        .optTopK((int) number("top_k", DEFAULT_TOP_K))
                        .optTopP(number("top_p", defaults.topP()))
                        .optMinP(number("min_p", defaults.minP()))
                        .optRepetitionPenalty(
                                number("repetition_penalty", defaults.repetitionPenalty()))
                        .optNoRepeatNgramSize(
                                (int) number("no_repeat_ngram_size", defaults.noRepeatNgramSize()))
                        .optMinNewTokens((int) number("min_new_tokens", defaults.minNewTokens()))
                        .optMaxNewTokens((int) number("max_new_tokens", defaults.maxNewTokens()));
        double temperature = number("temperature", defaults.temperature());
        if (sampled || temperature > 0) {
            // A greedy model's temperature may be 0: it has no effect there.
            options.optTemperature(temperature);
        }
        try {
            options.build();
        } catch (IllegalArgumentException e) {
            throw new JepaException(
                    String.format(Locale.ROOT, "%s: %s. Correct the file.", file, e.getMessage()),
                    e);
        }
        return options;
    }

    private void warnOfOthers() {
        Set<String> others =
                NOT_FOLLOWED.entrySet().stream()
                        .filter(
                                neutral ->
                                        number(neutral.getKey(), neutral.getValue())
                                                != neutral.getValue())
                        .map(Map.Entry::getKey)
                        .collect(Collectors.toCollection(TreeSet::new));
        NOT_FOLLOWED_LISTS.stream().filter(key -> !isNull(key)).forEach(others::add);
        if (!others.isEmpty()) {
            LOG.warn("{}: these keys are not supported and have no effect: {}", file, others);
        }
    }

    private boolean isNull(String key) {
        JsonNode value = config.path(key);
        return value.isMissingNode() || value.isNull();
    }

    private boolean flag(String key) {
        if (isNull(key)) {
            return false;
        }
        if (!config.path(key).isBoolean()) {
            throw wrong(key, "true or false");
        }
        return config.path(key).booleanValue();
    }

    private double number(String key, double absent) {
        if (isNull(key)) {
            return absent;
        }
        if (!config.path(key).isNumber()) {
            throw wrong(key, "a number");
        }
        return config.path(key).doubleValue();
    }

    private JepaException wrong(String key, String expected) {
        return new JepaException(
                String.format(
                        Locale.ROOT,
                        "%s: %s must be %s, not %s. Correct the file.",
                        file,
                        key,
                        expected,
                        config.path(key)));
    }
}
