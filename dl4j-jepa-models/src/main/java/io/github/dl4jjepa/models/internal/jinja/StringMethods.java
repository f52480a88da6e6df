package io.github.dl4jjepa.models.internal.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntPredicate;

/** The methods of Python's str. */
final class StringMethods {
    static final Set<String> NAMES =
            Set.of(
                    ("capitalize casefold center count encode endswith expandtabs find format"
                                    + " format_map index isalnum isalpha isascii isdecimal isdigit"
                                    + " isidentifier islower isnumeric isprintable isspace istitle"
                                    + " isupper join ljust lower lstrip maketrans partition"
                                    + " removeprefix removesuffix replace rfind rindex rjust"
                                    + " rpartition rsplit rstrip split splitlines startswith strip"
                                    + " swapcase title translate upper zfill")
                            .split(" "));

    private StringMethods() {}

    static Object call(String text, String method, Arguments arguments) {
        return switch (method) {
            case "strip" -> Python.strip(text, characters(method, arguments), true, true);
            case "lstrip" -> Python.strip(text, characters(method, arguments), true, false);
            case "rstrip" -> Python.strip(text, characters(method, arguments), false, true);
            case "startswith", "endswith" -> affix(text, method, arguments);
            case "split", "rsplit" -> {
                Object[] bound = arguments.bind(method, 0, "sep", null, "maxsplit", -1L);
                String separator = bound[0] == null ? null : Python.string(bound[0]);
                long most = Numbers.integer(bound[1]);
                yield method.equals("split")
                        ? split(text, separator, most)
                        : reverseSplit(text, separator, most);
            }
            case "splitlines" -> {
                Object[] bound = arguments.bind(method, 0, "keepends", false);
                yield new ArrayList<Object>(lines(text, Python.truth(bound[0])));
            }
            case "partition", "rpartition" -> partition(text, method, arguments);
            case "replace" -> {
                List<Object> values = arguments.only(method, 2, 3);
                long most = values.size() > 2 ? Numbers.integer(values.get(2)) : -1;
                yield replace(
                        text, Python.string(values.get(0)), Python.string(values.get(1)), most);
            }
            case "find", "rfind", "index", "rindex" -> find(text, method, arguments);
            case "count" -> count(text, arguments);
            case "join" -> join(text, arguments.only(method, 1, 1).get(0));
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
            case "center", "ljust", "rjust" -> {
                List<Object> values = arguments.only(method, 1, 2);
                String fill = values.size() > 1 ? Python.string(values.get(1)) : " ";
                if (Python.length(fill) != 1) {
                    throw new TemplateException("the fill of " + method + " must be one character");
                }
                yield pad(text, method, Numbers.integer(values.get(0)), fill);
            }
            case "zfill" -> {
                long width = Numbers.integer(arguments.only(method, 1, 1).get(0));
                boolean signed = text.startsWith("-") || text.startsWith("+");
                String sign = signed ? text.substring(0, 1) : "";
                yield sign
                        + Text.repeat("0", width - Python.length(text))
                        + text.substring(sign.length());
            }
            case "expandtabs" ->
                    expandTabs(text, Numbers.integer(arguments.bind(method, 0, "tabsize", 8L)[0]));
            case "format" -> BraceFormat.format(text, arguments);
            case "format_map" -> {
                Object values = arguments.only(method, 1, 1).get(0);
                if (!(values instanceof Map<?, ?> map)) {
                    throw PythonMethods.unknown(text, method);
                }
                yield BraceFormat.format(text, List.of(), map);
            }
            default -> {
                arguments.only(method, 0, 0);
                yield simple(text, method);
            }
        };
    }

    private static Object simple(String text, String method) {
        return switch (method) {
            case "upper" -> Python.upper(text);
            case "lower" -> Python.lower(text);
            case "capitalize" -> capitalize(text);
            case "title" -> title(text);
            case "swapcase" -> {
                StringBuilder out = new StringBuilder();
                text.codePoints()
                        .mapToObj(Character::toString)
                        .forEach(
                                c ->
                                        out.append(
                                                Character.isUpperCase(c.codePointAt(0))
                                                        ? Python.lower(c)
                                                        : Python.upper(c)));
                yield out.toString();
            }
            case "isalnum" -> all(text, c -> isAlpha(c) || isNumeric(c));
            case "isalpha" -> all(text, StringMethods::isAlpha);
            case "isascii" -> text.codePoints().allMatch(c -> c < 0x80);
            case "isdecimal" -> all(text, Character::isDigit);
            case "isdigit" -> all(text, StringMethods::isDigit);
            case "isnumeric" -> all(text, StringMethods::isNumeric);
            case "isspace" -> all(text, Python::isSpace);
            case "isprintable" -> text.codePoints().allMatch(Text::isPrintable);
            case "isidentifier" -> isIdentifier(text);
            case "islower" -> isCased(text, false);
            case "isupper" -> isCased(text, true);
            case "istitle" -> isTitle(text);
            default -> throw PythonMethods.unknown(text, method);
        };
    }

    private static boolean all(String text, IntPredicate condition) {
        return !text.isEmpty() && text.codePoints().allMatch(condition);
    }

