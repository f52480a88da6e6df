package io.github.dl4jjepa.models.tokenizer.jinja;

import com.hubspot.jinjava.el.ExtendedSyntaxBuilder;
import com.hubspot.jinjava.el.ext.ExtendedParser;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import jinjava.de.odysseus.el.tree.impl.Parser;
import jinjava.de.odysseus.el.tree.impl.Scanner;
import jinjava.de.odysseus.el.tree.impl.Scanner.Symbol;

/**
 * Jinja2's grammar of expressions on jinjava's tokens.
 *
 * <p>One method a level, loosest first, named and ordered as in {@code jinja2.parser.Parser}. The
 * levels of jinjava's own grammar differ: there, {@code not a == b} is {@code (not a) == b}.
 */
final class ExpressionParser extends ExtendedParser {
    /** Makes parsers of this class. */
    static final class Builder extends ExtendedSyntaxBuilder {
        private static final long serialVersionUID = 1L;

        @Override
        protected Parser createParser(String expression) {
            return new ExpressionParser(this, expression);
        }
    }

    private record Operands(List<Expression> positional, Map<String, Expression> named) {
        Arguments evaluate(Scope scope) {
            List<Object> values = new ArrayList<>();
            positional.forEach(expression -> values.add(expression.evaluate(scope)));
            Map<String, Object> namedValues = new LinkedHashMap<>();
            named.forEach((name, value) -> namedValues.put(name, value.evaluate(scope)));
            return new Arguments(values, namedValues);
        }
    }

    /** Words of jinjava's expression language that are plain names in Jinja2. */
    private static final Set<String> PLAIN_WORDS =
            Set.of("null", "empty", "instanceof", "div", "mod", "eq", "ne", "lt", "le", "gt", "ge");

    private static final Operands NONE = new Operands(List.of(), Map.of());

    private ExpressionParser(Builder context, String input) {
        super(context, input);
    }

    /** {@code a if b else c}; without an else the value is undefined. */
    @Override
    protected Expression expr(boolean required) throws Scanner.ScanException, ParseException {
        Expression value = or(required);
        while (value != null && at("if")) {
            consumeToken();
            Expression then = value;
            Expression condition = or(true);
            Expression otherwise = node(scope -> new Undefined("the inline if without an else"));
            if (at("else")) {
                consumeToken();
                otherwise = expr(true);
            }
            Expression last = otherwise;
            value =
                    node(
                            scope ->
                                    Python.truth(condition.evaluate(scope))
                                            ? then.evaluate(scope)
                                            : last.evaluate(scope));
        }
        return value;
    }

    @Override
    protected Expression or(boolean required) throws Scanner.ScanException, ParseException {
        Expression value = and(required);
        while (value != null && at(Symbol.OR)) {
            consumeToken();
            Expression left = value;
            Expression right = and(true);
            value =
                    node(
                            scope -> {
                                Object first = left.evaluate(scope);
                                return Python.truth(first) ? first : right.evaluate(scope);
                            });
        }
        return value;
    }

    @Override
    protected Expression and(boolean required) throws Scanner.ScanException, ParseException {
        Expression value = not(required);
        while (value != null && at(Symbol.AND)) {
            consumeToken();
            Expression left = value;
            Expression right = not(true);
            value =
                    node(
                            scope -> {
                                Object first = left.evaluate(scope);
                                return Python.truth(first) ? right.evaluate(scope) : first;
                            });
        }
        return value;
    }

    private Expression not(boolean required) throws Scanner.ScanException, ParseException {
        if (!at(Symbol.NOT)) {
            return cmp(required);
        }
        consumeToken();
        Expression value = not(true);
        return node(scope -> !Python.truth(value.evaluate(scope)));
    }

    /** Comparisons; {@code a < b < c} is refused, as Python would chain it. */
    @Override
    protected Expression cmp(boolean required) throws Scanner.ScanException, ParseException {
        Expression left = add(required);
        if (left == null) {
            return null;
        }
        Symbol symbol = getToken().getSymbol();
        boolean notIn = symbol == Symbol.NOT && "in".equals(lookahead(0).getImage());
        boolean in = at("in");
        if (!in && !notIn && !isComparison(getToken())) {
            return left;
        }
        consumeToken();
        if (notIn) {
            consumeToken();
        }
        Expression right = add(true);
        if (isComparison(getToken()) || at("in")) {
            fail("one comparison");
        }
        return node(
                scope -> {
                    Object a = left.evaluate(scope);
                    Object b = right.evaluate(scope);
                    return in || notIn ? Python.contains(b, a) != notIn : compare(symbol, a, b);
                });
    }

    private static boolean isComparison(Scanner.Token token) {
        return switch (token.getSymbol()) {
            case EQ, NE, LT, LE, GT, GE -> !PLAIN_WORDS.contains(token.getImage());
            default -> false;
        };
    }

    private static boolean compare(Symbol symbol, Object left, Object right) {
        return switch (symbol) {
            case EQ -> Python.equal(left, right);
            case NE -> !Python.equal(left, right);
            case LT -> Python.compare(left, right) < 0;
            case LE -> Python.compare(left, right) <= 0;
            case GT -> Python.compare(left, right) > 0;
            default -> Python.compare(left, right) >= 0;
        };
    }

