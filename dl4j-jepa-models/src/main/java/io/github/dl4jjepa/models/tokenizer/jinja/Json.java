package io.github.dl4jjepa.models.tokenizer.jinja;

import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;

/** {@code json.dumps(value, ensure_ascii=False)}, as the tojson filter of transformers has it. */
final class Json {
    private final StringBuilder out = new StringBuilder();
    private final int indent;

    private Json(int indent) {
        this.indent = indent;
    }

    /**
     * Writes a value.
     *
     * @param indent blanks a level; negative for one line
     */
    static String write(Object value, int indent) {
        Json json = new Json(indent);
        json.value(value, 0);
        return json.out.toString();
    }

    private void value(Object value, int level) {
        if (value == null) {
            out.append("null");
        } else if (value instanceof String text) {
            string(text);
        } else if (value instanceof Boolean || value instanceof Long) {
            out.append(value);
        } else if (value instanceof Double number) {
            out.append(number(number));
        } else if (value instanceof List<?> list) {
            elements('[', ']', list, level, element -> value(element, level + 1));
        } else if (value instanceof Map<?, ?> map) {
            elements(
                    '{',
                    '}',
                    map.entrySet(),
                    level,
                    entry -> {
                        string(Python.string(entry.getKey()));
                        out.append(": ");
                        value(entry.getValue(), level + 1);
                    });
        } else {
            throw new TemplateException(
                    "Object of type " + Python.type(value) + " is not JSON serializable");
        }
    }

    private <T> void elements(
            char open, char close, Collection<T> elements, int level, Consumer<T> write) {
        out.append(open);
        String separator = "";
        for (T element : elements) {
            out.append(separator);
            lineBreak(level + 1);
            write.accept(element);
            separator = indent < 0 ? ", " : ",";
        }
        if (!elements.isEmpty()) {
            lineBreak(level);
        }
        out.append(close);
    }

    private void lineBreak(int level) {
        if (indent >= 0) {
            out.append('\n').append(" ".repeat(indent * level));
        }
    }

    private static String number(double number) {
        if (Double.isNaN(number)) {
            return "NaN";
        } else if (Double.isInfinite(number)) {
            return number > 0 ? "Infinity" : "-Infinity";
        }
        return Python.floatText(number);
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
                    if (c < 0x20) {
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
