package io.github.dl4jjepa.models.internal.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.Collection;
import java.util.Locale;
import java.util.Map;

/** Text under construction, of bounded length; and Python's {@code str} and {@code repr}. */
final class Text {
    /** The most characters of a string. */
    private static final int MAX_SIZE = 1 << 23;

    /** The most elements of a list. */
    private static final int MAX_ELEMENTS = 1 << 20;

    /** The most digits of an integer that Python writes or reads. */
    static final int MAX_DIGITS = 4300;

    private static final String DICT_VIEW = "dict_";

    private final StringBuilder out = new StringBuilder();

    /** Refuses a string that is too long. */
    static void limit(long length) {
        limit(length, MAX_SIZE, "characters");
    }

    /** Refuses a list that is too long. */
    static void limitElements(long size) {
        limit(size, MAX_ELEMENTS, "elements");
    }

    private static void limit(long size, int most, String what) {
        if (size > most) {
            throw new TemplateException(
                    "the template makes a value of more than " + most + " " + what);
        }
    }

    Text append(String text) {
        limit((long) out.length() + text.length());
        out.append(text);
        return this;
    }

    Text append(char c) {
        limit(out.length() + 1L);
        out.append(c);
        return this;
    }

    int length() {
        return out.length();
    }

    @Override
    public String toString() {
        return out.toString();
    }

    static String repeat(String text, long count) {
        if (count <= 0 || text.isEmpty()) {
            return "";
        }
        limit(count);
        limit(count * text.length());
        return text.repeat((int) count);
    }

    /** {@code str(value)}. */
    static String str(Object value) {
        if (value instanceof String text) {
            return text;
        } else if (value instanceof Undefined) {
            return "";
        } else if (value instanceof Markup markup) {
            return markup.text();
        }
        return repr(value);
    }

    /** {@code repr(value)}. */
    static String repr(Object value) {
        Text out = new Text();
        out.appendRepr(value);
        return out.toString();
    }

    private void appendRepr(Object value) {
        if (value == null) {
            append("None");
        } else if (value instanceof Boolean truth) {
            append(truth ? "True" : "False");
        } else if (value instanceof String text) {
            quoted(text);
        } else if (value instanceof Double number) {
            append(real(number));
        } else if (value instanceof Long number) {
            append(number.toString());
        } else if (value instanceof BigInteger number) {
            append(integer(number));
        } else if (value instanceof Undefined) {
            append("Undefined");
        } else if (value instanceof Range range) {
            append(range.text());
        } else if (value instanceof DictView view) {
            append(DICT_VIEW + view.kind() + "([");
            elements(view);
            append("])");
        } else if (value instanceof Tuple tuple) {
            append("(");
            elements(tuple);
            append(tuple.size() == 1 ? ",)" : ")");
        } else if (value instanceof Collection<?> list) {
            append("[");
            elements(list);
            append("]");
        } else if (value instanceof Map<?, ?> map) {
            dict(map);
        } else if (value instanceof Namespace namespace) {
            append("<Namespace ");
            dict(namespace.attributes());
            append(">");
        } else if (value instanceof Loop || value instanceof Macro) {
            append(value.toString());
        } else {
            throw new TemplateException(
                    "a value of type " + Python.type(value) + " has no text of its own to write");
        }
    }

    private void elements(Collection<?> elements) {
        String separator = "";
        for (Object element : elements) {
            append(separator);
            appendRepr(element);
            separator = ", ";
        }
    }

    private void dict(Map<?, ?> map) {
        append("{");
        String separator = "";
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            append(separator);
            appendRepr(entry.getKey());
            append(": ");
            appendRepr(entry.getValue());
            separator = ", ";
        }
        append("}");
    }

    private void quoted(String text) {
        char quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
        append(quote);
        text.codePoints()
                .forEach(
                        c -> {
                            switch (c) {
                                case '\\' -> append("\\\\");
                                case '\n' -> append("\\n");
                                case '\r' -> append("\\r");
                                case '\t' -> append("\\t");
                                default -> {
                                    if (c == quote) {
                                        append('\\').append(quote);
                                    } else if (isPrintable(c)) {
                                        append(Character.toString(c));
                                    } else {
                                        append(escape(c));
                                    }
                                }
                            }
                        });
        append(quote);
    }

    private static String escape(int c) {
        String form = c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x";
        return String.format(Locale.ROOT, form, c);
    }

    /** {@code str.isprintable} of one character. */
    static boolean isPrintable(int c) {
        return switch (Character.getType(c)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.SURROGATE,
                    Character.PRIVATE_USE,
                    Character.UNASSIGNED,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR ->
                    false;
            case Character.SPACE_SEPARATOR -> c == ' ';
            default -> true;
        };
    }

    static String integer(BigInteger number) {
        String digits = number.toString();
        if (digits.length() > MAX_DIGITS) {
            throw new TemplateException("an integer has too many digits to be written");
        }
        return digits;
    }

    /** {@code repr} of a float: the shortest digits that give the number again. */
    static String real(double number) {
        if (Double.isNaN(number)) {
            return "nan";
        } else if (Double.isInfinite(number)) {
            return number > 0 ? "inf" : "-inf";
        } else if (number == 0) {
            return 1 / number < 0 ? "-0.0" : "0.0";
        }
        BigDecimal shortest = shortest(number);
        int exponent = shortest.precision() - shortest.scale() - 1;
        if (exponent >= -4 && exponent < 16) {
            String plain = shortest.toPlainString();
            return plain.contains(".") ? plain : plain + ".0";
        }
        String digits = shortest.unscaledValue().abs().toString();
        return (number < 0 ? "-" : "")
                + digits.charAt(0)
                + (digits.length() > 1 ? "." + digits.substring(1) : "")
                + exponent(exponent);
    }

    static String exponent(int exponent) {
        return String.format(Locale.ROOT, "e%s%02d", exponent < 0 ? "-" : "+", Math.abs(exponent));
    }

    private static BigDecimal shortest(double number) {
        BigDecimal exact = new BigDecimal(number);
        for (int digits = 1; digits < 17; digits++) {
            BigDecimal below = exact.round(new MathContext(digits, RoundingMode.DOWN));
            BigDecimal above = exact.round(new MathContext(digits, RoundingMode.UP));
            boolean nearerBelow =
                    exact.subtract(below).abs().compareTo(above.subtract(exact).abs()) <= 0;
            for (BigDecimal candidate :
                    nearerBelow
                            ? new BigDecimal[] {below, above}
                            : new BigDecimal[] {above, below}) {
                if (candidate.doubleValue() == number) {
                    return candidate.stripTrailingZeros();
                }
            }
        }
        return exact.round(new MathContext(17)).stripTrailingZeros();
    }
}