    private static boolean isAlpha(int c) {
        return Character.isLetter(c);
    }

    private static boolean isDigit(int c) {
        return Character.isDigit(c)
                || "\u00b2\u00b3\u00b9".indexOf(c) >= 0
                || c >= 0x2070 && c <= 0x2089 && Character.getType(c) == Character.OTHER_NUMBER;
    }

    private static boolean isNumeric(int c) {
        int type = Character.getType(c);
        return type == Character.DECIMAL_DIGIT_NUMBER
                || type == Character.LETTER_NUMBER
                || type == Character.OTHER_NUMBER;
    }

    private static boolean isIdentifier(String text) {
        return !text.isEmpty()
                && (text.charAt(0) == '_'
                        || Character.isUnicodeIdentifierStart(text.codePointAt(0)))
                && text.codePoints()
                        .allMatch(
                                c ->
                                        Character.isUnicodeIdentifierPart(c)
                                                && !Character.isIdentifierIgnorable(c));
    }

    /** {@code str.isupper} or {@code str.islower}. */
    static boolean isCased(String text, boolean upper) {
        IntPredicate wanted = upper ? Character::isUpperCase : Character::isLowerCase;
        IntPredicate other = upper ? Character::isLowerCase : Character::isUpperCase;
        return text.codePoints().anyMatch(wanted)
                && text.codePoints().noneMatch(other)
                && text.codePoints().noneMatch(Character::isTitleCase);
    }

    private static boolean isTitle(String text) {
        boolean cased = false;
        boolean inWord = false;
        for (int c : text.codePoints().toArray()) {
            boolean upper = Character.isUpperCase(c) || Character.isTitleCase(c);
            boolean lower = Character.isLowerCase(c);
            if (upper && inWord || lower && !inWord) {
                return false;
            }
            inWord = upper || lower;
            cased |= inWord;
        }
        return cased;
    }

    static String capitalize(String text) {
        if (text.isEmpty()) {
            return text;
        }
        int rest = text.offsetByCodePoints(0, 1);
        return titleCase(text.codePointAt(0))
                + Python.lower(text).substring(lowerLength(text, rest));
    }

    private static int lowerLength(String text, int end) {
        return Python.lower(text.substring(0, end)).length();
    }

    private static String titleCase(int c) {
        int title = Character.toTitleCase(c);
        String upper = Python.upper(Character.toString(c));
        // Characters such as the sharp s have titles of more than one character.
        return title != c || upper.length() == Character.charCount(c)
                ? Character.toString(title)
                : capitalized(upper);
    }

    private static String capitalized(String upper) {
        int first = upper.offsetByCodePoints(0, 1);
        return upper.substring(0, first) + Python.lower(upper.substring(first));
    }

    private static String title(String text) {
        StringBuilder out = new StringBuilder();
        boolean inWord = false;
        for (int c : text.codePoints().toArray()) {
            out.append(inWord ? Python.lower(Character.toString(c)) : titleCase(c));
            inWord =
                    Character.isUpperCase(c)
                            || Character.isLowerCase(c)
                            || Character.isTitleCase(c);
        }
        return out.toString();
    }

    static String pad(String text, String side, long width, String fill) {
        long missing = width - Python.length(text);
        if (missing <= 0) {
            return text;
        }
        long left =
                switch (side) {
                    case "ljust" -> 0;
                    case "rjust" -> missing;
                    default -> missing / 2 + (missing & width & 1);
                };
        return Text.repeat(fill, left) + text + Text.repeat(fill, missing - left);
    }

    private static String expandTabs(String text, long size) {
        Text out = new Text();
        long column = 0;
        for (int c : text.codePoints().toArray()) {
            if (c == '\t') {
                long blanks = size <= 0 ? 0 : size - column % size;
                out.append(Text.repeat(" ", blanks));
                column += blanks;
            } else {
                out.append(Character.toString(c));
                column = c == '\n' || c == '\r' ? 0 : column + 1;
            }
        }
        return out.toString();
    }

    private static String characters(String method, Arguments arguments) {
        List<Object> values = arguments.only(method, 0, 1);
        return values.isEmpty() || values.get(0) == null ? null : Python.string(values.get(0));
    }

    private static Object affix(String text, String method, Arguments arguments) {
        List<Object> values = arguments.only(method, 1, 3);
        Object affix = values.get(0);
        List<Object> affixes = affix instanceof Tuple several ? several : List.of(string(affix));
        int[] span = span(text, values);
        for (Object candidate : affixes) {
            String part = Python.string(candidate);
            boolean found =
                    span != null
                            && part.length() <= span[1] - span[0]
                            && text.startsWith(
                                    part,
                                    method.equals("startswith")
                                            ? span[0]
                                            : span[1] - part.length());
            if (found) {
                return true;
            }
        }
        return false;
    }

    private static Object string(Object value) {
        return Python.string(value);
    }

