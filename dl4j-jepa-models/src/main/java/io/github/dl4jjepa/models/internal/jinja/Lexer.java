package io.github.dl4jjepa.models.internal.jinja;

import io.github.dl4jjepa.models.internal.jinja.Token.Kind;
import java.math.BigInteger;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Cuts a template into tokens, as {@code jinja2.lexer.Lexer} does with {@code trim_blocks} and
 * {@code lstrip_blocks}.
 *
 * <p>Line ends become line feeds, and one at the very end is dropped. The line break after a block
 * goes, the blanks before a block that begins its line go, and so does whatever a minus sign names.
 */
final class Lexer {
    private static final Pattern RAW = Pattern.compile("\\{%([-+]?)\\s*raw\\s*(-?)%}", uni());
    private static final Pattern END_RAW =
            Pattern.compile("\\{%([-+]?)\\s*endraw\\s*([-+]?)%}", uni());
    private static final Pattern FLOAT =
            Pattern.compile(
                    "(?<!\\.)(?:[0-9]+_)*[0-9]+(?:(?:\\.(?:[0-9]+_)*[0-9]+)?[eE][+-]?(?:[0-9]+_)*[0-9]+"
                            + "|\\.(?:[0-9]+_)*[0-9]+)");
    private static final Pattern INTEGER =
            Pattern.compile(
                    "0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0[xX](?:_?[0-9a-fA-F])+"
                            + "|[1-9](?:_?[0-9])*|0(?:_?0)*");
    private static final Pattern OPERATOR =
            Pattern.compile("\\*\\*|//|==|!=|>=|<=|[-+/*%~\\[\\](){}><=.:|,;]");

    private final String source;
    private final List<Token> tokens = new ArrayList<>();
    private int position;
    private int line = 1;
    private int counted;

    private Lexer(String source) {
        String unix = source.replace("\r\n", "\n").replace('\r', '\n');
        this.source = unix.endsWith("\n") ? unix.substring(0, unix.length() - 1) : unix;
    }

    static List<Token> tokens(String source) {
        Lexer lexer = new Lexer(source);
        lexer.run();
        return lexer.tokens;
    }

    private static int uni() {
        return Pattern.UNICODE_CHARACTER_CLASS;
    }

    private void run() {
        while (position < source.length()) {
            int start = position;
            int open = nextOpening();
            if (open < 0) {
                data(source.substring(start), start);
                position = source.length();
                break;
            }
            Matcher raw = RAW.matcher(source).region(open, source.length());
            if (raw.lookingAt()) {
                data(stripped(start, open, raw.group(1), true), start);
                position = raw.end();
                skipSpace(raw.group(2));
                raw(open);
                continue;
            }
            char bracket = source.charAt(open + 1);
            position = open + 2;
            String sign = sign();
            data(stripped(start, open, sign, bracket != '{'), start);
            switch (bracket) {
                case '#' -> comment(open);
                case '{' -> code(open, Kind.OUTPUT_BEGIN, Kind.OUTPUT_END, "}}");
                default -> code(open, Kind.BLOCK_BEGIN, Kind.BLOCK_END, "%}");
            }
        }
        tokens.add(new Token(Kind.END, "", line(source.length())));
    }

    private int nextOpening() {
        for (int i = position; i + 1 < source.length(); i++) {
            if (source.charAt(i) == '{' && "%{#".indexOf(source.charAt(i + 1)) >= 0) {
                return i;
            }
        }
        return -1;
    }

    private String sign() {
        boolean signed = position < source.length() && "-+".indexOf(source.charAt(position)) >= 0;
        return signed ? source.substring(position, ++position) : "";
    }

    /** The text before a tag, without the white space that the tag takes away. */
    private String stripped(int start, int end, String sign, boolean block) {
        String text = source.substring(start, end);
        if (sign.equals("-")) {
            return Python.strip(text, null, false, true);
        } else if (sign.isEmpty() && block) {
            int line = text.lastIndexOf('\n') + 1;
            boolean beginsLine = line > 0 || start == 0 || source.charAt(start - 1) == '\n';
            boolean blank = text.substring(line).chars().allMatch(Python::isSpace);
            return blank && beginsLine ? text.substring(0, line) : text;
        }
        return text;
    }

    private void data(String text, int at) {
        if (!text.isEmpty()) {
            tokens.add(new Token(Kind.DATA, text, line(at)));
        }
    }

