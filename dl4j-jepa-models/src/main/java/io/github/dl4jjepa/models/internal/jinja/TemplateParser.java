package io.github.dl4jjepa.models.internal.jinja;

import io.github.dl4jjepa.models.internal.jinja.Block.Filtered;
import io.github.dl4jjepa.models.internal.jinja.Block.Flow;
import io.github.dl4jjepa.models.internal.jinja.Token.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Jinja2's grammar of statements. */
final class TemplateParser {
    private static final Set<String> CONSTANTS =
            Set.of("true", "false", "none", "True", "False", "None");

    /** Tags that read other templates, or change how text is written. */
    private static final Set<String> UNSUPPORTED =
            Set.of("autoescape", "block", "extends", "from", "import", "include");

    private final Tokens tokens;
    private final Names names = new Names();
    private final ExpressionParser expressions;

    /** Whether a {@code break} here would leave a loop. */
    private boolean breakable;

    private TemplateParser(Tokens tokens) {
        this.tokens = tokens;
        this.expressions = new ExpressionParser(tokens, names);
    }

    /** A template's blocks and its outermost scope. */
    record Template(Block block, Frame frame) {}

    static Template parse(List<Token> tokens) {
        TemplateParser parser = new TemplateParser(new Tokens(tokens));
        Block block = parser.blocks("the template", 1, Set.of());
        parser.names.close();
        return new Template(block, parser.names.root());
    }

    /**
     * Reads blocks up to the name of a tag that ends them, which is the next token then.
     *
     * @param tag what the blocks belong to
     */
    private Block blocks(String tag, int line, Set<String> ends) {
        List<Block> blocks = new ArrayList<>();
        while (!tokens.at(Kind.END)) {
            Token token = tokens.next();
            switch (token.kind()) {
                case DATA -> blocks.add(new Block.Data(token.text()));
                case OUTPUT_BEGIN -> {
                    Expression value = expressions.tuple(true);
                    tokens.expect(Kind.OUTPUT_END);
                    blocks.add(new Block.Placed(new Block.Output(value), token.line()));
                }
                default -> {
                    if (tokens.at(Kind.NAME) && ends.contains(tokens.current().text())) {
                        return new Block.Sequence(blocks);
                    }
                    blocks.add(new Block.Placed(statement(), token.line()));
                    tokens.expect(Kind.BLOCK_END);
                }
            }
        }
        if (!ends.isEmpty()) {
            throw new TemplateException(
                            "'"
                                    + tag
                                    + "' is ended by the end of the template instead of '"
                                    + String.join("' or '", ends.stream().sorted().toList())
                                    + "'")
                    .at(line);
        }
        return new Block.Sequence(blocks);
    }

    /** Reads the rest of a tag, and blocks up to the name of a tag that ends them. */
    private Block body(String tag, int line, String... ends) {
        tokens.skipOperator(":");
        tokens.expect(Kind.BLOCK_END);
        return blocks(tag, line, Set.of(ends));
    }

    /** Reads a body whose end has one name. */
    private Block wholeBody(String tag, int line, String end) {
        Block body = body(tag, line, end);
        tokens.next();
        return body;
    }

    private Block statement() {
        Token tag = tokens.expect(Kind.NAME);
        String name = tag.text();
        int line = tag.line();
        return switch (name) {
            case "if" -> condition(line);
            case "for" -> loop(line);
            case "set" -> assignment(line);
            case "with" -> with(line);
            case "macro" -> macro(line);
            case "call" -> call(line);
            case "filter" -> filter(line);
            case "generation" -> generation(line);
            case "print" -> print();
            case "break", "continue" -> {
                if (!breakable) {
                    throw new TemplateException("'" + name + "' stands outside of a loop").at(line);
                }
                yield new Block.Jump(name.equals("break") ? Flow.BREAK : Flow.CONTINUE);
            }
            default ->
                    throw new TemplateException(
                                    UNSUPPORTED.contains(name)
                                            ? "the tag '" + name + "' is not supported"
                                            : "the tag '" + name + "' is not known, or not here")
                            .at(line);
        };
    }

