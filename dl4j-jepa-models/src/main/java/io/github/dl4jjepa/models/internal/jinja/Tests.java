package io.github.dl4jjepa.models.internal.jinja;

import java.util.List;
import java.util.Objects;
import java.util.Set;

/** The tests of Jinja2. */
final class Tests {
    /** Tests that Jinja2 has; another name is refused when the template is compiled. */
    static final Set<String> NAMES =
            Set.of(
                    ("odd even divisibleby defined undefined filter test none boolean false true"
                                    + " integer float lower upper string mapping number sequence"
                                    + " iterable callable sameas escaped in == eq equalto != ne > gt"
                                    + " greaterthan ge >= < lt lessthan <= le")
                            .split(" "));

    private static final Set<String> COMPARISONS =
            Set.of(
                    ("divisibleby sameas in == eq equalto != ne > gt greaterthan ge >= < lt lessthan"
                                    + " <= le")
                            .split(" "));

    private Tests() {}

    static boolean test(String test, Object value, Arguments arguments) {
        int count = COMPARISONS.contains(test) ? 1 : 0;
        List<Object> values = arguments.only(test, count, count);
        return count == 1 ? compare(test, value, values.get(0)) : check(test, value);
    }

    private static boolean compare(String test, Object value, Object other) {
        return switch (test) {
            case "eq", "equalto", "==" -> Python.equal(value, other);
            case "ne", "!=" -> !Python.equal(value, other);
            case "gt", "greaterthan", ">" -> Python.ordered(">", value, other);
            case "ge", ">=" -> Python.ordered(">=", value, other);
            case "lt", "lessthan", "<" -> Python.ordered("<", value, other);
            case "le", "<=" -> Python.ordered("<=", value, other);
            case "in" -> Python.contains(other, value);
            case "divisibleby" -> Python.equal(Numbers.apply("%", value, other), 0L);
            default -> isSame(value, other);
        };
    }

    /** Python's {@code is}, where it does not depend on which equal objects are shared. */
    private static boolean isSame(Object value, Object other) {
        boolean single = value == null || value instanceof Boolean;
        if (single || other == null || other instanceof Boolean) {
            return Objects.equals(value, other);
        } else if (!Python.type(value).equals(Python.type(other)) || !Python.equal(value, other)) {
            return false;
        } else if (value == other && !Numbers.isNumber(value) && !(value instanceof String)) {
            return true;
        }
        throw new TemplateException("whether equal values are one is not known to this renderer");
    }

    private static boolean check(String test, Object value) {
        return switch (test) {
            case "defined" -> !(value instanceof Undefined);
            case "undefined" -> value instanceof Undefined;
            case "none" -> value == null;
            case "string" -> value instanceof String || value instanceof Markup;
            case "mapping" -> value instanceof java.util.Map;
            case "number" -> Numbers.isNumber(value);
            case "integer" -> Numbers.isInteger(value) && !(value instanceof Boolean);
            case "float" -> value instanceof Double;
            case "boolean" -> value instanceof Boolean;
            case "true" -> Boolean.TRUE.equals(value);
            case "false" -> Boolean.FALSE.equals(value);
            case "iterable" -> Python.isIterable(value);
            case "sequence" ->
                    Python.isIterable(value)
                            && !(value instanceof DictView)
                            && !(value instanceof Generator)
                            && !(value instanceof Loop);
            case "callable" ->
                    value instanceof Arguments.Function
                            || value instanceof Loop
                            || value instanceof Undefined;
            case "escaped" -> value instanceof Markup;
            case "odd" -> Python.equal(Numbers.apply("%", value, 2L), 1L);
            case "even" -> Python.equal(Numbers.apply("%", value, 2L), 0L);
            case "lower" -> StringMethods.isCased(Text.str(value), false);
            case "upper" -> StringMethods.isCased(Text.str(value), true);
            case "filter" -> value instanceof String name && Filters.NAMES.contains(name);
            case "test" -> value instanceof String name && NAMES.contains(name);
            default ->
                    throw new TemplateException(
                            "the test '" + test + "' is not known to this renderer");
        };
    }
}
