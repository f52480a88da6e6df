package io.github.dl4jjepa.models.tokenizer.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The filters and tests of Jinja2 that chat templates use. */
final class Filters {
    private Filters() {}

    static Object apply(String filter, Object value, Arguments arguments) {
        return switch (filter) {
            case "trim" -> {
                Object characters = arguments.allow(filter, "chars").get(0, "chars", null);
                String only = characters == null ? null : Python.string(characters);
                yield Python.strip(Python.text(value), only, true, true);
            }
            case "length", "count" -> {
                arguments.only(filter, 0, 0);
                yield Python.length(value);
            }
            case "string" -> {
                arguments.only(filter, 0, 0);
                yield Python.text(value);
            }
            case "upper" -> {
                arguments.only(filter, 0, 0);
                yield Python.text(value).toUpperCase(Locale.ROOT);
            }
            case "lower" -> {
                arguments.only(filter, 0, 0);
                yield Python.text(value).toLowerCase(Locale.ROOT);
            }
            case "capitalize" -> {
                arguments.only(filter, 0, 0);
                yield capitalize(Python.text(value));
            }
            case "replace" -> {
                List<Object> values = arguments.only(filter, 2, 2);
                yield Python.text(value)
                        .replace(Python.text(values.get(0)), Python.text(values.get(1)));
            }
            case "tojson" -> {
                Object indent = arguments.allow(filter, "indent").get(0, "indent", null);
                yield Json.write(value, indent == null ? -1 : (int) Python.integer(indent));
            }
            case "default", "d" -> {
                Object otherwise =
                        arguments
                                .allow(filter, "default_value", "boolean")
                                .get(0, "default_value", "");
                boolean falsy = Python.truth(arguments.get(1, "boolean", false));
                boolean absent = value instanceof Undefined || falsy && !Python.truth(value);
                yield absent ? otherwise : value;
            }
            case "list" -> {
                arguments.only(filter, 0, 0);
                yield Python.iterate(value);
            }
            case "items" -> {
                arguments.only(filter, 0, 0);
                yield items(value);
            }
            case "first" -> {
                arguments.only(filter, 0, 0);
                List<Object> elements = Python.iterate(value);
                yield elements.isEmpty()
                        ? new Undefined("No first item, sequence was empty.")
                        : elements.get(0);
            }
            case "last" -> {
                arguments.only(filter, 0, 0);
                List<Object> elements = Python.iterate(value);
                yield elements.isEmpty()
                        ? new Undefined("No last item, sequence was empty.")
                        : elements.get(elements.size() - 1);
            }
            case "reverse" -> {
                arguments.only(filter, 0, 0);
                List<Object> elements = Python.iterate(value);
                Collections.reverse(elements);
                yield value instanceof String
                        ? String.join("", elements.toArray(String[]::new))
                        : elements;
            }
            case "join" -> {
                Object separator = arguments.allow(filter, "d").get(0, "d", "");
                arguments.positional(filter, 0, 1);
                yield String.join(
                        Python.text(separator),
                        Python.iterate(value).stream().map(Python::text).toList());
            }
            case "select", "reject" -> {
                List<Object> selected = new ArrayList<>();
                for (Object element : Python.iterate(value)) {
                    if (passes(element, arguments, 0) == filter.equals("select")) {
                        selected.add(element);
                    }
                }
                yield selected;
            }
            case "selectattr", "rejectattr" -> {
                String name = plainAttribute(arguments.positional(filter, 1, 3).get(0));
                List<Object> selected = new ArrayList<>();
                for (Object element : Python.iterate(value)) {
                    if (passes(Python.item(element, name), arguments, 1)
                            == filter.equals("selectattr")) {
                        selected.add(element);
                    }
                }
                yield selected;
            }
            case "map" -> map(value, arguments);
            default ->
                    throw new TemplateException(
                            "the filter '" + filter + "' is not known to this renderer");
        };
    }

    static boolean test(String test, Object value, Arguments arguments) {
        boolean compares =
                List.of("eq", "equalto", "==", "ne", "!=", "in", "divisibleby").contains(test);
        List<Object> values = arguments.only(test, compares ? 1 : 0, compares ? 1 : 0);
        return switch (test) {
            case "defined" -> !(value instanceof Undefined);
            case "undefined" -> value instanceof Undefined;
            case "none" -> value == null;
            case "string" -> value instanceof String;
            case "mapping" -> value instanceof Map;
            case "number" -> value instanceof Number || value instanceof Boolean;
            case "integer" -> value instanceof Long;
            case "float" -> value instanceof Double;
            case "boolean" -> value instanceof Boolean;
            case "true" -> Boolean.TRUE.equals(value);
            case "false" -> Boolean.FALSE.equals(value);
            case "iterable", "sequence" ->
                    value instanceof String
                            || value instanceof List
                            || value instanceof Map
                            || value instanceof Undefined;
            case "eq", "equalto", "==" -> Python.equal(value, values.get(0));
            case "ne", "!=" -> !Python.equal(value, values.get(0));
            case "in" -> Python.contains(values.get(0), value);
            case "odd" -> Math.floorMod(Python.integer(value), 2) == 1;
            case "even" -> Math.floorMod(Python.integer(value), 2) == 0;
            case "divisibleby" ->
                    Math.floorMod(Python.integer(value), Python.integer(values.get(0))) == 0;
            default ->
                    throw new TemplateException(
                            "the test '" + test + "' is not known to this renderer");
        };
    }

    private static boolean passes(Object value, Arguments arguments, int first) {
        List<Object> values = arguments.only("select", 0, 3);
        if (values.size() <= first) {
            return Python.truth(value);
        }
        Arguments rest = new Arguments(values.subList(first + 1, values.size()), Map.of());
        return test(Python.string(values.get(first)), value, rest);
    }

    private static Object map(Object value, Arguments arguments) {
        arguments.allow("map", "attribute", "default");
        List<Object> mapped = new ArrayList<>();
        if (arguments.named().containsKey("attribute")) {
            arguments.positional("map", 0, 0);
            String name = plainAttribute(arguments.named().get("attribute"));
            for (Object element : Python.iterate(value)) {
                Object attribute = Python.item(element, name);
                boolean replaced =
                        attribute instanceof Undefined && arguments.named().containsKey("default");
                mapped.add(replaced ? arguments.named().get("default") : attribute);
            }
        } else {
            List<Object> values = arguments.only("map", 1, Integer.MAX_VALUE);
            Arguments rest = new Arguments(values.subList(1, values.size()), Map.of());
            for (Object element : Python.iterate(value)) {
                mapped.add(apply(Python.string(values.get(0)), element, rest));
            }
        }
        return mapped;
    }

    private static String plainAttribute(Object attribute) {
        String name = Python.string(attribute);
        if (name.isEmpty() || name.contains(".") || Character.isDigit(name.charAt(0))) {
            throw new TemplateException(
                    "the attribute path '" + name + "' is not known to this renderer");
        }
        return name;
    }

    private static Object items(Object value) {
        if (value instanceof Undefined) {
            return List.of();
        } else if (value instanceof Map<?, ?> map) {
            return PythonMethods.items(map);
        }
        throw new TemplateException("Can only get item pairs from a mapping.");
    }

    private static String capitalize(String text) {
        if (text.isEmpty()) {
            return text;
        }
        int rest = text.offsetByCodePoints(0, 1);
        return text.substring(0, rest).toUpperCase(Locale.ROOT)
                + text.substring(rest).toLowerCase(Locale.ROOT);
    }
}