    private Block condition(int line) {
        boolean before = names.beginCondition();
        Expression condition = expressions.tuple(false);
        Block then = body("if", line, "elif", "else", "endif");
        Block otherwise = new Block.Sequence(List.of());
        Token end = tokens.next();
        if (end.text().equals("elif")) {
            otherwise = new Block.Placed(condition(line), end.line());
        } else if (end.text().equals("else")) {
            otherwise = wholeBody("if", line, "endif");
        }
        names.endCondition(before);
        return new Block.If(condition, then, otherwise);
    }

    private Block loop(int line) {
        boolean outerBreakable = breakable;
        names.beginLoop();
        List<String> variables = new ArrayList<>();
        Target target = target(false, variables);
        tokens.expectName("in");
        Expression elements = expressions.tuple(false);

        Names.State state = names.begin();
        variables.forEach(names::parameter);
        Expression condition = tokens.skipName("if") ? expressions.expression() : null;
        Frame conditionFrame = names.end(state);
        boolean recursive = tokens.skipName("recursive");

        state = names.begin();
        variables.forEach(names::parameter);
        names.parameter("loop");
        breakable = true;
        Block body = body("for", line, "else", "endfor");
        breakable = outerBreakable && !recursive;
        Frame bodyFrame = names.end(state);

        state = names.begin();
        Block otherwise =
                tokens.next().text().equals("else")
                        ? wholeBody("for", line, "endfor")
                        : new Block.Sequence(List.of());
        Frame otherwiseFrame = names.end(state);
        breakable = outerBreakable;
        names.endLoop();
        return new Block.For(
                target,
                elements,
                condition,
                recursive,
                body,
                otherwise,
                bodyFrame,
                conditionFrame,
                otherwiseFrame);
    }

    /**
     * Reads what a value is assigned to.
     *
     * @param attributes whether attributes of namespaces are allowed
     * @param variables where the names of variables are added
     */
    private Target target(boolean attributes, List<String> variables) {
        List<Target> targets = new ArrayList<>();
        targets.add(oneTarget(attributes, variables));
        boolean several = tokens.atOperator(",");
        while (tokens.skipOperator(",") && !tokens.at(Kind.BLOCK_END) && !tokens.atOperator(")")) {
            targets.add(oneTarget(attributes, variables));
        }
        return several ? new Target.Several(targets) : targets.get(0);
    }

    private Target oneTarget(boolean attributes, List<String> variables) {
        if (tokens.skipOperator("(")) {
            Target target = target(false, variables);
            tokens.expectOperator(")");
            return target;
        }
        String name = variable();
        if (attributes && tokens.skipOperator(".")) {
            names.read(name);
            return new Target.Attribute(name, tokens.expect(Kind.NAME).text());
        }
        variables.add(name);
        return new Target.Variable(name);
    }

    private String variable() {
        Token token = tokens.expect(Kind.NAME);
        if (CONSTANTS.contains(token.text()) || token.text().equals("loop") && names.inLoop()) {
            throw new TemplateException("'" + token.text() + "' cannot be assigned to")
                    .at(token.line());
        }
        return token.text();
    }

    private Block assignment(int line) {
        List<String> variables = new ArrayList<>();
        Target target = target(true, variables);
        if (tokens.skipOperator("=")) {
            Expression value = expressions.tuple(true);
            variables.forEach(names::set);
            return new Block.Set(target, value);
        }
        variables.forEach(names::set);
        Names.State state = names.begin();
        List<Filtered.Filter> filters = new ArrayList<>();
        while (tokens.skipOperator("|")) {
            filters.add(expressions.filter());
        }
        Block body = wholeBody("set", line, "endset");
        return new Block.SetText(target, new Filtered(body, names.end(state), filters));
    }

    private Block filter(int line) {
        Names.State state = names.begin();
        List<Filtered.Filter> filters = new ArrayList<>();
        do {
            filters.add(expressions.filter());
        } while (tokens.skipOperator("|"));
        Block body = wholeBody("filter", line, "endfilter");
        return new Filtered(body, names.end(state), filters);
    }

