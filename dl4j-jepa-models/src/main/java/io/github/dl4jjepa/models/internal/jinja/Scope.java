package io.github.dl4jjepa.models.internal.jinja;

import java.util.Collection;
import java.util.HashMap;
import java.util.Map;

/** Variables, and the scope around them. */
final class Scope {
    /**
     * How much one rendering may do: rounds of loops, operations, elements of lists, and characters
     * in tens. A template comes with a model and is not trusted.
     */
    private static final long MAX_WORK = 1L << 23;

    /** How many characters count as one step. */
    private static final int STEP = 16;

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
        if (value instanceof String text) {
            spend(1L + text.length() / STEP);
        } else {
            spend(value instanceof Collection<?> elements ? 1L + elements.size() : 1);
        }
        return value;
    }

    /** Counts the characters of output. */
    void write(int length) {
        spend(1L + length / STEP);
    }

    /** Counts steps, such as the rounds of a loop. */
    void spend(long steps) {
        root.work += steps;
        if (root.work > MAX_WORK) {
            throw new TemplateException("the template takes more than " + MAX_WORK + " steps");
        }
    }
}
