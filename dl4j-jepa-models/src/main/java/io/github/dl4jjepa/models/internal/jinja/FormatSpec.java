package io.github.dl4jjepa.models.internal.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How a value is written by {@code format} and {@code %}: the mini-language of Python's format
 * specifications.
 *
 * @param fill one character
 * @param align {@code <}, {@code >}, {@code ^} or {@code =}; empty for the type's own
 * @param sign {@code +}, a blank, or {@code -} for negative numbers only
 * @param precision negative where there is none
 * @param type the letter; a blank where there is none
 */
record FormatSpec(
        String fill,
        String align,
        char sign,
        boolean alternate,
        long width,
        String grouping,
        int precision,
        char type) {
    private static final Pattern SPEC =
            Pattern.compile(
                    "(?:(.)?([<>=^]))?([-+ ]?)(#?)(0?)([0-9]*)([,_]?)(?:\\.([0-9]+))?([a-zA-Z%]?)",
                    Pattern.DOTALL);

    static String format(Object value, String spec) {
        if (spec.isEmpty()) {
            return Text.str(value);
        } else if (value instanceof Undefined || value instanceof Markup) {
            throw new TemplateException("unsupported format string for " + Python.type(value));
        }
        Matcher matcher = SPEC.matcher(spec);
        if (!matcher.matches()) {
            throw new TemplateException("invalid format specifier '" + spec + "'");
        }
        boolean zero = !matcher.group(5).isEmpty();
        String align = matcher.group(2) == null ? "" : matcher.group(2);
        String fill = matcher.group(1) == null ? (zero ? "0" : " ") : matcher.group(1);
        if (zero && align.isEmpty() && Numbers.isNumber(value)) {
            align = "=";
        }
        String width = matcher.group(6);
        return new FormatSpec(
                        fill,
                        align,
                        matcher.group(3).isEmpty() ? '-' : matcher.group(3).charAt(0),
                        !matcher.group(4).isEmpty(),
                        width.isEmpty() ? 0 : number(width),
                        matcher.group(7),
                        matcher.group(8) == null ? -1 : (int) number(matcher.group(8)),
                        matcher.group(9).isEmpty() ? ' ' : matcher.group(9).charAt(0))
                .write(value);
    }

    private static long number(String digits) {
        long value = digits.length() > 9 ? Integer.MAX_VALUE : Long.parseLong(digits);
        Text.limit(value);
        return value;
    }

    private String write(Object value) {
        if (value instanceof String text) {
            return writeText(text);
        } else if (value instanceof Boolean truth && type == ' ') {
            return writeInteger(truth ? BigInteger.ONE : BigInteger.ZERO);
        } else if (value instanceof Double
                || Numbers.isNumber(value) && "eEfFgG%".indexOf(type) >= 0) {
            return writeReal(Numbers.real(value));
        } else if (Numbers.isNumber(value)) {
            return writeInteger(Numbers.big(value));
        }
        throw new TemplateException("unsupported format string for " + Python.type(value));
    }

    private String writeText(String text) {
        boolean plain = type == ' ' || type == 's';
        if (!plain || sign != '-' || alternate || !grouping.isEmpty() || align.equals("=")) {
            throw new TemplateException("the format is not one of a string");
        }
        String cut =
                precision >= 0 && precision < Python.length(text)
                        ? Python.substring(text, 0, precision)
                        : text;
        return aligned("", cut, "<");
    }

    String writeInteger(BigInteger value) {
        if (precision >= 0 || !grouping.isEmpty() && "xXobc".indexOf(type) >= 0) {
            throw new TemplateException("the format is not known to this renderer");
        }
        String digits =
                switch (type) {
                    case ' ', 'd' -> Text.integer(value.abs());
                    case 'x' -> value.abs().toString(16);
                    case 'X' -> Python.upper(value.abs().toString(16));
                    case 'o' -> value.abs().toString(8);
                    case 'b' -> value.abs().toString(2);
                    default -> throw new TemplateException("unknown format code '" + type + "'");
                };
        String prefix = alternate && "xXob".indexOf(type) >= 0 ? "0" + type : "";
        return aligned(sign(value.signum() < 0) + prefix, grouped(digits), ">");
    }

    String writeReal(double value) {
        boolean negative = value < 0 || value == 0 && 1 / value < 0;
        String digits =
                Double.isNaN(value) || Double.isInfinite(value)
                        ? special(value)
                        : digits(Math.abs(value));
        return aligned(sign(negative), grouped(digits), ">");
    }

    private String special(double value) {
        String name = Double.isNaN(value) ? "nan" : "inf";
        String written = Character.isUpperCase(type) ? Python.upper(name) : name;
        return type == '%' ? written + "%" : written;
    }

    private String digits(double value) {
        if (alternate) {
            throw new TemplateException("the format '#' is not known to this renderer");
        }
        int places = precision < 0 ? 6 : precision;
        BigDecimal exact = new BigDecimal(value);
        return switch (type) {
            case 'f', 'F' -> exact.setScale(places, RoundingMode.HALF_EVEN).toPlainString();
            case '%' ->
                    new BigDecimal(value * 100)
                                    .setScale(places, RoundingMode.HALF_EVEN)
                                    .toPlainString()
                            + "%";
            case 'e' -> scientific(exact, places);
            case 'E' -> Python.upper(scientific(exact, places));
            case 'g' -> general(exact, Math.max(1, places), false);
            case 'G' -> Python.upper(general(exact, Math.max(1, places), false));
            case ' ' ->
                    precision < 0 ? Text.real(value) : general(exact, Math.max(1, places), true);
            default ->
                    throw new TemplateException("unknown format code '" + type + "' for a float");
        };
    }

    private static String scientific(BigDecimal value, int places) {
        BigDecimal rounded = value.round(new MathContext(places + 1, RoundingMode.HALF_EVEN));
        boolean zero = rounded.signum() == 0;
        String digits = zero ? "0" : rounded.unscaledValue().toString();
        digits += "0".repeat(Math.max(0, places + 1 - digits.length()));
        int exponent = zero ? 0 : rounded.precision() - rounded.scale() - 1;
        return digits.charAt(0)
                + (places > 0 ? "." + digits.substring(1, places + 1) : "")
                + Text.exponent(exponent);
    }

    /** The form {@code g}; {@code point} keeps one place after the point, as repr does. */
    private static String general(BigDecimal value, int digits, boolean point) {
        BigDecimal rounded = value.round(new MathContext(digits, RoundingMode.HALF_EVEN));
        boolean zero = rounded.signum() == 0;
        int exponent = zero ? 0 : rounded.precision() - rounded.scale() - 1;
        if (exponent < -4 || exponent >= (point && digits > 1 ? digits - 1 : digits)) {
            String text = scientific(value, digits - 1);
            int e = text.indexOf('e');
            return withoutZeros(text.substring(0, e)) + text.substring(e);
        }
        String plain = zero ? "0" : withoutZeros(rounded.toPlainString());
        return point && plain.indexOf('.') < 0 ? plain + ".0" : plain;
    }

    private static String withoutZeros(String digits) {
        return digits.indexOf('.') < 0 ? digits : digits.replaceAll("\\.?0+$", "");
    }

    private String sign(boolean negative) {
        return negative ? "-" : sign == '-' ? "" : String.valueOf(sign);
    }

    private String grouped(String digits) {
        if (grouping.isEmpty()) {
            return digits;
        } else if (align.equals("=")) {
            throw new TemplateException("grouped digits with zeros are not known to this renderer");
        }
        int end = 0;
        while (end < digits.length() && Character.isDigit(digits.charAt(end))) {
            end++;
        }
        StringBuilder out = new StringBuilder(digits);
        for (int i = end - 3; i > 0; i -= 3) {
            out.insert(i, grouping);
        }
        return out.toString();
    }

    private String aligned(String sign, String digits, String otherwise) {
        return switch (align.isEmpty() ? otherwise : align) {
            case "<" -> StringMethods.pad(sign + digits, "ljust", width, fill);
            case "^" -> {
                String text = sign + digits;
                long missing = Math.max(0, width - Python.length(text));
                yield Text.repeat(fill, missing / 2)
                        + text
                        + Text.repeat(fill, missing - missing / 2);
            }
            case "=" ->
                    sign + StringMethods.pad(digits, "rjust", width - Python.length(sign), fill);
            default -> StringMethods.pad(sign + digits, "rjust", width, fill);
        };
    }
}
