package io.github.dl4jjepa.models.internal.jinja;

import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** {@code format % values}. */
final class PercentFormat {
    private static final Pattern DIRECTIVE =
            Pattern.compile(
                    "%(?:\\(([^)]*)\\))?([-+ #0]*)(\\*|[0-9]*)(?:\\.(\\*|[0-9]*))?[hlL]?(.)",
                    Pattern.DOTALL);

    private final List<?> values;
    private final Object named;
    private int next;

    private PercentFormat(Object values) {
        this.values = values instanceof Tuple several ? several : java.util.Arrays.asList(values);
        this.named = values;
    }

    static String format(String format, Object values) {
        return new PercentFormat(values).run(format);
    }

    private String run(String format) {
        Text out = new Text();
        int position = 0;
        int percent = format.indexOf('%');
        while (percent >= 0) {
            out.append(format.substring(position, percent));
            Matcher matcher = DIRECTIVE.matcher(format).region(percent, format.length());
            if (!matcher.lookingAt()) {
                throw new TemplateException("incomplete format '" + format + "'");
            }
            out.append(directive(matcher));
            position = matcher.end();
            percent = format.indexOf('%', position);
        }
        out.append(format.substring(position));
        if (next < values.size() && !(named instanceof Map) && !isIgnored()) {
            throw new TemplateException("not all arguments converted during string formatting");
        }
        return out.toString();
    }

    /** Python lets a single value stay unused that takes subscripts, as a dict does. */
    private boolean isIgnored() {
        return Python.isList(named) || named instanceof Range || named instanceof Undefined;
    }

    private String directive(Matcher matcher) {
        char type = matcher.group(5).charAt(0);
        if (matcher.group(3).equals("*") || "*".equals(matcher.group(4))) {
            throw new TemplateException("the format '*' is not known to this renderer");
        }
        if (type == '%') {
            return "%";
        }
        Object value = value(matcher.group(1));
        String flags = matcher.group(2);
        String digits = matcher.group(4);
        int precision = digits == null ? -1 : digits.isEmpty() ? 0 : (int) number(digits);
        boolean left = flags.contains("-");
        boolean zero = flags.contains("0") && !left && "diuxXoeEfFgG".indexOf(type) >= 0;
        FormatSpec spec =
                new FormatSpec(
                        zero ? "0" : " ",
                        left ? "<" : zero ? "=" : ">",
                        flags.contains("+") ? '+' : flags.contains(" ") ? ' ' : '-',
                        flags.contains("#"),
                        matcher.group(3).isEmpty() ? 0 : number(matcher.group(3)),
                        "",
                        precision,
                        "iu".indexOf(type) >= 0 ? 'd' : type);
        return switch (type) {
            case 's' -> text(Text.str(value), spec);
            case 'r' -> text(Text.repr(value), spec);
            case 'c' -> text(character(value), spec);
            case 'd', 'i', 'u', 'x', 'X', 'o' -> spec.writeInteger(Numbers.big(whole(value, type)));
            case 'e', 'E', 'f', 'F', 'g', 'G' -> spec.writeReal(Numbers.real(number(value, type)));
            default -> throw new TemplateException("unsupported format character '" + type + "'");
        };
    }

    private static String text(String text, FormatSpec spec) {
        String cut =
                spec.precision() >= 0 && spec.precision() < Python.length(text)
                        ? Python.substring(text, 0, spec.precision())
                        : text;
        return StringMethods.pad(
                cut, spec.align().equals("<") ? "ljust" : "rjust", spec.width(), " ");
    }

    @SuppressWarnings("OrphanedFormatString") // Python's message
    private static String character(Object value) {
        if (value instanceof String text && Python.length(text) == 1) {
            return text;
        } else if (Numbers.isInteger(value)
                && Character.isValidCodePoint((int) Numbers.integer(value))) {
            return Character.toString((int) Numbers.integer(value));
        }
        throw new TemplateException("%c requires an int or a character");
    }

    private static Object whole(Object value, char type) {
        if (value instanceof Double real && "diu".indexOf(type) >= 0) {
            return Numbers.truncate(real);
        } else if (!Numbers.isInteger(value)) {
            throw new TemplateException(
                    "%" + type + " requires a number, not " + Python.type(value));
        }
        return value;
    }

    private static Object number(Object value, char type) {
        if (!Numbers.isNumber(value)) {
            throw new TemplateException(
                    "%" + type + " requires a number, not " + Python.type(value));
        }
        return value;
    }

    private static long number(String digits) {
        long number = digits.length() > 9 ? Integer.MAX_VALUE : Long.parseLong(digits);
        Text.limit(number);
        return number;
    }

    private Object value(String name) {
        if (name != null) {
            if (!(named instanceof Map<?, ?> map)) {
                throw new TemplateException("format requires a mapping");
            }
            Object value = Python.get(map, name, new Undefined(name));
            if (value instanceof Undefined undefined) {
                throw undefined.error();
            }
            return value;
        } else if (next >= values.size()) {
            throw new TemplateException("not enough arguments for format string");
        }
        return values.get(next++);
    }
}
