package io.github.dl4jjepa.models.tokenizer.jinja;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;

/**
 * Python's values: None is null, int is Long, float is Double, str is String (its length and
 * indices in code points), list is List, dict is Map.
 */
final class Python {
    private Python() {}

    /** A Java value as Python's: numbers widened, collections copied. */
    static Object value(Object value) {
        if (value instanceof Integer || value instanceof Short || value instanceof Byte) {
            return ((Number) value).longValue();
        } else if (value instanceof Float || value instanceof BigDecimal) {
            return ((Number) value).doubleValue();
        } else if (value instanceof Map<?, ?> map) {
            Map<String, Object> copy = new LinkedHashMap<>();
            map.forEach((key, element) -> copy.put(String.valueOf(key), value(element)));
            return copy;
        } else if (value instanceof Collection<?> elements) {
            List<Object> copy = new ArrayList<>();
            elements.forEach(element -> copy.add(value(element)));
            return copy;
        }
        return value;
    }

    static boolean truth(Object value) {
        if (value == null || value instanceof Undefined) {
            return false;
        } else if (value instanceof Boolean truth) {
            return truth;
        } else if (value instanceof Number number) {
            return number.doubleValue() != 0;
        } else if (value instanceof String text) {
            return !text.isEmpty();
        } else if (value instanceof Collection<?> elements) {
            return !elements.isEmpty();
        } else if (value instanceof Map<?, ?> map) {
            return !map.isEmpty();
        }
        return true;
    }

    static boolean equal(Object left, Object right) {
        if (isNumber(left) && isNumber(right)) {
            return number(left) instanceof Long a && number(right) instanceof Long b
                    ? a.equals(b)
                    : number(left).doubleValue() == number(right).doubleValue();
        } else if (left instanceof Undefined) {
            return right instanceof Undefined;
        } else if (left instanceof List<?> a && right instanceof List<?> b) {
            boolean same = a.size() == b.size();
            for (int i = 0; same && i < a.size(); i++) {
                same = equal(a.get(i), b.get(i));
            }
            return same;
        } else if (left instanceof Map<?, ?> a && right instanceof Map<?, ?> b) {
            return a.keySet().equals(b.keySet())
                    && a.keySet().stream().allMatch(key -> equal(a.get(key), b.get(key)));
        }
        return Objects.equals(left, right);
    }

    /** How two values are ordered: the sign of {@code left - right}. */
    static int compare(Object left, Object right) {
        if (isNumber(left) && isNumber(right)) {
            return number(left) instanceof Long a && number(right) instanceof Long b
                    ? Long.compare(a, b)
                    : Double.compare(number(left).doubleValue(), number(right).doubleValue());
        } else if (left instanceof String a && right instanceof String b) {
            return compareCodePoints(a, b);
        }
        throw unsupported("<", left, right);
    }

    static Object add(Object left, Object right) {
        if (left instanceof String a && right instanceof String b) {
            return a + b;
        } else if (left instanceof List<?> a && right instanceof List<?> b) {
            List<Object> sum = new ArrayList<>(a);
            sum.addAll(b);
            return sum;
        }
        return arithmetic("+", left, right);
    }

    static Object arithmetic(String operator, Object left, Object right) {
        if (!isNumber(left) || !isNumber(right)) {
            throw unsupported(operator, left, right);
        }
        if (number(left) instanceof Long a && number(right) instanceof Long b) {
            boolean division =
                    operator.equals("/") || operator.equals("//") || operator.equals("%");
            if (division && b == 0) {
                throw new TemplateException("division by zero");
            }
            return switch (operator) {
                case "+" -> (Object) Math.addExact(a, b);
                case "-" -> Math.subtractExact(a, b);
                case "*" -> Math.multiplyExact(a, b);
                case "/" -> (double) a / b;
                case "//" -> Math.floorDiv(a, b);
                case "%" -> Math.floorMod(a, b);
                default -> throw unsupported(operator, left, right);
            };
        }
        double a = number(left).doubleValue();
        double b = number(right).doubleValue();
        return switch (operator) {
            case "+" -> (Object) (a + b);
            case "-" -> a - b;
            case "*" -> a * b;
            default -> throw unsupported(operator, left, right);
        };
    }

