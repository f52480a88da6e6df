package io.github.dl4jjepa.models.tokenizer.jinja;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * Cuts a template into text, outputs and blocks.
 *
 * <p>White space around them is taken away as Jinja2 does with {@code trim_blocks} and {@code
 * lstrip_blocks}: the line break after a block, the blanks before a block that begins its line, and
 * whatever a minus sign names. Comments are dropped, and so is one line break at the very end.
 */
final class Lexer {
    enum Kind {
        TEXT,
        OUTPUT,
        BLOCK
    }

    /**
     * A piece of a template.
     *
     * @param content the text, or what stands between the brackets
     * @param line where it begins, from 1
     */
    record Piece(Kind kind, String content, int line) {}

    private final String source;
    private final List<Piece> pieces = new ArrayList<>();
    private int position;

    private Lexer(String source) {
        String unix = source.replace("\r\n", "\n").replace('\r', '\n');
        this.source = unix.endsWith("\n") ? unix.substring(0, unix.length() - 1) : unix;
    }

    static List<Piece> cut(String source) {
        Lexer lexer = new Lexer(source);
        lexer.run();
        return lexer.pieces;
    }

    private void run() {
        while (position < source.length()) {
            int start = position;
            int open = nextOpening();
            if (open < 0) {
                add(Kind.TEXT, source.substring(start), start);
                return;
            }
            char bracket = source.charAt(open + 1);
            position = open + 2;
            char sign = position < source.length() ? source.charAt(position) : ' ';
            String text = source.substring(start, open);
            if (sign == '-') {
                text = Python.strip(text, null, false, true);
            } else if (sign != '+' && bracket != '{') {
                text = withoutIndentation(text, start == 0 || source.charAt(start - 1) == '\n');
            }
            if (sign == '-' || sign == '+' && bracket != '{') {
                position++;
            }
            add(Kind.TEXT, text, start);
            int content = position;
            int close = bracket == '#' ? source.indexOf("#}", position) : closing(bracket, open);
            if (close < 0) {
                throw new TemplateException("line " + line(open) + ": a comment is not closed");
            }
            char last = close > content ? source.charAt(close - 1) : ' ';
            boolean signed = last == '-' || last == '+' && bracket != '{';
            if (bracket != '#') {
                String inner = source.substring(content, signed ? close - 1 : close);
                add(bracket == '{' ? Kind.OUTPUT : Kind.BLOCK, inner, open);
            }
            position = close + 2;
            if (last == '-') {
                while (position < source.length() && Python.isSpace(source.charAt(position))) {
                    position++;
                }
            } else if (last != '+' && bracket != '{' && source.startsWith("\n", position)) {
                position++;
            }
        }
    }

    private void add(Kind kind, String content, int at) {
        if (kind != Kind.TEXT || !content.isEmpty()) {
            pieces.add(new Piece(kind, content, line(at)));
        }
    }

    private int nextOpening() {
        for (int i = position; i + 1 < source.length(); i++) {
            if (source.charAt(i) == '{' && "%{#".indexOf(source.charAt(i + 1)) >= 0) {
                return i;
            }
        }
        return -1;
    }

    private static String withoutIndentation(String text, boolean beginsLine) {
        int line = text.lastIndexOf('\n') + 1;
        boolean blank = text.substring(line).chars().allMatch(Python::isSpace);
        return blank && (line > 0 || beginsLine) ? text.substring(0, line) : text;
    }

    /** Where the closing bracket stands that is neither in a string nor part of a dict. */
    private int closing(char bracket, int open) {
        String end = bracket == '{' ? "}}" : "%}";
        Deque<Character> expected = new ArrayDeque<>();
        for (int i = position; i < source.length(); i++) {
            char c = source.charAt(i);
            if (expected.isEmpty() && source.startsWith(end, i)) {
                return i;
            }
            switch (c) {
                case '\'', '"' -> i = endOfString(i);
                case '(' -> expected.push(')');
                case '[' -> expected.push(']');
                case '{' -> expected.push('}');
                case ')', ']', '}' -> {
                    if (expected.isEmpty() || expected.pop() != c) {
                        throw new TemplateException("line " + line(i) + ": unexpected '" + c + "'");
                    }
                }
                default -> {}
            }
        }
        throw new TemplateException(
                "line " + line(open) + ": '{" + bracket + "' is not closed by '" + end + "'");
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

    private int line(int at) {
        return 1 + (int) source.substring(0, at).chars().filter(c -> c == '\n').count();
    }
}
