package io.github.dl4jjepa.models.internal.jinja;

import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** The arguments of a call, a filter or a test, evaluated. */
record Arguments(List<Object> positional, Map<String, Object> named) {
    /** A function of a template. */
    @FunctionalInterface
    interface Function {
        Object call(Arguments arguments);
    }

    static final Arguments NONE = new Arguments(List.of(), Map.of());

    static Arguments of(List<Object> positional) {
        return new Arguments(positional, Map.of());
    }

    /** The arguments after the first {@code count} positional ones. */
    Arguments skip(int count) {
        return new Arguments(positional.subList(count, positional.size()), named);
    }

    /** The positional arguments of a callee that takes no named ones. */
    List<Object> only(String callee, int least, int most) {
        if (!named.isEmpty()) {
            throw new TemplateException(callee + "() takes no keyword arguments");
        } else if (positional.size() < least || positional.size() > most) {
            throw count(callee);
        }
        return positional;
    }

    /**
     * The arguments of a callee whose parameters have names, in their order.
     *
     * @param required how many must be given; the others are null-safe defaults
     * @param parameters names and defaults by turns; the defaults of required ones are ignored
     */
    Object[] bind(String callee, int required, Object... parameters) {
        int count = parameters.length / 2;
        if (positional.size() > count) {
            throw count(callee);
        }
        Object[] bound = new Object[count];
        List<Object> names = Arrays.asList(parameters);
        for (String name : named.keySet()) {
            int at = names.indexOf(name);
            if (at < 0 || at % 2 == 1) {
                throw new TemplateException(
                        callee + "() got an unexpected keyword argument '" + name + "'");
            } else if (at / 2 < positional.size()) {
                throw new TemplateException(callee + "() got '" + name + "' twice");
            }
        }
        for (int i = 0; i < count; i++) {
            String name = (String) parameters[2 * i];
            if (i < positional.size()) {
                bound[i] = positional.get(i);
            } else if (named.containsKey(name)) {
                bound[i] = named.get(name);
            } else if (i < required) {
                throw new TemplateException(callee + "() misses the argument '" + name + "'");
            } else {
                bound[i] = parameters[2 * i + 1];
            }
        }
        return bound;
    }

    private TemplateException count(String callee) {
        return new TemplateException(
                callee + "() is called with " + positional.size() + " arguments");
    }
}
