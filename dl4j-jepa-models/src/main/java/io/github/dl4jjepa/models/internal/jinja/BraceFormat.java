package io.github.dl4jjepa.models.internal.jinja;

import java.util.List;
import java.util.Map;

/** {@code str.format}, as the sandbox has it. */
final class BraceFormat {
    private final List<Object> positional;
    private final Map<?, ?> named;
    private int next;
    private boolean numbered;

    private BraceFormat(List<Object> positional, Map<?, ?> named) {
        this.positional = positional;
        this.named = named;
    }

    static String format(String format, Arguments arguments) {
        return format(format, arguments.positional(), arguments.named());
    }

    static String format(String format, List<Object> positional, Map<?, ?> named) {
        return new BraceFormat(positional, named).run(format, 2);
    }

    private String run(String format, int depth) {
        if (depth == 0) {
            throw new TemplateException("a format is nested too deeply");
        }
        Text out = new Text();
        for (int i = 0; i < format.length(); i++) {
            char c = format.charAt(i);
            if ((c == '{' || c == '}') && format.startsWith(String.valueOf(c), i + 1)) {
                out.append(c);
                i++;
            } else if (c == '{') {
                int close = closing(format, i);
                out.append(field(format.substring(i + 1, close), depth));
                i = close;
            } else if (c == '}') {
                throw new TemplateException("single '}' in a format");
            } else {
                out.append(c);
            }
        }
        return out.toString();
    }

    private static int closing(String format, int open) {
        int depth = 0;
        for (int i = open; i < format.length(); i++) {
            depth += format.charAt(i) == '{' ? 1 : format.charAt(i) == '}' ? -1 : 0;
            if (depth == 0) {
                return i;
            }
        }
        throw new TemplateException("a field of a format is not closed");
    }

    private String field(String field, int depth) {
        int end = 0;
        boolean index = false;
        while (end < field.length() && (index || "!:".indexOf(field.charAt(end)) < 0)) {
            index = field.charAt(end) == '[' || index && field.charAt(end) != ']';
            end++;
        }
        Object value = value(field.substring(0, end));
        String rest = field.substring(end);
        if (rest.startsWith("!")) {
            boolean whole = rest.length() == 2 || rest.length() > 2 && rest.charAt(2) == ':';
            char conversion = whole ? rest.charAt(1) : ' ';
            value =
                    switch (conversion) {
                        case 's' -> Text.str(value);
                        case 'r' -> Text.repr(value);
                        default ->
                                throw new TemplateException(
                                        "the conversion '"
                                                + rest
                                                + "' is not known to this renderer");
                    };
            rest = rest.substring(2);
        }
        String spec = rest.isEmpty() ? "" : run(rest.substring(1), depth - 1);
        return FormatSpec.format(value, spec);
    }

    private Object value(String path) {
        int end = 0;
        while (end < path.length() && ".[".indexOf(path.charAt(end)) < 0) {
            end++;
        }
        Object value = first(path.substring(0, end));
        while (end < path.length()) {
            int start = end + 1;
            if (path.charAt(end) == '.') {
                end = start;
                while (end < path.length() && ".[".indexOf(path.charAt(end)) < 0) {
                    end++;
                }
                value = Python.attribute(value, path.substring(start, end));
            } else {
                int close = path.indexOf(']', start);
                if (close <= start) {
                    throw new TemplateException("a field of a format has a wrong index");
                }
                String key = path.substring(start, close);
                value = Python.item(value, isNumber(key) ? Long.valueOf(key) : key);
                end = close + 1;
            }
        }
        return value;
    }

    private Object first(String name) {
        if (name.isEmpty() || isNumber(name)) {
            if (!name.isEmpty() && next > 0 || name.isEmpty() && numbered) {
                throw new TemplateException("a format mixes numbered and unnumbered fields");
            }
            numbered |= !name.isEmpty();
            long index = name.isEmpty() ? next++ : Long.parseLong(name);
            if (index >= positional.size()) {
                throw new TemplateException("a format has more fields than arguments");
            }
            return positional.get((int) index);
        }
        Object value = Python.get(named, name, new Undefined(name));
        if (value instanceof Undefined undefined) {
            throw undefined.error();
        }
        return value;
    }

    private static boolean isNumber(String name) {
        return name.matches("[0-9]{1,9}");
    }
}