    /**
     * The part of a text that the second and third argument name, in chars; null where it begins
     * after the text's end.
     */
    private static int[] span(String text, List<Object> arguments) {
        long length = Python.length(text);
        Object start = arguments.size() > 1 ? arguments.get(1) : null;
        Object stop = arguments.size() > 2 ? arguments.get(2) : null;
        long from = start == null ? 0 : Numbers.integer(start);
        long to = stop == null ? length : Numbers.integer(stop);
        from = Math.max(0, from < 0 ? from + length : from);
        to = Math.max(0, Math.min(length, to < 0 ? to + length : to));
        if (from > length || from > to) {
            return null;
        }
        return new int[] {
            text.offsetByCodePoints(0, (int) from), text.offsetByCodePoints(0, (int) to)
        };
    }

    private static Object find(String text, String method, Arguments arguments) {
        List<Object> values = arguments.only(method, 1, 3);
        String part = Python.string(values.get(0));
        int[] span = span(text, values);
        int found = -1;
        if (span != null) {
            String searched = text.substring(span[0], span[1]);
            int at = method.startsWith("r") ? searched.lastIndexOf(part) : searched.indexOf(part);
            found = at < 0 ? -1 : span[0] + at;
        }
        if (found < 0 && method.endsWith("index")) {
            throw new TemplateException("substring not found");
        }
        return found < 0 ? -1L : (long) text.codePointCount(0, found);
    }

    private static Object count(String text, Arguments arguments) {
        List<Object> values = arguments.only("count", 1, 3);
        String part = Python.string(values.get(0));
        int[] span = span(text, values);
        if (span == null) {
            return 0L;
        }
        String searched = text.substring(span[0], span[1]);
        return part.isEmpty() ? Python.length(searched) + 1 : split(searched, part, -1).size() - 1L;
    }

    private static Object partition(String text, String method, Arguments arguments) {
        String separator = Python.string(arguments.only(method, 1, 1).get(0));
        if (separator.isEmpty()) {
            throw new TemplateException("empty separator");
        }
        boolean first = method.equals("partition");
        int at = first ? text.indexOf(separator) : text.lastIndexOf(separator);
        if (at < 0) {
            return new Tuple(first ? List.of(text, "", "") : List.of("", "", text));
        }
        return new Tuple(
                List.of(text.substring(0, at), separator, text.substring(at + separator.length())));
    }

    /** {@code separator.join(elements)}, whose elements must be strings. */
    private static String join(String separator, Object elements) {
        Text out = new Text();
        String between = "";
        for (Object element : Python.list(elements)) {
            out.append(between).append(Python.string(element));
            between = separator;
        }
        return out.toString();
    }

    static String replace(String text, String old, String replacement, long most) {
        Text out = new Text();
        int start = 0;
        long done = 0;
        if (old.isEmpty()) {
            for (int c : text.codePoints().toArray()) {
                if (most < 0 || done++ < most) {
                    out.append(replacement);
                }
                out.append(Character.toString(c));
            }
            return most < 0 || done < most ? out.append(replacement).toString() : out.toString();
        }
        int found = text.indexOf(old);
        while (found >= 0 && (most < 0 || done++ < most)) {
            out.append(text.substring(start, found)).append(replacement);
            start = found + old.length();
            found = text.indexOf(old, start);
        }
        return out.append(text.substring(start)).toString();
    }

    static List<Object> split(String text, String separator, long most) {
        if (separator == null) {
            return splitAtSpace(text, most);
        } else if (separator.isEmpty()) {
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

    private static List<Object> splitAtSpace(String text, long most) {
        List<Object> parts = new ArrayList<>();
        int at = skip(text, 0, true);
        while (at < text.length() && (most < 0 || parts.size() < most)) {
            int end = skip(text, at, false);
            parts.add(text.substring(at, end));
            at = skip(text, end, true);
        }
        if (at < text.length()) {
            parts.add(Python.strip(text.substring(at), null, false, most < 0));
        }
        return parts;
    }

    private static int skip(String text, int start, boolean space) {
        int at = start;
        while (at < text.length() && Python.isSpace(text.charAt(at)) == space) {
            at++;
        }
        return at;
    }

    static List<Object> reverseSplit(String text, String separator, long most) {
        List<Object> parts =
                new ArrayList<>(
                        split(reverse(text), separator == null ? null : reverse(separator), most));
        parts.replaceAll(part -> reverse((String) part));
        java.util.Collections.reverse(parts);
        return parts;
    }

    static String reverse(String text) {
        return new StringBuilder(text).reverse().toString();
    }

    /** {@code str.splitlines}. */
    static List<String> lines(String text, boolean keepEnds) {
        List<String> lines = new ArrayList<>();
        int start = 0;
        for (int i = 0; i < text.length(); i++) {
            if (!isLineEnd(text.charAt(i))) {
                continue;
            }
            int end = text.startsWith("\r\n", i) ? i + 2 : i + 1;
            lines.add(text.substring(start, keepEnds ? end : i));
            start = end;
            i = end - 1;
        }
        if (start < text.length()) {
            lines.add(text.substring(start));
        }
        return lines;
    }

    private static boolean isLineEnd(char c) {
        return c >= 0x0a && c <= 0x0d
                || c >= 0x1c && c <= 0x1e
                || c == 0x85
                || c == 0x2028
                || c == 0x2029;
    }
}
