package io.github.dl4jjepa.models.tokenizer.jinja;

import java.util.Collection;
import java.util.HashMap;
import java.util.Map;

/** Variables, and the scope around them. */
final class Scope {
    /**
     * How much one rendering may make: characters and elements of values, characters of output,
     * rounds of loops. A template comes with a model and is not trusted.
     */
    private static final long MAX_WORK = 1L << 27;

    /** Values below this size cost as much as the step that makes them. */
    private static final int SMALL = 64;

    private final Scope parent;
    private final Scope root;
    private final Map<String, Object> variables = new HashMap<>();
    private long work;

    Scope(Map<String, ?> variables) {
        this.parent = null;
        this.root = this;
        this.variables.putAll(variables);
    }

    private Scope(Scope parent) {
        this.parent = parent;
        this.root = parent.root;
    }

    /** A scope inside this one, in which the names that {@code frame} hides are undefined. */
    Scope child(Frame frame) {
        Scope child = new Scope(this);
        child.enter(frame);
        return child;
    }

    void enter(Frame frame) {
        for (String name : frame.hidden()) {
            variables.put(name, new Undefined(name));
        }
    }

    Object get(String name) {
        for (Scope scope = this; scope != null; scope = scope.parent) {
            Object value = scope.variables.get(name);
            if (value != null || scope.variables.containsKey(name)) {
                return value;
            }
        }
        return new Undefined(name);
    }

    void set(String name, Object value) {
        variables.put(name, value);
    }

    /** Counts what making a value costs, and returns it. */
    Object charge(Object value) {
        int size =
                value instanceof String text
                        ? text.length()
                        : value instanceof Collection<?> elements ? elements.size() : 0;
        spend(size < SMALL ? 1 : size);
        return value;
    }

    void spend(long amount) {
        root.work += amount;
        if (root.work > MAX_WORK) {
            throw new TemplateException(
                    "the template makes more than " + MAX_WORK + " characters or elements");
        }
    }
}