    private Block with(int line) {
        List<Target> targets = new ArrayList<>();
        List<Expression> values = new ArrayList<>();
        List<String> variables = new ArrayList<>();
        while (!tokens.at(Kind.BLOCK_END)) {
            if (!targets.isEmpty()) {
                tokens.expectOperator(",");
            }
            targets.add(target(false, variables));
            tokens.expectOperator("=");
            values.add(expressions.expression());
        }
        Names.State state = names.begin();
        variables.forEach(names::parameter);
        Block body = wholeBody("with", line, "endwith");
        return new Block.With(targets, values, body, names.end(state));
    }

    private Block print() {
        List<Block> outputs = new ArrayList<>();
        while (!tokens.at(Kind.BLOCK_END)) {
            if (!outputs.isEmpty()) {
                tokens.expectOperator(",");
            }
            outputs.add(new Block.Output(expressions.expression()));
        }
        return new Block.Sequence(outputs);
    }

    private Block generation(int line) {
        Names.State state = names.begin();
        boolean outerBreakable = breakable;
        breakable = false;
        Block body = wholeBody("generation", line, "endgeneration");
        breakable = outerBreakable;
        return new Block.Generation(body, names.end(state));
    }

    private Block macro(int line) {
        String name = variable();
        names.set(name);
        Names.State state = names.begin();
        List<String> parameters = new ArrayList<>();
        List<Expression> defaults = new ArrayList<>();
        signature(parameters, defaults);
        return new Block.Define(definition("macro", name, parameters, defaults, line, state));
    }

    private Block call(int line) {
        Names.State state = names.begin();
        List<String> parameters = new ArrayList<>();
        List<Expression> defaults = new ArrayList<>();
        if (tokens.atOperator("(")) {
            signature(parameters, defaults);
        }
        Frame frame = names.end(state);
        if (!(expressions.expression() instanceof ExpressionParser.Call called)) {
            throw new TemplateException("'call' needs a call").at(line);
        }
        names.resume(frame);
        return new Block.Call(called, definition("call", null, parameters, defaults, line, state));
    }

    private void signature(List<String> parameters, List<Expression> defaults) {
        tokens.expectOperator("(");
        while (!tokens.atOperator(")")) {
            if (!parameters.isEmpty()) {
                tokens.expectOperator(",");
            }
            String name = variable();
            if (parameters.contains(name)) {
                throw tokens.error("the parameter '" + name + "' is named twice");
            }
            parameters.add(name);
            names.parameter(name);
            if (tokens.skipOperator("=")) {
                defaults.add(expressions.expression());
            } else if (!defaults.isEmpty()) {
                throw tokens.error("a parameter without a default follows one with a default");
            }
        }
        tokens.expectOperator(")");
    }

    /** Reads the body of a macro whose scope has begun. */
    private Macro.Definition definition(
            String tag,
            String name,
            List<String> parameters,
            List<Expression> defaults,
            int line,
            Names.State state) {
        names.beginMacro();
        boolean outerBreakable = breakable;
        breakable = false;
        Block body = wholeBody(tag, line, "end" + tag);
        breakable = outerBreakable;
        Map<String, Boolean> special = names.endMacro();
        boolean takesCaller = special.getOrDefault("caller", false);
        int caller = parameters.indexOf("caller");
        if (takesCaller && caller >= 0 && caller < parameters.size() - defaults.size()) {
            throw new TemplateException("the parameter 'caller' needs a default").at(line);
        }
        for (String parameter : List.of("caller", "kwargs", "varargs")) {
            if (special.getOrDefault(parameter, false)) {
                names.parameter(parameter);
            }
        }
        return new Macro.Definition(
                name,
                List.copyOf(parameters),
                List.copyOf(defaults),
                body,
                names.end(state),
                takesCaller,
                special.getOrDefault("kwargs", false) && !parameters.contains("kwargs"),
                special.getOrDefault("varargs", false) && !parameters.contains("varargs"));
    }
}
