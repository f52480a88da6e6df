package io.github.dl4jjepa.models.tokenizer.jinja;

import java.util.HashMap;
import java.util.Map;

/** Variables, and the scope around them. */
final class Scope {
    private final Scope parent;
    private final Map<String, Object> variables = new HashMap<>();

    Scope(Map<String, ?> variables) {
        this.parent = null;
        this.variables.putAll(variables);
    }

    private Scope(Scope parent) {
        this.parent = parent;
    }

    Scope child() {
        return new Scope(this);
    }

    Object get(String name) {
        for (Scope scope = this; scope != null; scope = scope.parent) {
            if (scope.variables.containsKey(name)) {
                return scope.variables.get(name);
            }
        }
        return new Undefined(name);
    }

    void set(String name, Object value) {
        variables.put(name, value);
    }
}
