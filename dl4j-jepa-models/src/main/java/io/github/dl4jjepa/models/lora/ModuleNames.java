package io.github.dl4jjepa.models.lora;

import java.io.Serializable;
import java.util.List;
import java.util.Objects;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;

/**
 * A choice of modules by their names, as peft reads {@code target_modules} and {@code
 * exclude_modules}.
 *
 * @param names a module is chosen if its name, or what follows one of the dots in it, is listed;
 *     empty where a pattern is given
 * @param pattern a regular expression that matches the whole name of a module, or null
 */
public record ModuleNames(List<String> names, @Nullable String pattern) implements Serializable {
    private static final String ALL_LINEAR_NAME = "all-linear";

    /** All linear maps of the layers. */
    public static final ModuleNames ALL_LINEAR = new ModuleNames(List.of(), ".*");

    /** No module. */
    public static final ModuleNames NONE = new ModuleNames(List.of(), null);

    private static final Pattern PLAIN = Pattern.compile("[\\w.]+");

    public ModuleNames {
        names = List.copyOf(names);
        if (pattern != null) {
            try {
                Pattern.compile(pattern);
            } catch (PatternSyntaxException e) {
                throw new IllegalArgumentException(
                        "\"" + pattern + "\" is not a regular expression: " + e.getDescription(),
                        e);
            }
        }
    }

    /**
     * Modules by name.
     *
     * @param names such as {@code q_proj} or {@code layers.0.self_attn.q_proj}
     */
    public static ModuleNames of(List<String> names) {
        return new ModuleNames(names, null);
    }

    /**
     * Modules by a string as peft reads it.
     *
     * @param text {@code all-linear}, or a regular expression that matches whole names
     */
    public static ModuleNames matching(String text) {
        Objects.requireNonNull(text, "text");
        return text.equalsIgnoreCase(ALL_LINEAR_NAME)
                ? ALL_LINEAR
                : new ModuleNames(List.of(), text);
    }

    /**
     * Modules as a command line gives them.
     *
     * @param values names; or one value, which is {@code all-linear}, a name, or a regular
     *     expression that matches whole names
     */
    public static ModuleNames parse(List<String> values) {
        return values.size() == 1 && !PLAIN.matcher(values.get(0)).matches()
                ? matching(values.get(0))
                : of(values);
    }

    /** Whether a module is chosen. */
    public boolean contains(String module) {
        return pattern != null
                ? module.matches(pattern)
                : names.stream().anyMatch(name -> isNamed(module, name));
    }

    static boolean isNamed(String module, String name) {
        return module.equals(name) || module.endsWith("." + name);
    }
}
