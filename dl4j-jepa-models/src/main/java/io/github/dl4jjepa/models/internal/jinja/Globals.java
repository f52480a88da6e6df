package io.github.dl4jjepa.models.internal.jinja;

import java.time.LocalDate;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The functions that a template can call. */
final class Globals {
    /** A value with attributes of its own. */
    interface Attributes {
        Object attribute(String name);
    }

    private Globals() {}

    /** By their names. {@code today} is what {@code strftime_now} shows, at midnight. */
    static Map<String, Object> functions(LocalDate today) {
        Map<String, Object> functions = new HashMap<>();
        functions.put("raise_exception", (Arguments.Function) Globals::raise);
        functions.put("namespace", (Arguments.Function) Namespace::create);
        functions.put("range", (Arguments.Function) Globals::range);
        functions.put("dict", new Dict());
        functions.put("cycler", (Arguments.Function) Cycler::create);
        functions.put("joiner", (Arguments.Function) Globals::joiner);
        functions.put(
                "lipsum",
                (Arguments.Function)
                        arguments -> {
                            throw new TemplateException("lipsum() is random and not supported");
                        });
        functions.put(
                "strftime_now",
                (Arguments.Function)
                        arguments ->
                                Strftime.format(
                                        Python.string(
                                                arguments.bind("strftime_now", 1, "format", "")[0]),
                                        today.atStartOfDay()));
        return functions;
    }

    private static Object raise(Arguments arguments) {
        Object message = arguments.bind("raise_exception", 1, "message", null)[0];
        throw TemplateException.raised(Text.str(message));
    }

    private static Object range(Arguments arguments) {
        List<Object> bounds = arguments.only("range", 1, 3);
        long start = bounds.size() > 1 ? Numbers.integer(bounds.get(0)) : 0;
        long stop = Numbers.integer(bounds.get(bounds.size() > 1 ? 1 : 0));
        return new Range(start, stop, bounds.size() > 2 ? Numbers.integer(bounds.get(2)) : 1);
    }

    private record Dict() implements Arguments.Function, Attributes {
        @Override
        public Object call(Arguments arguments) {
            return dict(arguments);
        }

        @Override
        public Object attribute(String name) {
            return name.equals("fromkeys")
                    ? (Arguments.Function) Globals::fromKeys
                    : new Undefined(name);
        }
    }

    /** {@code dict(pairs or mapping, key=value, …)}. */
    static Map<Object, Object> dict(Arguments arguments) {
        if (arguments.positional().size() > 1) {
            throw new TemplateException("dict() is called with more than one argument");
        }
        Map<Object, Object> dict = new LinkedHashMap<>();
        for (Object source : arguments.positional()) {
            if (source instanceof Map<?, ?> map) {
                dict.putAll(map);
                continue;
            }
            for (Object pair : Python.list(source)) {
                List<Object> parts = Python.list(pair);
                if (parts.size() != 2) {
                    throw new TemplateException("dict() needs pairs");
                }
                Python.put(dict, parts.get(0), parts.get(1));
            }
        }
        dict.putAll(arguments.named());
        return dict;
    }

    /** {@code dict.fromkeys(keys, value)}. */
    static Object fromKeys(Arguments arguments) {
        List<Object> values = arguments.only("fromkeys", 1, 2);
        Map<Object, Object> dict = new LinkedHashMap<>();
        for (Object key : Python.list(values.get(0))) {
            Python.put(dict, key, values.size() > 1 ? values.get(1) : null);
        }
        return dict;
    }

    private static Object joiner(Arguments arguments) {
        Object separator = arguments.bind("joiner", 0, "sep", ", ")[0];
        boolean[] used = {false};
        return (Arguments.Function)
                call -> {
                    call.only("joiner", 0, 0);
                    Object written = used[0] ? separator : "";
                    used[0] = true;
                    return written;
                };
    }

    private static final class Cycler implements Attributes {
        private final List<Object> items;
        private int position;

        private Cycler(List<Object> items) {
            this.items = items;
        }

        static Object create(Arguments arguments) {
            return new Cycler(arguments.only("cycler", 1, Integer.MAX_VALUE));
        }

        @Override
        public Object attribute(String name) {
            return switch (name) {
                case "current" -> items.get(position);
                case "items" -> new Tuple(items);
                case "pos" -> (long) position;
                case "next" ->
                        (Arguments.Function)
                                arguments -> {
                                    arguments.only(name, 0, 0);
                                    Object current = items.get(position);
                                    position = (position + 1) % items.size();
                                    return current;
                                };
                case "reset" ->
                        (Arguments.Function)
                                arguments -> {
                                    arguments.only(name, 0, 0);
                                    position = 0;
                                    return null;
                                };
                default -> new Undefined(name);
            };
        }
    }
}