    @Override
    protected Expression add(boolean required) throws Scanner.ScanException, ParseException {
        Expression value = concat(required);
        while (value != null && (at(Symbol.PLUS) || at(Symbol.MINUS) || at("+"))) {
            boolean plus = !at(Symbol.MINUS);
            consumeToken();
            Expression left = value;
            Expression right = concat(true);
            value =
                    node(
                            scope -> {
                                Object a = left.evaluate(scope);
                                Object b = right.evaluate(scope);
                                return plus ? Python.add(a, b) : Python.arithmetic("-", a, b);
                            });
        }
        return value;
    }

    private Expression concat(boolean required) throws Scanner.ScanException, ParseException {
        Expression value = mul(required);
        while (value != null && at("~")) {
            consumeToken();
            Expression left = value;
            Expression right = mul(true);
            value =
                    node(
                            scope ->
                                    Python.text(left.evaluate(scope))
                                            + Python.text(right.evaluate(scope)));
        }
        return value;
    }

    @Override
    protected Expression mul(boolean required) throws Scanner.ScanException, ParseException {
        Expression value = unary(required);
        while (value != null && (at(Symbol.MUL) || at(Symbol.DIV) || at(Symbol.MOD) || at("//"))) {
            String operator = getToken().getImage();
            consumeToken();
            Expression left = value;
            Expression right = unary(true);
            value =
                    node(
                            scope ->
                                    Python.arithmetic(
                                            operator, left.evaluate(scope), right.evaluate(scope)));
        }
        return value;
    }

    @Override
    protected Expression unary(boolean required) throws Scanner.ScanException, ParseException {
        Expression value = filtered(signed());
        if (value == null && required) {
            fail("expression");
        }
        return value;
    }

    /** A primary with its signs, attributes, subscripts and calls: {@code -a.b} is -(a.b). */
    private Expression signed() throws Scanner.ScanException, ParseException {
        if (!at(Symbol.MINUS)) {
            return value();
        }
        consumeToken();
        Expression value = signed();
        if (value == null) {
            fail("expression");
        }
        return node(scope -> Python.negate(value.evaluate(scope)));
    }

    @Override
    protected Expression value() throws Scanner.ScanException, ParseException {
        Expression value = primary();
        while (value != null) {
            Expression object = value;
            if (at(Symbol.DOT)) {
                consumeToken();
                value = member(object, name());
            } else if (at(Symbol.LBRACK)) {
                consumeToken();
                value = subscript(object);
            } else if (at(Symbol.LPAREN)) {
                Operands operands = operands();
                value = node(scope -> call(object.evaluate(scope), operands.evaluate(scope)));
            } else {
                return value;
            }
        }
        return null;
    }

    /** A value with the filters and tests after it; they bind looser than a sign. */
    private Expression filtered(Expression input) throws Scanner.ScanException, ParseException {
        Expression value = input;
        while (value != null) {
            Expression object = value;
            if (at("|")) {
                consumeToken();
                String filter = name();
                Operands operands = at(Symbol.LPAREN) ? operands() : NONE;
                value =
                        node(
                                scope ->
                                        Filters.apply(
                                                filter,
                                                object.evaluate(scope),
                                                operands.evaluate(scope)));
            } else if (at("is")) {
                consumeToken();
                value = test(object);
            } else {
                return value;
            }
        }
        return null;
    }

    private Expression member(Expression object, String name)
            throws Scanner.ScanException, ParseException {
        if (!at(Symbol.LPAREN)) {
            return node(scope -> Python.attribute(object.evaluate(scope), name));
        }
        Operands operands = operands();
        return node(
                scope ->
                        PythonMethods.call(object.evaluate(scope), name, operands.evaluate(scope)));
    }

    private Expression subscript(Expression object) throws Scanner.ScanException, ParseException {
        Expression[] bounds = {null, null, null};
        int colons = 0;
        while (!at(Symbol.RBRACK)) {
            if (at(Symbol.COLON) && colons < 2) {
                consumeToken();
                colons++;
            } else if (bounds[colons] == null) {
                bounds[colons] = expr(true);
            } else {
                fail(Symbol.RBRACK);
            }
        }
        consumeToken(Symbol.RBRACK);
        if (colons > 0) {
            return node(
                    scope ->
                            Python.slice(
                                    object.evaluate(scope),
                                    bounds[0] == null ? null : bounds[0].evaluate(scope),
                                    bounds[1] == null ? null : bounds[1].evaluate(scope),
                                    bounds[2] == null ? null : bounds[2].evaluate(scope)));
        }
        if (bounds[0] == null) {
            fail("expression");
        }
        return node(scope -> Python.item(object.evaluate(scope), bounds[0].evaluate(scope)));
    }