    static Object negate(Object value) {
        return arithmetic("-", 0L, value);
    }

    static boolean contains(Object container, Object element) {
        if (container instanceof String text) {
            if (element instanceof String part) {
                return text.contains(part);
            }
            throw unsupported("in", element, container);
        } else if (container instanceof Map<?, ?> map) {
            return map.containsKey(element);
        }
        return iterate(container).stream().anyMatch(e -> equal(e, element));
    }

    /** {@code value[key]}: what is not there is undefined. */
    static Object item(Object value, Object key) {
        if (value instanceof Undefined undefined) {
            throw undefined.error();
        }
        Object found = null;
        if (value instanceof Map<?, ?> map && map.containsKey(key)) {
            return map.get(key);
        } else if (value instanceof Namespace namespace
                && namespace.attributes().containsKey(key)) {
            return namespace.attributes().get(key);
        } else if (key instanceof Long index && value instanceof List<?> list) {
            long at = index < 0 ? index + list.size() : index;
            if (at >= 0 && at < list.size()) {
                return list.get((int) at);
            }
        } else if (key instanceof Long index && value instanceof String text) {
            long length = length(text);
            long at = index < 0 ? index + length : index;
            found = at >= 0 && at < length ? substring(text, at, at + 1) : null;
        }
        return found != null ? found : new Undefined(String.valueOf(key));
    }

    /** {@code value.name}. */
    static Object attribute(Object value, String name) {
        if (value instanceof Map<?, ?> && PythonMethods.isDictMethod(name)) {
            throw new TemplateException("the method '" + name + "' is used as a value");
        }
        return item(value, name);
    }

    static Object slice(Object value, Object start, Object stop, Object step) {
        if (value instanceof Undefined undefined) {
            throw undefined.error();
        }
        boolean text = value instanceof String;
        if (!text && !(value instanceof List<?>)) {
            throw new TemplateException("a value of type " + type(value) + " has no slices");
        }
        long size = length(value);
        long by = step == null ? 1 : integer(step);
        if (by == 0) {
            throw new TemplateException("slice step cannot be zero");
        }
        long first = bound(start, size, by > 0 ? 0 : size - 1, by);
        long end = bound(stop, size, by > 0 ? size : -1, by);
        List<Object> elements = new ArrayList<>();
        for (long i = first; by > 0 ? i < end : i > end; i += by) {
            elements.add(item(value, i));
        }
        return text ? String.join("", elements.toArray(String[]::new)) : elements;
    }

    private static long bound(Object bound, long size, long otherwise, long step) {
        if (bound == null) {
            return otherwise;
        }
        long index = integer(bound);
        index = index < 0 ? index + size : index;
        return step > 0
                ? Math.max(0, Math.min(size, index))
                : Math.max(-1, Math.min(size - 1, index));
    }

    /** The elements that a loop over the value visits. */
    static List<Object> iterate(Object value) {
        if (value instanceof Collection<?> elements) {
            return new ArrayList<>(elements);
        } else if (value instanceof Map<?, ?> map) {
            return new ArrayList<>(map.keySet());
        } else if (value instanceof String text) {
            return new ArrayList<>(text.codePoints().mapToObj(Character::toString).toList());
        } else if (value instanceof Undefined) {
            return List.of();
        }
        throw new TemplateException("a value of type " + type(value) + " is not iterable");
    }

    static long length(Object value) {
        if (value instanceof String text) {
            return text.codePointCount(0, text.length());
        } else if (value instanceof Collection<?> elements) {
            return elements.size();
        } else if (value instanceof Map<?, ?> map) {
            return map.size();
        } else if (value instanceof Undefined) {
            return 0;
        }
        throw new TemplateException("a value of type " + type(value) + " has no length");
    }

    /** {@code str(value)}, for values that a conversation is made of. */
    static String text(Object value) {
        if (value instanceof String text) {
            return text;
        } else if (value == null) {
            return "None";
        } else if (value instanceof Boolean truth) {
            return truth ? "True" : "False";
        } else if (value instanceof Double number) {
            return floatText(number);
        } else if (value instanceof Number number) {
            return number.toString();
        } else if (value instanceof Undefined) {
            return "";
        }
        throw new TemplateException(
                "a value of type " + type(value) + " cannot be written as text");
    }