    private void skipSpace(String sign) {
        while (sign.equals("-")
                && position < source.length()
                && Python.isSpace(source.charAt(position))) {
            position++;
        }
    }

    /** After the end of a block or comment: a line break goes unless a sign says otherwise. */
    private void afterBlock(String sign) {
        skipSpace(sign);
        if (sign.isEmpty() && source.startsWith("\n", position)) {
            position++;
        }
    }

    private void comment(int open) {
        int close = source.indexOf("#}", position);
        if (close < 0) {
            throw new TemplateException("line " + line(open) + ": a comment is not closed");
        }
        char last = close > position ? source.charAt(close - 1) : ' ';
        position = close + 2;
        afterBlock(last == '-' || last == '+' ? String.valueOf(last) : "");
    }

    private void raw(int open) {
        Matcher end = END_RAW.matcher(source);
        if (!end.find(position)) {
            throw new TemplateException("line " + line(open) + ": 'raw' is not closed");
        }
        data(stripped(position, end.start(), end.group(1), true), position);
        position = end.end();
        afterBlock(end.group(2));
    }

    private void code(int open, Kind begin, Kind end, String close) {
        tokens.add(new Token(begin, "", line(open)));
        Deque<Character> expected = new ArrayDeque<>();
        while (position < source.length()) {
            if (expected.isEmpty()) {
                String sign = closingSign(close, end == Kind.BLOCK_END);
                if (sign != null) {
                    tokens.add(new Token(end, "", line(position)));
                    position += sign.length() + close.length();
                    if (end == Kind.BLOCK_END) {
                        afterBlock(sign);
                    } else {
                        skipSpace(sign);
                    }
                    return;
                }
            }
            if (Python.isSpace(source.charAt(position))) {
                position++;
            } else {
                token(expected);
            }
        }
        throw new TemplateException(
                "line " + line(open) + ": " + begin + " is not closed by '" + close + "'");
    }

    /** The sign before the closing bracket that stands here; null where none stands. */
    private String closingSign(String close, boolean block) {
        if (source.startsWith(close, position)) {
            return "";
        } else if (source.startsWith("-" + close, position)) {
            return "-";
        }
        return block && source.startsWith("+" + close, position) ? "+" : null;
    }

    private void token(Deque<Character> expected) {
        int start = position;
        char c = source.charAt(start);
        if (match(FLOAT)) {
            String digits = source.substring(start, position).replace("_", "");
            add(Kind.NUMBER, Double.valueOf(digits), start);
        } else if (match(INTEGER)) {
            add(Kind.NUMBER, integer(source.substring(start, position), start), start);
        } else if (isNamePart(source.codePointAt(start))) {
            name(start);
        } else if (c == '\'' || c == '"') {
            position = endOfString(start) + 1;
            String content = source.substring(start + 1, position - 1);
            add(Kind.STRING, unescape(content, line(start)), start);
        } else if (match(OPERATOR)) {
            balance(c, expected);
            add(Kind.OPERATOR, source.substring(start, position), start);
        } else {
            throw new TemplateException(
                    "line "
                            + line(start)
                            + ": unexpected '"
                            + Character.toString(source.codePointAt(start))
                            + "'");
        }
    }

    private void balance(char c, Deque<Character> expected) {
        switch (c) {
            case '(' -> expected.push(')');
            case '[' -> expected.push(']');
            case '{' -> expected.push('}');
            case ')', ']', '}' -> {
                if (expected.isEmpty() || expected.pop() != c) {
                    throw new TemplateException(
                            "line " + line(position) + ": unexpected '" + c + "'");
                }
            }
            default -> {}
        }
    }

    private boolean match(Pattern pattern) {
        Matcher matcher =
                pattern.matcher(source)
                        .region(position, source.length())
                        .useTransparentBounds(true);
        if (matcher.lookingAt()) {
            position = matcher.end();
            return true;
        }
        return false;
    }

    private Object integer(String literal, int at) {
        String digits = literal.replace("_", "");
        int radix =
                switch (digits.length() > 1 ? digits.charAt(1) : ' ') {
                    case 'b', 'B' -> 2;
                    case 'o', 'O' -> 8;
                    case 'x', 'X' -> 16;
                    default -> 10;
                };
        if (digits.length() > Text.MAX_DIGITS) {
            throw new TemplateException("line " + line(at) + ": a number has too many digits");
        }
        return Numbers.normal(new BigInteger(radix == 10 ? digits : digits.substring(2), radix));
    }

