package io.github.dl4jjepa.models.internal.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;

/**
 * Python's values: None is null, str is String (its length and indices in code points), list is
 * List, dict is Map; {@link Numbers} has int and float.
 */
final class Python {
    private Python() {}

    /**
     * A Java value as Python's: numbers widened, collections copied.
     *
     * @throws IllegalArgumentException if it is of another kind
     */
    static Object value(Object value) {
        if (value == null || value instanceof String || value instanceof Boolean) {
            return value;
        } else if (value instanceof Long || value instanceof Double) {
            return value;
        } else if (value instanceof Integer || value instanceof Short || value instanceof Byte) {
            return ((Number) value).longValue();
        } else if (value instanceof Float || value instanceof BigDecimal) {
            return ((Number) value).doubleValue();
        } else if (value instanceof BigInteger number) {
            return Numbers.normal(number);
        } else if (value instanceof Map<?, ?> map) {
            Map<Object, Object> copy = new LinkedHashMap<>();
            map.forEach((key, element) -> copy.put(value(key), value(element)));
            return copy;
        } else if (value instanceof Collection<?> elements) {
            List<Object> copy = new ArrayList<>();
            elements.forEach(element -> copy.add(value(element)));
            return copy;
        }
        throw new IllegalArgumentException(
                "a template cannot be given a value of " + value.getClass());
    }

    static boolean truth(Object value) {
        if (value == null || value instanceof Undefined) {
            return false;
        } else if (value instanceof Boolean truth) {
            return truth;
        } else if (value instanceof Number) {
            return !Numbers.isZero(value);
        } else if (value instanceof String text) {
            return !text.isEmpty();
        } else if (value instanceof Markup markup) {
            return !markup.text().isEmpty();
        } else if (value instanceof Collection<?> elements) {
            return !elements.isEmpty();
        } else if (value instanceof Map<?, ?> map) {
            return !map.isEmpty();
        } else if (value instanceof Loop loop) {
            return loop.length() > 0;
        }
        return true;
    }

    static boolean equal(Object left, Object right) {
        if (Numbers.isNumber(left) && Numbers.isNumber(right)) {
            return !Numbers.isNaN(left)
                    && !Numbers.isNaN(right)
                    && Numbers.compare(left, right) == 0;
        } else if (left == right) {
            return true;
        } else if (left instanceof Undefined) {
            return right instanceof Undefined;
        } else if (left instanceof List<?> a && right instanceof List<?> b) {
            return sequenceKind(left) == sequenceKind(right) && equalElements(a, b);
        } else if (left instanceof Map<?, ?> a && right instanceof Map<?, ?> b) {
            return equalMaps(a, b);
        } else if (left instanceof DictView a && right instanceof DictView b) {
            if (a.kind().equals("values") || b.kind().equals("values")) {
                return false;
            }
            return a.size() == b.size() && a.stream().allMatch(element -> contains(b, element));
        } else if (left instanceof Markup || right instanceof Markup) {
            return Objects.equals(
                    left instanceof Markup a ? a.text() : left,
                    right instanceof Markup b ? b.text() : right);
        }
        return left instanceof String && left.equals(right);
    }

    private static Class<?> sequenceKind(Object value) {
        return value instanceof Tuple
                ? Tuple.class
                : value instanceof Range ? Range.class : List.class;
    }

    private static boolean equalElements(List<?> a, List<?> b) {
        boolean same = a.size() == b.size();
        for (int i = 0; same && i < a.size(); i++) {
            same = isSame(a.get(i), b.get(i));
        }
        return same;
    }

    private static boolean equalMaps(Map<?, ?> a, Map<?, ?> b) {
        return a.size() == b.size()
                && a.entrySet().stream()
                        .allMatch(
                                entry -> {
                                    Object key = key(b, entry.getKey());
                                    return key != ABSENT && isSame(entry.getValue(), b.get(key));
                                });
    }

    /** Whether a container takes two values for one: identical or equal. */
    private static boolean isSame(Object left, Object right) {
        return left == right || equal(left, right);
    }

    /** {@code left operator right} for {@code <}, {@code <=}, {@code >} and {@code >=}. */
    static boolean ordered(String operator, Object left, Object right) {
        if (Numbers.isNaN(left) && Numbers.isNumber(right)
                || Numbers.isNaN(right) && Numbers.isNumber(left)) {
            return false;
        }
        int order = compare(operator, left, right);
        return switch (operator) {
            case "<" -> order < 0;
            case "<=" -> order <= 0;
            case ">" -> order > 0;
            default -> order >= 0;
        };
    }

