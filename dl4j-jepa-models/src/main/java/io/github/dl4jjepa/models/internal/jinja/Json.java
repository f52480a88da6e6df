package io.github.dl4jjepa.models.internal.jinja;

import java.math.BigInteger;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;

/** The filter {@code tojson} of transformers: Python's {@code json.dumps}. */
final class Json {
    private final Text out = new Text();
    private final boolean ascii;
    private final boolean sorted;

    /** What one level is indented by; null for one line. */
    private final String indent;

    private final String itemSeparator;
    private final String keySeparator;

    private Json(boolean ascii, Object indent, Object separators, boolean sorted) {
        this.ascii = ascii;
        this.sorted = sorted;
        this.indent =
                indent == null || indent instanceof String
                        ? (String) indent
                        : Text.repeat(" ", Numbers.integer(indent));
        List<Object> given =
                separators == null
                        ? List.of(indent == null ? ", " : ",", ": ")
                        : Python.list(separators);
        if (given.size() != 2) {
            throw new TemplateException("tojson() needs two separators");
        }
        this.itemSeparator = Python.string(given.get(0));
        this.keySeparator = Python.string(given.get(1));
    }

    static String write(Object value, Arguments arguments) {
        Object[] bound =
                arguments.bind(
                        "tojson",
                        0,
                        "ensure_ascii",
                        false,
                        "indent",
                        null,
                        "separators",
                        null,
                        "sort_keys",
                        false);
        Json json = new Json(Python.truth(bound[0]), bound[1], bound[2], Python.truth(bound[3]));
        json.value(value, 0);
        return json.out.toString();
    }

    private void value(Object value, int level) {
        if (value instanceof String text) {
            string(text);
        } else if (value instanceof Tuple || Python.isList(value)) {
            elements("[", "]", (List<?>) value, level, element -> value(element, level + 1));
        } else if (value instanceof Map<?, ?> map) {
            elements(
                    "{",
                    "}",
                    entries(map),
                    level,
                    entry -> {
                        string(key(entry.getKey()));
                        out.append(keySeparator);
                        value(entry.getValue(), level + 1);
                    });
        } else {
            out.append(scalar(value));
        }
    }

    private static String scalar(Object value) {
        if (value == null) {
            return "null";
        } else if (value instanceof Boolean truth) {
            return truth ? "true" : "false";
        } else if (value instanceof BigInteger number) {
            return Text.integer(number);
        } else if (value instanceof Long) {
            return value.toString();
        } else if (value instanceof Double number) {
            return number.isNaN()
                    ? "NaN"
                    : number.isInfinite()
                            ? (number > 0 ? "" : "-") + "Infinity"
                            : Text.real(number);
        }
        throw new TemplateException(
                "Object of type " + Python.type(value) + " is not JSON serializable");
    }

    private static String key(Object key) {
        if (key instanceof String text) {
            return text;
        } else if (key instanceof Tuple || key instanceof Range) {
            throw new TemplateException("keys of JSON cannot be of type " + Python.type(key));
        }
        return scalar(key);
    }

    private Collection<Map.Entry<?, ?>> entries(Map<?, ?> map) {
        List<Map.Entry<?, ?>> entries = new java.util.ArrayList<>(map.entrySet());
        if (sorted) {
            entries.sort((a, b) -> Filters.ORDER.compare(a.getKey(), b.getKey()));
        }
        return entries;
    }

    private <T> void elements(
            String open, String close, Collection<T> elements, int level, Consumer<T> write) {
        out.append(open);
        String separator = "";
        for (T element : elements) {
            out.append(separator);
            lineBreak(level + 1);
            write.accept(element);
            separator = itemSeparator;
        }
        if (!elements.isEmpty()) {
            lineBreak(level);
        }
        out.append(close);
    }

    private void lineBreak(int level) {
        if (indent != null) {
            out.append("\n").append(Text.repeat(indent, level));
        }
    }

    private void string(String text) {
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"' -> out.append("\\\"");
                case '\\' -> out.append("\\\\");
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case '\f' -> out.append("\\f");
                case '\b' -> out.append("\\b");
                default -> {
                    if (c < 0x20 || ascii && c > 0x7e) {
                        out.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
                    } else {
                        out.append(c);
                    }
                }
            }
        }
        out.append('"');
    }
}
