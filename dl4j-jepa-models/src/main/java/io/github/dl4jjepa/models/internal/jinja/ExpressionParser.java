package io.github.dl4jjepa.models.internal.jinja;

import io.github.dl4jjepa.models.internal.jinja.Block.Filtered.Filter;
import io.github.dl4jjepa.models.internal.jinja.Token.Kind;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Jinja2's grammar of expressions: one method a level, loosest first, named and ordered as in
 * {@code jinja2.parser.Parser}.
 */
final class ExpressionParser {
    /** The arguments of a call, before they are evaluated. */
    private record Operands(
            List<Expression> positional,
            Map<String, Expression> named,
            Expression more,
            Expression moreNamed) {
        static final Operands NONE = of(List.of());

        static Operands of(List<Expression> positional) {
            return new Operands(positional, Map.of(), null, null);
        }

        Arguments evaluate(Scope scope) {
            List<Object> values = new ArrayList<>();
            positional.forEach(expression -> values.add(expression.evaluate(scope)));
            Map<String, Object> namedValues = new LinkedHashMap<>();
            named.forEach((name, value) -> namedValues.put(name, value.evaluate(scope)));
            if (more != null) {
                values.addAll(Python.list(more.evaluate(scope)));
            }
            if (moreNamed != null) {
                if (!(moreNamed.evaluate(scope) instanceof Map<?, ?> map)) {
                    throw new TemplateException("the argument after ** is not a mapping");
                }
                map.forEach((name, value) -> put(namedValues, Python.string(name), value));
            }
            return new Arguments(values, namedValues);
        }

        static void put(Map<String, Object> named, String name, Object value) {
            if (named.containsKey(name)) {
                throw new TemplateException("the argument '" + name + "' is given twice");
            }
            named.put(name, value);
        }
    }

    /** A call; a call block adds its body to the arguments. */
    record Call(Expression function, Operands operands) implements Expression {
        @Override
        public Object evaluate(Scope scope) {
            return scope.charge(call(function.evaluate(scope), operands.evaluate(scope)));
        }

        Object evaluate(Scope scope, Macro caller) {
            Object callee = function.evaluate(scope);
            Arguments arguments = operands.evaluate(scope);
            Map<String, Object> named = new LinkedHashMap<>(arguments.named());
            Operands.put(named, "caller", caller);
            return scope.charge(call(callee, new Arguments(arguments.positional(), named)));
        }

        private static Object call(Object function, Arguments arguments) {
            if (function instanceof Arguments.Function callable) {
                return callable.call(arguments);
            } else if (function instanceof Undefined undefined) {
                throw undefined.error();
            }
            throw new TemplateException(
                    "a value of type " + Python.type(function) + " is not callable");
        }
    }

    private static final Set<String> ORDERED = Set.of("<", "<=", ">", ">=");

    private final Tokens tokens;
    private final Names names;

    ExpressionParser(Tokens tokens, Names names) {
        this.tokens = tokens;
        this.names = names;
    }

    /** An expression, or several with commas, which are a tuple. */
    Expression tuple(boolean conditional) {
        return tuple(conditional, false);
    }

    private Expression tuple(boolean conditional, boolean inBrackets) {
        List<Expression> elements = new ArrayList<>();
        boolean commas = false;
        while (!atTupleEnd()) {
            elements.add(conditional ? expression() : or());
            if (!tokens.skipOperator(",")) {
                break;
            }
            commas = true;
        }
        if (commas || elements.isEmpty() && inBrackets) {
            return scope -> new Tuple(values(elements, scope));
        } else if (elements.isEmpty()) {
            throw tokens.unexpected("an expression");
        }
        return elements.get(0);
    }

    private boolean atTupleEnd() {
        return tokens.at(Kind.OUTPUT_END) || tokens.at(Kind.BLOCK_END) || tokens.atOperator(")");
    }

    private static List<Object> values(List<Expression> elements, Scope scope) {
        List<Object> values = new ArrayList<>();
        elements.forEach(element -> values.add(element.evaluate(scope)));
        return values;
    }