    private static int compare(String operator, Object left, Object right) {
        if (Numbers.isNumber(left) && Numbers.isNumber(right)) {
            return Numbers.compare(left, right);
        } else if (left instanceof String a && right instanceof String b) {
            return Arrays.compare(a.codePoints().toArray(), b.codePoints().toArray());
        } else if (left instanceof List<?> a
                && right instanceof List<?> b
                && sequenceKind(left) == sequenceKind(right)
                && !(left instanceof Range)) {
            for (int i = 0; i < a.size() && i < b.size(); i++) {
                if (!isSame(a.get(i), b.get(i))) {
                    return compare(operator, a.get(i), b.get(i));
                }
            }
            return Integer.compare(a.size(), b.size());
        }
        throw Numbers.unsupported(operator, left, right);
    }

    static boolean contains(Object container, Object element) {
        if (container instanceof String text) {
            if (element instanceof String part) {
                return text.contains(part);
            }
            throw Numbers.unsupported("in", element, container);
        } else if (container instanceof Map<?, ?> map) {
            return key(map, hashable(element)) != ABSENT;
        }
        Iterator<Object> elements = iterator(container);
        while (elements.hasNext()) {
            if (isSame(elements.next(), element)) {
                return true;
            }
        }
        return false;
    }

    private static final Object ABSENT = new Object();

    /** The key of a map that equals a value; {@link #ABSENT} where there is none. */
    private static Object key(Map<?, ?> map, Object wanted) {
        if (wanted instanceof String) {
            return map.containsKey(wanted) ? wanted : ABSENT;
        }
        for (Object key : map.keySet()) {
            if (isSame(key, wanted)) {
                return key;
            }
        }
        return ABSENT;
    }

    static Object hashable(Object key) {
        if (isList(key) || key instanceof Map || key instanceof DictView) {
            throw new TemplateException("unhashable type: " + type(key));
        }
        return key;
    }

    /** {@code map[key] = value}. */
    static void put(Map<Object, Object> map, Object key, Object value) {
        Object present = key(map, hashable(key));
        map.put(present == ABSENT ? key : present, value);
    }

    /** {@code map.get(key, otherwise)}. */
    static Object get(Map<?, ?> map, Object key, Object otherwise) {
        Object present = key(map, hashable(key));
        return present == ABSENT ? otherwise : map.get(present);
    }

    /** {@code value[key]}: what is not there is undefined. */
    static Object item(Object value, Object key) {
        if (value instanceof Undefined undefined) {
            throw undefined.error();
        } else if (value instanceof Map<?, ?> map) {
            boolean hashes = !(isList(key) || key instanceof Map);
            Object present = hashes ? key(map, key) : ABSENT;
            if (present != ABSENT) {
                return map.get(present);
            }
        } else if (Numbers.isInteger(key)) {
            return element(value, key);
        }
        return key instanceof String name
                ? PythonMethods.attribute(value, name)
                : new Undefined(name(key));
    }

    private static String name(Object key) {
        return isList(key) || key instanceof Map ? type(key) : Text.str(key);
    }

    private static Object element(Object value, Object key) {
        long index = Numbers.integer(key);
        if (value instanceof List<?> list) {
            long at = index < 0 ? index + list.size() : index;
            if (at >= 0 && at < list.size()) {
                return list.get((int) at);
            }
        } else if (value instanceof String text) {
            long length = length(text);
            long at = index < 0 ? index + length : index;
            if (at >= 0 && at < length) {
                return substring(text, at, at + 1);
            }
        } else if (value instanceof Markup) {
            throw new TemplateException("an element of safe text is not known to this renderer");
        }
        return new Undefined(Text.str(key));
    }

    /** {@code value.name}. */
    static Object attribute(Object value, String name) {
        if (value instanceof Undefined undefined) {
            throw undefined.error();
        }
        Object attribute = PythonMethods.attribute(value, name);
        return attribute instanceof Undefined && value instanceof Map<?, ?> map
                ? get(map, name, attribute)
                : attribute;
    }