    private Expression test(Expression object) throws Scanner.ScanException, ParseException {
        boolean negated = at(Symbol.NOT);
        if (negated) {
            consumeToken();
        }
        String test = consumeToken().getImage();
        Operands operands = NONE;
        if (at(Symbol.LPAREN)) {
            operands = operands();
        } else if (startsOperand()) {
            operands = new Operands(List.of(value()), Map.of());
        } else if (at("is")) {
            fail("one test");
        }
        Operands evaluated = operands;
        return node(
                scope ->
                        Filters.test(test, object.evaluate(scope), evaluated.evaluate(scope))
                                != negated);
    }

    /** Whether the argument of a test follows without brackets, as in {@code is equalto 'x'}. */
    private boolean startsOperand() {
        return switch (getToken().getSymbol()) {
            case STRING, INTEGER, FLOAT, TRUE, FALSE, LBRACK -> true;
            default -> atName() && !at("is");
        };
    }

    private Expression primary() throws Scanner.ScanException, ParseException {
        Scanner.Token token = getToken();
        switch (token.getSymbol()) {
            case STRING -> {
                consumeToken();
                return node(scope -> token.getImage());
            }
            case INTEGER -> {
                consumeToken();
                Object number = parseInteger(token.getImage()).longValue();
                return node(scope -> number);
            }
            case FLOAT -> {
                consumeToken();
                Object number = parseFloat(token.getImage()).doubleValue();
                return node(scope -> number);
            }
            case TRUE, FALSE -> {
                consumeToken();
                return node(scope -> token.getSymbol() == Symbol.TRUE);
            }
            case LPAREN -> {
                consumeToken();
                Expression value = expr(true);
                if (at(Symbol.COMMA)) {
                    return sequence(value, Symbol.RPAREN);
                }
                consumeToken(Symbol.RPAREN);
                return value;
            }
            case LBRACK -> {
                consumeToken();
                return sequence(at(Symbol.RBRACK) ? null : expr(true), Symbol.RBRACK);
            }
            default -> {
                if (at("{")) {
                    return mapping();
                } else if (!atName()) {
                    return null;
                }
                String name = name();
                return name.equals("none") || name.equals("None")
                        ? node(scope -> null)
                        : node(scope -> scope.get(name));
            }
        }
    }

    private Expression sequence(Expression first, Symbol end)
            throws Scanner.ScanException, ParseException {
        List<Expression> elements = new ArrayList<>();
        if (first != null) {
            elements.add(first);
        }
        while (at(Symbol.COMMA)) {
            consumeToken();
            if (!at(end)) {
                elements.add(expr(true));
            }
        }
        consumeToken(end);
        return node(
                scope -> {
                    List<Object> values = new ArrayList<>();
                    elements.forEach(element -> values.add(element.evaluate(scope)));
                    return values;
                });
    }

    private Expression mapping() throws Scanner.ScanException, ParseException {
        consumeToken();
        Map<Expression, Expression> entries = new LinkedHashMap<>();
        while (!at("}")) {
            Expression key = expr(true);
            consumeToken(Symbol.COLON);
            entries.put(key, expr(true));
            if (at(Symbol.COMMA)) {
                consumeToken();
            } else if (!at("}")) {
                fail("}");
            }
        }
        consumeToken();
        return node(
                scope -> {
                    Map<Object, Object> values = new LinkedHashMap<>();
                    entries.forEach((k, v) -> values.put(k.evaluate(scope), v.evaluate(scope)));
                    return values;
                });
    }

    private Operands operands() throws Scanner.ScanException, ParseException {
        consumeToken(Symbol.LPAREN);
        List<Expression> positional = new ArrayList<>();
        Map<String, Expression> named = new LinkedHashMap<>();
        while (!at(Symbol.RPAREN)) {
            if (atName() && isAssignment(lookahead(0))) {
                String name = name();
                consumeToken();
                named.put(name, expr(true));
            } else {
                positional.add(expr(true));
            }
            if (at(Symbol.COMMA)) {
                consumeToken();
            } else if (!at(Symbol.RPAREN)) {
                fail(Symbol.RPAREN);
            }
        }
        consumeToken(Symbol.RPAREN);
        return new Operands(positional, named);
    }

    private static boolean isAssignment(Scanner.Token token) {
        return token.getSymbol() == Symbol.EXTENSION && "=".equals(token.getImage());
    }

    private static Object call(Object function, Arguments arguments) {
        if (function instanceof Arguments.Function callable) {
            return callable.call(arguments);
        } else if (function instanceof Undefined undefined) {
            throw undefined.error();
        }
        throw new TemplateException("a value of type " + Python.type(function) + " is called");
    }

    private boolean atName() {
        return at(Symbol.IDENTIFIER)
                || !at(Symbol.STRING) && PLAIN_WORDS.contains(getToken().getImage());
    }

    private String name() throws Scanner.ScanException, ParseException {
        return atName() ? consumeToken().getImage() : consumeToken(Symbol.IDENTIFIER).getImage();
    }

    private boolean at(Symbol symbol) {
        return getToken().getSymbol() == symbol;
    }

    private boolean at(String image) {
        return !at(Symbol.STRING) && image.equals(getToken().getImage());
    }

    private static Expression node(Expression.Evaluation evaluation) {
        return new Expression(evaluation);
    }
}