    /** {@code a if b else c}; without an else the value is undefined. */
    Expression expression() {
        int mark = names.unknown();
        Expression value = or();
        while (tokens.skipName("if")) {
            Expression then = value;
            Expression condition = or();
            Expression otherwise =
                    tokens.skipName("else")
                            ? expression()
                            : scope -> new Undefined("the inline if without an else");
            names.forgive(mark);
            value =
                    scope ->
                            (Python.truth(condition.evaluate(scope)) ? then : otherwise)
                                    .evaluate(scope);
        }
        return value;
    }

    Expression or() {
        Expression value = and();
        while (tokens.skipName("or")) {
            Expression left = value;
            Expression right = and();
            value =
                    scope -> {
                        Object first = left.evaluate(scope);
                        return Python.truth(first) ? first : right.evaluate(scope);
                    };
        }
        return value;
    }

    private Expression and() {
        Expression value = not();
        while (tokens.skipName("and")) {
            Expression left = value;
            Expression right = not();
            value =
                    scope -> {
                        Object first = left.evaluate(scope);
                        return Python.truth(first) ? right.evaluate(scope) : first;
                    };
        }
        return value;
    }

    private Expression not() {
        if (!tokens.skipName("not")) {
            return comparison();
        }
        Expression value = not();
        return scope -> !Python.truth(value.evaluate(scope));
    }

    /** Comparisons; {@code a < b < c} compares both pairs, as in Python. */
    private Expression comparison() {
        Expression first = sum();
        List<String> operators = new ArrayList<>();
        List<Expression> operands = new ArrayList<>();
        while (true) {
            Token token = tokens.current();
            boolean notIn = tokens.atName("not") && tokens.following().is(Kind.NAME, "in");
            if (notIn) {
                tokens.next();
            } else if (!tokens.atName("in")
                    && !(token.kind() == Kind.OPERATOR
                            && (ORDERED.contains(token.text())
                                    || Set.of("==", "!=").contains(token.text())))) {
                break;
            }
            tokens.next();
            operators.add(notIn ? "not in" : token.text());
            operands.add(sum());
        }
        if (operators.isEmpty()) {
            return first;
        }
        return scope -> {
            Object left = first.evaluate(scope);
            for (int i = 0; i < operators.size(); i++) {
                Object right = operands.get(i).evaluate(scope);
                if (!compare(operators.get(i), left, right)) {
                    return false;
                }
                left = right;
            }
            return true;
        };
    }

    private static boolean compare(String operator, Object left, Object right) {
        return switch (operator) {
            case "==" -> Python.equal(left, right);
            case "!=" -> !Python.equal(left, right);
            case "in" -> Python.contains(right, left);
            case "not in" -> !Python.contains(right, left);
            default -> Python.ordered(operator, left, right);
        };
    }

    private Expression sum() {
        Expression value = concatenation();
        while (tokens.atOperator("+") || tokens.atOperator("-")) {
            value = arithmetic(tokens.next().text(), value, concatenation());
        }
        return value;
    }

    private Expression concatenation() {
        Expression value = product();
        while (tokens.skipOperator("~")) {
            Expression left = value;
            Expression right = product();
            value =
                    scope -> {
                        String first = Text.str(left.evaluate(scope));
                        String second = Text.str(right.evaluate(scope));
                        Text.limit((long) first.length() + second.length());
                        return scope.charge(first + second);
                    };
        }
        return value;
    }

    private Expression product() {
        Expression value = power();
        while (tokens.atOperator("*")
                || tokens.atOperator("/")
                || tokens.atOperator("//")
                || tokens.atOperator("%")) {
            value = arithmetic(tokens.next().text(), value, power());
        }
        return value;
    }

    private Expression power() {
        Expression value = unary(true);
        while (tokens.atOperator("**")) {
            value = arithmetic(tokens.next().text(), value, unary(true));
        }
        return value;
    }

    private static Expression arithmetic(String operator, Expression left, Expression right) {
        return scope ->
                scope.charge(Numbers.apply(operator, left.evaluate(scope), right.evaluate(scope)));
    }

