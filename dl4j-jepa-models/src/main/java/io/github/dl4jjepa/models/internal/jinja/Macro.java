package io.github.dl4jjepa.models.internal.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A macro, or the body of a call block, with the scope that it sees. */
record Macro(Definition definition, Scope scope) implements Arguments.Function {
    /**
     * What a template says of a macro.
     *
     * @param name null for the body of a call block
     * @param defaults those of the last parameters
     */
    record Definition(
            String name,
            List<String> parameters,
            List<Expression> defaults,
            Block body,
            Frame frame,
            boolean takesCaller,
            boolean takesNamed,
            boolean takesMore) {}

    @Override
    public Object call(Arguments arguments) {
        List<String> parameters = definition.parameters();
        Map<String, Object> named = new LinkedHashMap<>(arguments.named());
        List<Object> positional = arguments.positional();
        Scope inner = scope.child(definition.frame());
        int given = Math.min(parameters.size(), positional.size());
        List<String> missing = new ArrayList<>();
        for (int i = 0; i < parameters.size(); i++) {
            String parameter = parameters.get(i);
            if (i < given) {
                inner.set(parameter, positional.get(i));
            } else if (named.containsKey(parameter)) {
                inner.set(parameter, named.remove(parameter));
            } else {
                inner.set(parameter, new Undefined(parameter));
                missing.add(parameter);
            }
        }
        if (definition.takesCaller() && !parameters.contains("caller")) {
            Object caller = named.remove("caller");
            inner.set("caller", caller == null ? new Undefined("caller") : caller);
        }
        if (definition.takesNamed()) {
            inner.set("kwargs", new LinkedHashMap<Object, Object>(named));
        } else if (!named.isEmpty()) {
            throw new TemplateException(
                    this + " takes no keyword argument '" + named.keySet().iterator().next() + "'");
        }
        if (definition.takesMore()) {
            inner.set("varargs", new Tuple(positional.subList(given, positional.size())));
        } else if (positional.size() > given) {
            throw new TemplateException(
                    this + " takes not more than " + parameters.size() + " argument(s)");
        }
        int undefaulted = parameters.size() - definition.defaults().size();
        for (int i = undefaulted; i < parameters.size(); i++) {
            if (missing.contains(parameters.get(i))) {
                Expression value = definition.defaults().get(i - undefaulted);
                inner.set(parameters.get(i), value.evaluate(inner));
            }
        }
        scope.spend(1);
        return Block.capture(definition.body(), inner);
    }

    @Override
    public String toString() {
        String name = definition.name();
        return "<Macro " + (name == null ? "anonymous" : "'" + name + "'") + ">";
    }
}