    /** {@code repr} of a float: the shortest digits that give the number again. */
    static String floatText(double number) {
        if (Double.isNaN(number)) {
            return "nan";
        } else if (Double.isInfinite(number)) {
            return number > 0 ? "inf" : "-inf";
        } else if (number == 0) {
            return 1 / number < 0 ? "-0.0" : "0.0";
        }
        BigDecimal shortest = new BigDecimal(number);
        for (int digits = 1; digits <= 17; digits++) {
            BigDecimal rounded = new BigDecimal(number).round(new MathContext(digits));
            if (rounded.doubleValue() == number) {
                shortest = rounded.stripTrailingZeros();
                break;
            }
        }
        int exponent = shortest.precision() - shortest.scale() - 1;
        if (exponent >= -4 && exponent < 16) {
            String plain = shortest.toPlainString();
            return plain.contains(".") ? plain : plain + ".0";
        }
        String digits = shortest.unscaledValue().abs().toString();
        return (number < 0 ? "-" : "")
                + digits.charAt(0)
                + (digits.length() > 1 ? "." + digits.substring(1) : "")
                + String.format(
                        Locale.ROOT, "e%s%02d", exponent < 0 ? "-" : "+", Math.abs(exponent));
    }

    static long integer(Object value) {
        if (isNumber(value) && number(value) instanceof Long integer) {
            return integer;
        } else if (value instanceof Undefined undefined) {
            throw undefined.error();
        }
        throw new TemplateException("a value of type " + type(value) + " is not an integer");
    }

    static String string(Object value) {
        if (value instanceof String text) {
            return text;
        } else if (value instanceof Undefined undefined) {
            throw undefined.error();
        }
        throw new TemplateException("a value of type " + type(value) + " is not a string");
    }

    static String substring(String text, long start, long end) {
        int from = text.offsetByCodePoints(0, (int) start);
        return text.substring(from, text.offsetByCodePoints(from, (int) (end - start)));
    }

    /** {@code str.isspace} of one character. */
    static boolean isSpace(int c) {
        return c >= 0x09 && c <= 0x0d
                || c >= 0x1c && c <= 0x20
                || c == 0x85
                || c == 0xa0
                || c == 0x1680
                || c >= 0x2000 && c <= 0x200a
                || c == 0x2028
                || c == 0x2029
                || c == 0x202f
                || c == 0x205f
                || c == 0x3000;
    }

    /**
     * {@code str.strip}.
     *
     * @param characters those to take away; null for white space
     */
    static String strip(String text, String characters, boolean left, boolean right) {
        int start = 0;
        int end = text.length();
        while (left && start < end && strips(text.codePointAt(start), characters)) {
            start += Character.charCount(text.codePointAt(start));
        }
        while (right && start < end && strips(text.codePointBefore(end), characters)) {
            end -= Character.charCount(text.codePointBefore(end));
        }
        return text.substring(start, end);
    }

    private static boolean strips(int c, String characters) {
        return characters == null ? isSpace(c) : characters.indexOf(c) >= 0;
    }

    static String type(Object value) {
        if (value == null) {
            return "None";
        } else if (value instanceof String) {
            return "str";
        } else if (value instanceof Boolean) {
            return "bool";
        } else if (value instanceof Long) {
            return "int";
        } else if (value instanceof Double) {
            return "float";
        } else if (value instanceof List) {
            return "list";
        } else if (value instanceof Map) {
            return "dict";
        }
        return value.getClass().getSimpleName();
    }

    private static boolean isNumber(Object value) {
        return value instanceof Number || value instanceof Boolean;
    }

    private static Number number(Object value) {
        return value instanceof Boolean truth ? (truth ? 1L : 0L) : (Number) value;
    }

    private static int compareCodePoints(String a, String b) {
        int[] left = a.codePoints().toArray();
        int[] right = b.codePoints().toArray();
        return java.util.Arrays.compare(left, right);
    }

    private static TemplateException unsupported(String operator, Object left, Object right) {
        if (left instanceof Undefined undefined) {
            return undefined.error();
        } else if (right instanceof Undefined undefined) {
            return undefined.error();
        }
        return new TemplateException(
                "unsupported operand types for "
                        + operator
                        + ": "
                        + type(left)
                        + " and "
                        + type(right));
    }
}