    /** A signed value; filters and tests bind looser than its sign. */
    private Expression unary(boolean withFilters) {
        Expression value;
        if (tokens.skipOperator("-")) {
            Expression operand = unary(false);
            value = scope -> Numbers.negate(operand.evaluate(scope));
        } else if (tokens.skipOperator("+")) {
            Expression operand = unary(false);
            value = scope -> Numbers.plus(operand.evaluate(scope));
        } else {
            value = primary();
        }
        value = postfix(value);
        return withFilters ? filtered(value) : value;
    }

    private Expression primary() {
        Token token = tokens.current();
        switch (token.kind()) {
            case NAME -> {
                tokens.next();
                return name(token.text());
            }
            case STRING -> {
                StringBuilder text = new StringBuilder();
                while (tokens.at(Kind.STRING)) {
                    text.append(tokens.next().text());
                }
                return constant(text.toString());
            }
            case NUMBER -> {
                tokens.next();
                return constant(token.value());
            }
            default -> {
                if (tokens.skipOperator("(")) {
                    Expression value = tuple(true, true);
                    tokens.expectOperator(")");
                    return value;
                } else if (tokens.skipOperator("[")) {
                    return list();
                } else if (tokens.skipOperator("{")) {
                    return dict();
                }
                throw tokens.unexpected("an expression");
            }
        }
    }

    private static Expression constant(Object value) {
        return scope -> value;
    }

    private Expression name(String name) {
        return switch (name) {
            case "true", "True" -> constant(true);
            case "false", "False" -> constant(false);
            case "none", "None" -> constant(null);
            case "self" -> throw tokens.error("the name 'self' is not supported");
            default -> {
                names.read(name);
                yield scope -> scope.get(name);
            }
        };
    }

    private Expression list() {
        List<Expression> elements = new ArrayList<>();
        while (!tokens.atOperator("]")) {
            elements.add(expression());
            if (!tokens.skipOperator(",")) {
                break;
            }
        }
        tokens.expectOperator("]");
        return scope -> values(elements, scope);
    }

    private Expression dict() {
        List<Expression> keys = new ArrayList<>();
        List<Expression> values = new ArrayList<>();
        while (!tokens.atOperator("}")) {
            keys.add(expression());
            tokens.expectOperator(":");
            values.add(expression());
            if (!tokens.skipOperator(",")) {
                break;
            }
        }
        tokens.expectOperator("}");
        return scope -> {
            Map<Object, Object> dict = new LinkedHashMap<>();
            for (int i = 0; i < keys.size(); i++) {
                Python.put(dict, keys.get(i).evaluate(scope), values.get(i).evaluate(scope));
            }
            return dict;
        };
    }

    /** Attributes, subscripts and calls after a value. */
    private Expression postfix(Expression value) {
        Expression result = value;
        while (true) {
            Expression object = result;
            if (tokens.skipOperator(".")) {
                Token token = tokens.next();
                if (token.kind() == Kind.NAME) {
                    String name = token.text();
                    result = scope -> Python.attribute(object.evaluate(scope), name);
                } else if (token.kind() == Kind.NUMBER && !(token.value() instanceof Double)) {
                    result = scope -> Python.item(object.evaluate(scope), token.value());
                } else {
                    throw tokens.unexpected("a name or number");
                }
            } else if (tokens.skipOperator("[")) {
                result = subscript(object);
            } else if (tokens.atOperator("(")) {
                result = new Call(object, operands());
            } else {
                return result;
            }
        }
    }

    private Expression subscript(Expression object) {
        Expression[] bounds = {null, null, null};
        int colons = 0;
        while (true) {
            if (!tokens.atOperator(":") && !tokens.atOperator("]") && !tokens.atOperator(",")) {
                bounds[colons] = expression();
            }
            if (colons == 2 || !tokens.skipOperator(":")) {
                break;
            }
            colons++;
        }
        if (colons == 0 && tokens.atOperator(",")) {
            return subscriptOfSeveral(object, bounds[0]);
        }
        tokens.expectOperator("]");
        if (colons > 0) {
            return scope ->
                    scope.charge(
                            Python.slice(
                                    object.evaluate(scope),
                                    evaluate(bounds[0], scope),
                                    evaluate(bounds[1], scope),
                                    evaluate(bounds[2], scope)));
        }
        Expression key = bounds[0];
        if (key == null) {
            return scope -> Python.item(object.evaluate(scope), new Tuple(List.of()));
        }
        return scope -> Python.item(object.evaluate(scope), key.evaluate(scope));
    }