    private static boolean isNamePart(int c) {
        return Character.isLetterOrDigit(c) || c == '_' || Character.isUnicodeIdentifierPart(c);
    }

    private void name(int start) {
        while (position < source.length() && isNamePart(source.codePointAt(position))) {
            position += Character.charCount(source.codePointAt(position));
        }
        int first = source.codePointAt(start);
        if (first != '_' && !Character.isUnicodeIdentifierStart(first)) {
            throw new TemplateException("line " + line(start) + ": invalid character in a name");
        }
        add(Kind.NAME, source.substring(start, position), start);
    }

    private void add(Kind kind, Object value, int at) {
        tokens.add(new Token(kind, value, line(at)));
    }

    private int endOfString(int start) {
        for (int i = start + 1; i < source.length(); i++) {
            if (source.charAt(i) == '\\') {
                i++;
            } else if (source.charAt(i) == source.charAt(start)) {
                return i;
            }
        }
        throw new TemplateException("line " + line(start) + ": a string is not closed");
    }

    /** A string's value: Python decodes the escapes of its ASCII form. */
    private static String unescape(String content, int line) {
        if (content.indexOf('\\') < 0) {
            return content;
        }
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < content.length(); i++) {
            char c = content.charAt(i);
            if (c != '\\') {
                out.append(c);
                continue;
            }
            char escape = content.charAt(++i);
            switch (escape) {
                case '\n' -> {}
                case '\\', '\'', '"' -> out.append(escape);
                case 'a' -> out.append('\u0007');
                case 'b' -> out.append('\b');
                case 'f' -> out.append('\f');
                case 'n' -> out.append('\n');
                case 'r' -> out.append('\r');
                case 't' -> out.append('\t');
                case 'v' -> out.append('\u000b');
                case '0', '1', '2', '3', '4', '5', '6', '7' -> {
                    int end = i + 1;
                    while (end < content.length()
                            && end < i + 3
                            && content.charAt(end) >= '0'
                            && content.charAt(end) <= '7') {
                        end++;
                    }
                    out.appendCodePoint(Integer.parseInt(content.substring(i, end), 8));
                    i = end - 1;
                }
                case 'x', 'u', 'U' -> {
                    int digits = escape == 'x' ? 2 : escape == 'u' ? 4 : 8;
                    out.appendCodePoint(hexadecimal(content, i + 1, digits, line));
                    i += digits;
                }
                case 'N' -> {
                    int end = content.indexOf('}', i);
                    out.appendCodePoint(named(content, i + 1, end, line));
                    i = end;
                }
                default -> {
                    int other = content.codePointAt(i);
                    if (other < 0x80) {
                        out.append('\\').append(escape);
                    } else {
                        // Its ASCII form is itself an escape, whose backslash the first one takes.
                        out.append(String.format(Locale.ROOT, asciiForm(other), other));
                        i += Character.charCount(other) - 1;
                    }
                }
            }
        }
        return out.toString();
    }

    private static String asciiForm(int c) {
        return c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x";
    }

    private static int hexadecimal(String content, int start, int digits, int line) {
        String text = content.substring(start, Math.min(content.length(), start + digits));
        if (text.length() == digits && text.matches("[0-9a-fA-F]+")) {
            long value = Long.parseLong(text, 16);
            boolean surrogate = value >= 0xd800 && value < 0xe000;
            if (value <= Character.MAX_CODE_POINT && !surrogate) {
                return (int) value;
            }
        }
        throw new TemplateException("line " + line + ": a string has a malformed escape");
    }

    private static int named(String content, int start, int end, int line) {
        try {
            if (end > start && content.charAt(start) == '{') {
                return Character.codePointOf(content.substring(start + 1, end));
            }
        } catch (IllegalArgumentException unknown) {
            // refused below
        }
        throw new TemplateException("line " + line + ": a string names an unknown character");
    }

    private int line(int at) {
        // Tokens are asked for in order, but a tag's opening is asked for again at its end.
        if (at < counted) {
            return 1 + (int) source.substring(0, at).chars().filter(c -> c == '\n').count();
        }
        for (; counted < at; counted++) {
            if (source.charAt(counted) == '\n') {
                line++;
            }
        }
        return line;
    }
}
