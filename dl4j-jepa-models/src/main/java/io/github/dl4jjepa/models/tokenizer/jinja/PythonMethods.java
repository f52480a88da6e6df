package io.github.dl4jjepa.models.tokenizer.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** The methods of Python's str and dict that chat templates call. */
final class PythonMethods {
    private static final Set<String> DICT =
            Set.of(
                    "clear",
                    "copy",
                    "fromkeys",
                    "get",
                    "items",
                    "keys",
                    "pop",
                    "popitem",
                    "setdefault",
                    "update",
                    "values");

    private PythonMethods() {}

    static boolean isDictMethod(String name) {
        return DICT.contains(name);
    }

    static Object call(Object object, String method, Arguments arguments) {
        if (object instanceof Undefined undefined) {
            throw undefined.error();
        } else if (object instanceof String text) {
            return ofString(text, method, arguments);
        } else if (object instanceof Map<?, ?> map && isDictMethod(method)) {
            return ofDict(map, method, arguments);
        } else if (Python.item(object, method) instanceof Arguments.Function function) {
            return function.call(arguments);
        }
        throw unknown(object, method);
    }

    private static Object ofString(String text, String method, Arguments arguments) {
        List<Object> values = arguments.only(method, 0, 3);
        return switch (method) {
            case "strip" -> Python.strip(text, characters(arguments, method), true, true);
            case "lstrip" -> Python.strip(text, characters(arguments, method), true, false);
            case "rstrip" -> Python.strip(text, characters(arguments, method), false, true);
            case "startswith" -> affixes(arguments, method).stream().anyMatch(text::startsWith);
            case "endswith" -> affixes(arguments, method).stream().anyMatch(text::endsWith);
            case "split" -> split(text, arguments);
            case "upper" -> text.toUpperCase(Locale.ROOT);
            case "lower" -> text.toLowerCase(Locale.ROOT);
            case "replace" -> {
                arguments.only(method, 2, 2);
                yield text.replace(Python.string(values.get(0)), Python.string(values.get(1)));
            }
            case "find" -> {
                int found = text.indexOf(Python.string(arguments.only(method, 1, 1).get(0)));
                yield found < 0 ? -1L : (long) text.codePointCount(0, found);
            }
            case "count" -> {
                String part = Python.string(arguments.only(method, 1, 1).get(0));
                yield part.isEmpty()
                        ? Python.length(text) + 1
                        : splitAt(text, part, -1).size() - 1L;
            }
            case "join" ->
                    String.join(
                            text,
                            Python.iterate(arguments.only(method, 1, 1).get(0)).stream()
                                    .map(Python::string)
                                    .toList());
            case "removeprefix" -> {
                String prefix = Python.string(arguments.only(method, 1, 1).get(0));
                yield text.startsWith(prefix) ? text.substring(prefix.length()) : text;
            }
            case "removesuffix" -> {
                String suffix = Python.string(arguments.only(method, 1, 1).get(0));
                yield text.endsWith(suffix)
                        ? text.substring(0, text.length() - suffix.length())
                        : text;
            }
            default -> throw unknown(text, method);
        };
    }

    private static Object ofDict(Map<?, ?> map, String method, Arguments arguments) {
        return switch (method) {
            case "get" -> {
                List<Object> values = arguments.only(method, 1, 2);
                Object otherwise = values.size() > 1 ? values.get(1) : null;
                yield map.containsKey(values.get(0)) ? map.get(values.get(0)) : otherwise;
            }
            case "items" -> {
                arguments.only(method, 0, 0);
                yield items(map);
            }
            case "keys" -> {
                arguments.only(method, 0, 0);
                yield new ArrayList<Object>(map.keySet());
            }
            case "values" -> {
                arguments.only(method, 0, 0);
                yield new ArrayList<Object>(map.values());
            }
            default -> throw unknown(map, method);
        };
    }

    static List<Object> items(Map<?, ?> map) {
        List<Object> items = new ArrayList<>();
        map.forEach(
                (key, value) -> {
                    List<Object> item = new ArrayList<>();
                    item.add(key);
                    item.add(value);
                    items.add(item);
                });
        return items;
    }

    private static String characters(Arguments arguments, String method) {
        List<Object> values = arguments.only(method, 0, 1);
        return values.isEmpty() || values.get(0) == null ? null : Python.string(values.get(0));
    }

    private static List<String> affixes(Arguments arguments, String method) {
        Object affix = arguments.only(method, 1, 1).get(0);
        return affix instanceof List<?> several
                ? several.stream().map(Python::string).toList()
                : List.of(Python.string(affix));
    }

    private static List<Object> split(String text, Arguments arguments) {
        List<Object> values = arguments.only("split", 0, 2);
        long most = values.size() > 1 ? Python.integer(values.get(1)) : -1;
        if (!values.isEmpty() && values.get(0) != null) {
            return splitAt(text, Python.string(values.get(0)), most);
        }
        List<Object> parts = new ArrayList<>();
        String rest = Python.strip(text, null, true, false);
        while (!rest.isEmpty() && (most < 0 || parts.size() < most)) {
            int end = 0;
            while (end < rest.length() && !Python.isSpace(rest.charAt(end))) {
                end++;
            }
            parts.add(rest.substring(0, end));
            rest = Python.strip(rest.substring(end), null, true, false);
        }
        if (!rest.isEmpty()) {
            parts.add(rest);
        }
        return parts;
    }

    private static List<Object> splitAt(String text, String separator, long most) {
        if (separator.isEmpty()) {
            throw new TemplateException("empty separator");
        }
        List<Object> parts = new ArrayList<>();
        int start = 0;
        int found = text.indexOf(separator);
        while (found >= 0 && (most < 0 || parts.size() < most)) {
            parts.add(text.substring(start, found));
            start = found + separator.length();
            found = text.indexOf(separator, start);
        }
        parts.add(text.substring(start));
        return parts;
    }

    private static TemplateException unknown(Object object, String method) {
        return new TemplateException(
                "the method '"
                        + method
                        + "' of "
                        + Python.type(object)
                        + " is not known to this renderer");
    }
}
