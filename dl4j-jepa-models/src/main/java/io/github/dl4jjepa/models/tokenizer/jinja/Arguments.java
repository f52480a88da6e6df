package io.github.dl4jjepa.models.tokenizer.jinja;

import java.util.List;
import java.util.Map;

/** The arguments of a call, a filter or a test, evaluated. */
record Arguments(List<Object> positional, Map<String, Object> named) {
    /** A function of a template. */
    @FunctionalInterface
    interface Function {
        Object call(Arguments arguments);
    }

    /** The positional arguments of a callee that takes {@code least} to {@code most} of them. */
    List<Object> positional(String callee, int least, int most) {
        if (positional.size() < least || positional.size() > most) {
            throw new TemplateException(
                    callee + " is called with " + positional.size() + " arguments");
        }
        return positional;
    }

    /** The positional arguments of a callee that takes no named ones. */
    List<Object> only(String callee, int least, int most) {
        if (!named.isEmpty()) {
            throw new TemplateException(
                    callee + " is called with " + named.keySet() + ", which is not supported");
        }
        return positional(callee, least, most);
    }

    /** An argument that can be given by position or by name. */
    Object get(int index, String name, Object otherwise) {
        return index < positional.size()
                ? positional.get(index)
                : named.getOrDefault(name, otherwise);
    }

    /** Refuses named arguments that are not among {@code known}. */
    Arguments allow(String callee, String... known) {
        for (String name : named.keySet()) {
            if (!List.of(known).contains(name)) {
                throw new TemplateException(
                        callee + " is called with '" + name + "', which is not supported");
            }
        }
        return this;
    }
}
