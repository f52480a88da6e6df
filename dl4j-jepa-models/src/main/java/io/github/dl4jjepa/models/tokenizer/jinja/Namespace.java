package io.github.dl4jjepa.models.tokenizer.jinja;

import java.util.HashMap;
import java.util.Map;

/** The value of {@code namespace(…)}: attributes that a loop can assign to. */
record Namespace(Map<String, Object> attributes) {
    static Object create(Arguments arguments) {
        arguments.positional("namespace", 0, 0);
        return new Namespace(new HashMap<>(arguments.named()));
    }
}
