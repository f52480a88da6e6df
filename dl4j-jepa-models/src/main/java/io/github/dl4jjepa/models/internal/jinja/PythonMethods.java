package io.github.dl4jjepa.models.internal.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The attributes and methods of Python's values. */
final class PythonMethods {
    // Methods that change a value are missing: the sandbox makes them undefined.
    private static final Set<String> DICT =
            Set.of("copy", "fromkeys", "get", "items", "keys", "values");

    private static final Set<String> LIST = Set.of("copy", "count", "index");

    private static final Set<String> NUMBER =
            Set.of(
                    "as_integer_ratio",
                    "bit_count",
                    "bit_length",
                    "conjugate",
                    "denominator",
                    "from_bytes",
                    "fromhex",
                    "hex",
                    "imag",
                    "is_integer",
                    "numerator",
                    "real",
                    "to_bytes");

    /** A method with the value that it belongs to. */
    record Method(Object object, String name) implements Arguments.Function {
        @Override
        public Object call(Arguments arguments) {
            if (object instanceof String text) {
                return StringMethods.call(text, name, arguments);
            } else if (object instanceof Map<?, ?> map) {
                return ofDict(map, name, arguments);
            } else if (object instanceof List<?> list) {
                return ofList(list, name, arguments);
            }
            throw unknown(object, name);
        }
    }

    private PythonMethods() {}

    /** {@code getattr(value, name)}, undefined where there is none or the sandbox hides it. */
    static Object attribute(Object value, String name) {
        if (value instanceof Namespace namespace) {
            return name.startsWith("_")
                    ? new Undefined(name)
                    : Python.get(namespace.attributes(), name, new Undefined(name));
        } else if (value instanceof Loop loop) {
            return loop.attribute(name);
        } else if (value instanceof Tuple.Group group
                && !(group.attribute(name) instanceof Undefined)) {
            return group.attribute(name);
        } else if (value instanceof Globals.Attributes object) {
            return object.attribute(name);
        }
        boolean method =
                value instanceof String && StringMethods.NAMES.contains(name)
                        || value instanceof Map && DICT.contains(name)
                        || value instanceof List
                                && LIST.contains(name)
                                && (Python.isList(value) || !name.equals("copy"));
        if (method) {
            return new Method(value, name);
        }
        boolean other =
                Numbers.isNumber(value) && NUMBER.contains(name)
                        || value instanceof Range && Set.of("start", "stop", "step").contains(name)
                        || value instanceof DictView && name.equals("mapping")
                        || value instanceof DictView && name.equals("isdisjoint")
                        || value instanceof Generator
                                && Set.of("close", "send", "throw").contains(name)
                        || (value instanceof Markup || value instanceof Macro)
                                && !name.startsWith("_");
        if (other) {
            throw unknown(value, name);
        }
        return new Undefined(name);
    }

    private static Object ofDict(Map<?, ?> map, String method, Arguments arguments) {
        return switch (method) {
            case "get" -> {
                List<Object> values = arguments.only(method, 1, 2);
                yield Python.get(map, values.get(0), values.size() > 1 ? values.get(1) : null);
            }
            case "copy" -> {
                arguments.only(method, 0, 0);
                yield new java.util.LinkedHashMap<Object, Object>(map);
            }
            case "fromkeys" -> Globals.fromKeys(arguments);
            default -> {
                arguments.only(method, 0, 0);
                yield new DictView(method, map);
            }
        };
    }

    private static Object ofList(List<?> list, String method, Arguments arguments) {
        return switch (method) {
            case "copy" -> {
                arguments.only(method, 0, 0);
                yield new ArrayList<Object>(list);
            }
            case "count" -> {
                Object wanted = arguments.only(method, 1, 1).get(0);
                yield list.stream().filter(element -> same(element, wanted)).count();
            }
            default -> {
                List<Object> values = arguments.only(method, 1, 3);
                Object start = values.size() > 1 ? values.get(1) : null;
                Object stop = values.size() > 2 ? values.get(2) : null;
                List<?> searched = (List<?>) Python.slice(list, start, stop, null);
                for (int i = 0; i < searched.size(); i++) {
                    if (same(searched.get(i), values.get(0))) {
                        yield i + first(start, list.size());
                    }
                }
                throw new TemplateException("the value is not in the list");
            }
        };
    }

    private static long first(Object start, long size) {
        long index = start == null ? 0 : Numbers.integer(start);
        return Math.max(0, index < 0 ? index + size : index);
    }

    private static boolean same(Object left, Object right) {
        return left == right || Python.equal(left, right);
    }

    static TemplateException unknown(Object object, String method) {
        return new TemplateException(
                "the method '"
                        + method
                        + "' of "
                        + Python.type(object)
                        + " is not known to this renderer");
    }
}
