package io.github.dl4jjepa.models.internal.jinja;

import java.util.Map;

/** The value of {@code namespace(…)}: attributes that a loop can assign to. */
record Namespace(Map<Object, Object> attributes) {
    static Namespace create(Arguments arguments) {
        Map<Object, Object> attributes = Globals.dict(arguments);
        attributes.keySet().forEach(Namespace::check);
        return new Namespace(attributes);
    }

    void set(String name, Object value) {
        check(name);
        attributes.put(name, value);
    }

    private static void check(Object name) {
        if (name instanceof String text && text.startsWith("_")) {
            throw new TemplateException("a namespace cannot have the attribute '" + text + "'");
        }
    }
}