    private Expression subscriptOfSeveral(Expression object, Expression first) {
        List<Expression> keys = new ArrayList<>();
        keys.add(first);
        while (tokens.skipOperator(",")) {
            keys.add(expression());
        }
        tokens.expectOperator("]");
        return scope -> Python.item(object.evaluate(scope), new Tuple(values(keys, scope)));
    }

    private static Object evaluate(Expression bound, Scope scope) {
        return bound == null ? null : bound.evaluate(scope);
    }

    /** A value with the filters, tests and calls after it. */
    private Expression filtered(Expression value) {
        Expression result = value;
        while (true) {
            Expression object = result;
            if (tokens.skipOperator("|")) {
                Filter filter = filter();
                result = scope -> filter.apply(scope, object.evaluate(scope));
            } else if (tokens.skipName("is")) {
                result = test(object);
            } else if (tokens.atOperator("(")) {
                result = new Call(object, operands());
            } else {
                return result;
            }
        }
    }

    /** A filter's name and arguments. */
    Filter filter() {
        String name = dottedName();
        names.known(Filters.NAMES, "filter", name, tokens.line());
        Operands operands = tokens.atOperator("(") ? operands() : Operands.NONE;
        return (scope, value) -> scope.charge(Filters.apply(name, value, operands.evaluate(scope)));
    }

    private String dottedName() {
        StringBuilder name = new StringBuilder(tokens.expect(Kind.NAME).text());
        while (tokens.skipOperator(".")) {
            name.append('.').append(tokens.expect(Kind.NAME).text());
        }
        return name.toString();
    }

    private Expression test(Expression object) {
        boolean negated = tokens.skipName("not");
        String test = dottedName();
        names.known(Tests.NAMES, "test", test, tokens.line());
        Operands operands = Operands.NONE;
        if (tokens.atOperator("(")) {
            operands = operands();
        } else if (startsOperand()) {
            if (tokens.atName("is")) {
                throw tokens.error("tests cannot be chained with 'is'");
            }
            operands = Operands.of(List.of(postfix(primary())));
        }
        Operands evaluated = operands;
        return scope ->
                Tests.test(test, object.evaluate(scope), evaluated.evaluate(scope)) != negated;
    }

    /** Whether the argument of a test follows without brackets, as in {@code is equalto 'x'}. */
    private boolean startsOperand() {
        return switch (tokens.current().kind()) {
            case STRING, NUMBER -> true;
            case NAME -> !tokens.atName("else") && !tokens.atName("or") && !tokens.atName("and");
            default -> tokens.atOperator("[") || tokens.atOperator("{");
        };
    }

    private Operands operands() {
        tokens.expectOperator("(");
        List<Expression> positional = new ArrayList<>();
        Map<String, Expression> named = new LinkedHashMap<>();
        Expression more = null;
        Expression moreNamed = null;
        while (!tokens.atOperator(")")) {
            if (moreNamed != null || more != null && tokens.atOperator("*")) {
                throw tokens.unexpected("')'");
            } else if (tokens.skipOperator("**")) {
                moreNamed = expression();
            } else if (tokens.skipOperator("*")) {
                more = expression();
            } else if (tokens.at(Kind.NAME) && tokens.following().is(Kind.OPERATOR, "=")) {
                String name = tokens.next().text();
                tokens.next();
                if (named.put(name, expression()) != null) {
                    throw tokens.error("the argument '" + name + "' is given twice");
                }
            } else if (more != null || !named.isEmpty()) {
                throw tokens.unexpected("a named argument");
            } else {
                positional.add(expression());
            }
            if (!tokens.skipOperator(",")) {
                break;
            }
        }
        tokens.expectOperator(")");
        return new Operands(positional, named, more, moreNamed);
    }
}