    static Object slice(Object value, Object start, Object stop, Object step) {
        if (value instanceof Undefined undefined) {
            throw undefined.error();
        } else if (!(value instanceof String) && !(value instanceof List<?>)) {
            throw new TemplateException("a value of type " + type(value) + " has no slices");
        }
        long size = length(value);
        long by = step == null ? 1 : Numbers.integer(step);
        if (by == 0) {
            throw new TemplateException("slice step cannot be zero");
        }
        long first = bound(start, size, by > 0 ? 0 : size - 1, by);
        long end = bound(stop, size, by > 0 ? size : -1, by);
        if (value instanceof Range range) {
            return range.slice(first, end, by);
        } else if (value instanceof String text && by == 1) {
            return first < end ? substring(text, first, end) : "";
        }
        List<?> all = value instanceof List<?> list ? list : list(value);
        List<Object> elements = new ArrayList<>();
        for (long i = first; by > 0 ? i < end : i > end; i += by) {
            elements.add(all.get((int) i));
        }
        if (value instanceof String) {
            return String.join("", elements.toArray(String[]::new));
        }
        return value instanceof Tuple ? new Tuple(elements) : elements;
    }

    private static long bound(Object bound, long size, long otherwise, long step) {
        if (bound == null) {
            return otherwise;
        }
        long index = Numbers.integer(bound);
        index = index < 0 ? index + size : index;
        return step > 0
                ? Math.max(0, Math.min(size, index))
                : Math.max(-1, Math.min(size - 1, index));
    }

    static boolean isIterable(Object value) {
        return value instanceof Collection
                || value instanceof Map
                || value instanceof String
                || value instanceof Undefined
                || value instanceof Generator
                || value instanceof Markup
                || value instanceof Loop;
    }

    /** The elements that a loop over the value visits. */
    static Iterator<Object> iterator(Object value) {
        if (value instanceof Generator generator) {
            return generator.elements();
        } else if (value instanceof Collection<?> elements) {
            return plain(elements);
        } else if (value instanceof Map<?, ?> map) {
            return plain(map.keySet());
        } else if (value instanceof String text) {
            return plain(text.codePoints().mapToObj(Character::toString).toList());
        } else if (value instanceof Undefined) {
            return plain(List.of());
        }
        throw new TemplateException("a value of type " + type(value) + " is not iterable");
    }

    private static Iterator<Object> plain(Collection<?> elements) {
        Iterator<?> iterator = elements.iterator();
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                return iterator.hasNext();
            }

            @Override
            public Object next() {
                return iterator.next();
            }
        };
    }

    /** {@code list(value)}. */
    static List<Object> list(Object value) {
        List<Object> elements = new ArrayList<>();
        Iterator<Object> iterator = iterator(value);
        while (iterator.hasNext()) {
            Text.limitElements(elements.size() + 1L);
            elements.add(iterator.next());
        }
        return elements;
    }

    /** {@code reversed(value)}. */
    static Iterator<Object> reversed(Object value) {
        if (value instanceof Generator || value instanceof Loop) {
            throw new TemplateException(type(value) + " object is not reversible");
        }
        List<Object> elements = list(value);
        java.util.Collections.reverse(elements);
        return elements.iterator();
    }

    static long length(Object value) {
        if (value instanceof String text) {
            return text.codePointCount(0, text.length());
        } else if (value instanceof Markup markup) {
            return length(markup.text());
        } else if (value instanceof Collection<?> elements) {
            return elements.size();
        } else if (value instanceof Map<?, ?> map) {
            return map.size();
        } else if (value instanceof Loop loop) {
            return loop.length();
        } else if (value instanceof Undefined) {
            return 0;
        }
        throw new TemplateException("a value of type " + type(value) + " has no length");
    }

    /** Whether the value is a list, and not another sequence. */
    static boolean isList(Object value) {
        return value instanceof List && !(value instanceof Tuple) && !(value instanceof Range);
    }

    /** A value that must be a str. */
    static String string(Object value) {
        if (value instanceof String text) {
            return text;
        } else if (value instanceof Undefined undefined) {
            throw undefined.error();
        }
        throw new TemplateException("a value of type " + type(value) + " is not a string");
    }

    static String lower(String text) {
        return text.toLowerCase(Locale.ROOT);
    }

    static String upper(String text) {
        return text.toUpperCase(Locale.ROOT);
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
        } else if (value instanceof Double) {
            return "float";
        } else if (value instanceof Number) {
            return "int";
        } else if (value instanceof Tuple) {
            return "tuple";
        } else if (value instanceof Range) {
            return "range";
        } else if (value instanceof List) {
            return "list";
        } else if (value instanceof Map) {
            return "dict";
        } else if (value instanceof DictView view) {
            return "dict_" + view.kind();
        } else if (value instanceof Arguments.Function && !(value instanceof Macro)) {
            return "function";
        }
        return Python.lower(value.getClass().getSimpleName());
    }
}
