package io.github.dl4jjepa.models.internal.family;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.dl4jjepa.core.JepaException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;

/**
 * A config.json, or an object inside one, whose values are checked as they are read. A null counts
 * as absent, as in transformers.
 */
public final class ConfigJson {
    private final JsonNode object;
    private final String source;
    private final String path;
    private final Set<String> read;

    /**
     * @param object the JSON object
     * @param source the file it was read from, for messages
     */
    public ConfigJson(JsonNode object, String source) {
        this(object, source, "", new TreeSet<>());
    }

    private ConfigJson(JsonNode object, String source, String path, Set<String> read) {
        this.object = object;
        this.source = source;
        this.path = path;
        this.read = read;
    }

    /** All keys that are there, in the file's order. */
    public List<String> keys() {
        List<String> keys = new ArrayList<>();
        object.fieldNames().forEachRemaining(keys::add);
        return keys;
    }

    /** The keys that were asked for so far and are there, those of objects as {@code outer.key}. */
    public Set<String> keysRead() {
        return Collections.unmodifiableSet(read);
    }

    /** Whether a key is there and not null. */
    public boolean has(String key) {
        note(key);
        return object.hasNonNull(key);
    }

    /** Whether a key is there with the value null, which is not its default. */
    public boolean isNull(String key) {
        note(key);
        return object.has(key) && object.get(key).isNull();
    }

    /**
     * Refuses a value that asks for what is not supported.
     *
     * @param key the key
     * @param supported the one value that is; it counts as said where the key is absent or null
     */
    public void require(String key, boolean supported) {
        if (has(key) && flag(key, supported) != supported) {
            throw refusal(key, !supported + " is not supported", "it must be " + supported);
        }
    }

    /** Strings, or nothing where there are none. */
    public Optional<List<String>> strings(String key) {
        if (!has(key)) {
            return Optional.empty();
        }
        List<String> strings = new ArrayList<>();
        for (JsonNode element : required(key, JsonNode::isArray, "an array of strings")) {
            if (!element.isTextual()) {
                throw refusal(key, "found " + element, "it must be an array of strings");
            }
            strings.add(element.textValue());
        }
        return Optional.of(strings);
    }

    /** A string that must be there. */
    public String string(String key) {
        return required(key, JsonNode::isTextual, "a string").textValue();
    }

    /** A string, or a default where there is none. */
    public String string(String key, String absent) {
        return has(key) ? string(key) : absent;
    }

    /** An integer from 1 up that must be there. */
    public int positive(String key) {
        return integer(key, 1, "a positive integer");
    }

    private int integer(String key, int least, String expected) {
        return required(
                        key,
                        node ->
                                node.isIntegralNumber()
                                        && node.canConvertToInt()
                                        && node.intValue() >= least,
                        expected)
                .intValue();
    }

    /** An integer from 1 up, or a default where there is none. */
    public int positive(String key, int absent) {
        return has(key) ? positive(key) : absent;
    }

    /** An integer from 0 up, or a default where there is none. */
    public int natural(String key, int absent) {
        return has(key) ? integer(key, 0, "an integer that is not negative") : absent;
    }

    /** A number that must be there. */
    public double number(String key) {
        return required(
                        key,
                        node -> node.isNumber() && Double.isFinite(node.doubleValue()),
                        "a number")
                .doubleValue();
    }

    /** A number, or a default where there is none. */
    public double number(String key, double absent) {
        return has(key) ? number(key) : absent;
    }

    /** A truth value, or a default where there is none. */
    public boolean flag(String key, boolean absent) {
        return has(key)
                ? required(key, JsonNode::isBoolean, "true or false").booleanValue()
                : absent;
    }

    /**
     * Integers from 1 up that must be there.
     *
     * @param count how many
     */
    public List<Integer> positives(String key, int count) {
        return elements(
                        key,
                        count,
                        node -> node.canConvertToInt() && node.isInt() && node.intValue() > 0,
                        "positive integers")
                .stream()
                .map(JsonNode::intValue)
                .toList();
    }

    /**
     * Positive numbers that must be there.
     *
     * @param count how many
     */
    public List<Double> numbers(String key, int count) {
        return elements(
                        key,
                        count,
                        node -> node.isNumber() && node.doubleValue() > 0,
                        "positive numbers")
                .stream()
                .map(JsonNode::doubleValue)
                .toList();
    }

    /** Positive numbers that must be there, however many. */
    public List<Double> numbers(String key) {
        return numbers(key, required(key, JsonNode::isArray, "an array of numbers").size());
    }

    private List<JsonNode> elements(
            String key, int count, Predicate<JsonNode> valid, String expected) {
        List<JsonNode> elements = new ArrayList<>();
        required(key, JsonNode::isArray, "an array of " + expected).forEach(elements::add);
        if (elements.size() != count || !elements.stream().allMatch(valid)) {
            throw refusal(
                    key, "found " + elements, "it must be an array of " + count + " " + expected);
        }
        return elements;
    }

    /** An object, or nothing where there is none. */
    public Optional<ConfigJson> object(String key) {
        if (!has(key)) {
            return Optional.empty();
        }
        return Optional.of(
                new ConfigJson(
                        required(key, JsonNode::isObject, "an object"),
                        source,
                        path + key + ".",
                        read));
    }

    /**
     * The exception that refuses a value.
     *
     * @param key the key it stands under
     * @param fault what is wrong with it
     * @param remedy what would be right
     */
    public JepaException refusal(String key, String fault, String remedy) {
        return new JepaException(source + ": " + path + key + ": " + fault + "; " + remedy);
    }

    private void note(String key) {
        if (object.has(key)) {
            read.add(path + key);
        }
    }

    private JsonNode required(String key, Predicate<JsonNode> valid, String expected) {
        note(key);
        JsonNode node = object.get(key);
        if (node == null || node.isNull()) {
            throw refusal(key, "missing", "it must be " + expected);
        }
        if (!valid.test(node)) {
            throw refusal(key, "found " + node, "it must be " + expected);
        }
        return node;
    }
}
