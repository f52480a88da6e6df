package io.github.dl4jjepa.models.tokenizer.jinja;

import io.github.dl4jjepa.models.tokenizer.jinja.Lexer.Piece;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Builds the blocks of a template from its pieces. */
final class TemplateParser {
    private static final Pattern TAG = Pattern.compile("\\s*(\\w+)\\s*(.*)", Pattern.DOTALL);
    private static final Pattern ASSIGNMENT =
            Pattern.compile("(?:(\\w+)\\s*\\.\\s*)?(\\w+)\\s*=(?!=)(.*)", Pattern.DOTALL);
    private static final Pattern NAME = Pattern.compile("\\w+");
    private static final Pattern LOOP =
            Pattern.compile("(\\w+(?:\\s*,\\s*\\w+)*)\\s+in\\b(.*)", Pattern.DOTALL);

    private record Tag(String name, String rest, int line) {}

    private final List<Piece> pieces;
    private int position;

    private TemplateParser(List<Piece> pieces) {
        this.pieces = pieces;
    }

    static Block parse(List<Piece> pieces) {
        TemplateParser parser = new TemplateParser(pieces);
        List<Block> blocks = new ArrayList<>();
        Tag end = parser.until(blocks);
        if (end != null) {
            throw new TemplateException("line " + end.line + ": unexpected '" + end.name + "'");
        }
        return new Block.Sequence(blocks);
    }

    /**
     * Reads blocks up to a tag that ends or divides one.
     *
     * @return that tag; null at the template's end
     */
    private Tag until(List<Block> blocks) {
        while (position < pieces.size()) {
            Piece piece = pieces.get(position++);
            switch (piece.kind()) {
                case TEXT -> blocks.add(new Block.Text(piece.content()));
                case OUTPUT -> blocks.add(new Block.Output(compile(piece.content(), piece.line())));
                default -> {
                    Tag tag = tag(piece);
                    if (tag.name.startsWith("end")
                            || tag.name.equals("else")
                            || tag.name.equals("elif")) {
                        return tag;
                    }
                    blocks.add(block(tag));
                }
            }
        }
        return null;
    }

    private static Tag tag(Piece piece) {
        Matcher matcher = TAG.matcher(piece.content());
        if (!matcher.matches()) {
            throw new TemplateException("line " + piece.line() + ": a block without a name");
        }
        return new Tag(matcher.group(1), matcher.group(2), piece.line());
    }

    private Block block(Tag tag) {
        return switch (tag.name) {
            case "if" -> conditional(tag);
            case "for" -> loop(tag);
            case "set" -> assignment(tag);
            case "break" -> new Block.Jump(Block.Flow.BREAK);
            case "continue" -> new Block.Jump(Block.Flow.CONTINUE);
            case "generation" -> body(tag, "endgeneration");
            default ->
                    throw new TemplateException(
                            "line "
                                    + tag.line
                                    + ": the tag '"
                                    + tag.name
                                    + "' is not known to this renderer");
        };
    }

    private Block conditional(Tag tag) {
        Expression condition = compile(tag.rest, tag.line);
        List<Block> then = new ArrayList<>();
        Tag end = until(then);
        Block otherwise = new Block.Sequence(List.of());
        if (end != null && end.name.equals("elif")) {
            otherwise = conditional(end);
        } else if (end != null && end.name.equals("else")) {
            otherwise = body(tag, "endif");
        } else {
            expect(tag, end, "endif");
        }
        return new Block.If(condition, new Block.Sequence(then), otherwise);
    }

    private Block loop(Tag tag) {
        Matcher matcher = LOOP.matcher(tag.rest);
        if (!matcher.matches()) {
            throw new TemplateException(
                    "line " + tag.line + ": cannot parse 'for " + tag.rest + "'");
        }
        String elements = matcher.group(2);
        int filter = topLevelIf(elements);
        Expression condition =
                filter < 0 ? null : compile(elements.substring(filter + 2), tag.line);
        Expression iterated =
                compile(filter < 0 ? elements : elements.substring(0, filter), tag.line);
        List<Block> body = new ArrayList<>();
        Tag end = until(body);
        Block otherwise = new Block.Sequence(List.of());
        if (end != null && end.name.equals("else")) {
            otherwise = body(tag, "endfor");
        } else {
            expect(tag, end, "endfor");
        }
        List<String> names = List.of(matcher.group(1).split("\\s*,\\s*"));
        return new Block.For(names, iterated, condition, new Block.Sequence(body), otherwise);
    }

    private Block assignment(Tag tag) {
        Matcher matcher = ASSIGNMENT.matcher(tag.rest);
        if (matcher.matches()) {
            Expression value = compile(matcher.group(3), tag.line);
            return new Block.Set(matcher.group(1), matcher.group(2), value);
        }
        String name = tag.rest.strip();
        if (!NAME.matcher(name).matches()) {
            throw new TemplateException("line " + tag.line + ": cannot parse 'set " + name + "'");
        }
        return new Block.SetText(name, body(tag, "endset"));
    }

    private Block body(Tag tag, String endName) {
        List<Block> blocks = new ArrayList<>();
        expect(tag, until(blocks), endName);
        return new Block.Sequence(blocks);
    }

    private static void expect(Tag tag, Tag end, String name) {
        if (end == null || !end.name.equals(name)) {
            throw new TemplateException(
                    "line "
                            + tag.line
                            + ": '"
                            + tag.name
                            + "' is ended by "
                            + (end == null ? "the end of the template" : "'" + end.name + "'")
                            + " instead of '"
                            + name
                            + "'");
        }
    }

    /** Where the {@code if} of a loop stands that is in neither brackets nor quotes; or -1. */
    private static int topLevelIf(String source) {
        int depth = 0;
        for (int i = 0; i < source.length(); i++) {
            char c = source.charAt(i);
            if (c == '\'' || c == '"') {
                for (i++; source.charAt(i) != c; i++) {
                    if (source.charAt(i) == '\\') {
                        i++;
                    }
                }
            } else if ("([{".indexOf(c) >= 0) {
                depth++;
            } else if (")]}".indexOf(c) >= 0) {
                depth--;
            } else if (depth == 0 && isWord(source, i, "if")) {
                return i;
            }
        }
        return -1;
    }

    private static boolean isWord(String source, int at, String word) {
        int end = at + word.length();
        return source.startsWith(word, at)
                && at > 0
                && !Character.isJavaIdentifierPart(source.charAt(at - 1))
                && (end == source.length() || !Character.isJavaIdentifierPart(source.charAt(end)));
    }

    private static Expression compile(String source, int line) {
        try {
            return Expression.compile(source);
        } catch (TemplateException e) {
            throw new TemplateException("line " + line + ": " + e.getMessage(), e);
        }
    }
}
