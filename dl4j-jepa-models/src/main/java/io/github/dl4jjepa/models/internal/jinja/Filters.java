package io.github.dl4jjepa.models.internal.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The filters of Jinja2. */
final class Filters {
    /** Filters that Jinja2 has; another name is refused when the template is compiled. */
    static final Set<String> NAMES =
            Set.of(
                    ("abs attr batch capitalize center count d default dictsort e escape"
                                    + " filesizeformat first float forceescape format groupby indent"
                                    + " int items join last length list lower map max min pprint"
                                    + " random reject rejectattr replace reverse round safe select"
                                    + " selectattr slice sort string striptags sum title tojson trim"
                                    + " truncate unique upper urlencode urlize wordcount wordwrap"
                                    + " xmlattr")
                            .split(" "));

    private static final Pattern WORD_BEGINNINGS =
            Pattern.compile("[-\\s({\\[<]+", Pattern.UNICODE_CHARACTER_CLASS);
    private static final Pattern WORD = Pattern.compile("\\w+", Pattern.UNICODE_CHARACTER_CLASS);

    private Filters() {}

    static Object apply(String filter, Object value, Arguments arguments) {
        return switch (filter) {
            case "batch",
                    "first",
                    "items",
                    "last",
                    "list",
                    "map",
                    "reject",
                    "rejectattr",
                    "reverse",
                    "select",
                    "selectattr",
                    "slice",
                    "unique" ->
                    ofElements(filter, value, arguments);
            case "dictsort", "groupby", "join", "max", "min", "sort", "sum" ->
                    ofCollection(filter, value, arguments);
            case "default", "d" -> {
                Object[] bound = arguments.bind(filter, 0, "default_value", "", "boolean", false);
                boolean falsy = Python.truth(bound[1]);
                boolean absent = value instanceof Undefined || falsy && !Python.truth(value);
                yield absent ? bound[0] : value;
            }
            case "tojson" -> Json.write(value, arguments);
            case "attr" -> {
                Object name = arguments.bind(filter, 1, "name", null)[0];
                yield value instanceof Undefined
                        ? Python.attribute(value, Python.string(name))
                        : PythonMethods.attribute(value, Python.string(name));
            }
            case "length", "count" -> {
                arguments.only(filter, 0, 0);
                yield Python.length(value);
            }
            case "string" -> {
                arguments.only(filter, 0, 0);
                yield value instanceof Markup ? value : Text.str(value);
            }
            case "safe" -> {
                arguments.only(filter, 0, 0);
                yield new Markup(Text.str(value));
            }
            case "escape", "e", "forceescape" -> {
                arguments.only(filter, 0, 0);
                yield value instanceof Markup && !filter.equals("forceescape")
                        ? value
                        : Markup.escape(Text.str(value));
            }
            case "abs", "float", "int", "round" -> ofNumber(filter, value, arguments);
            default -> ofText(filter, value, arguments);
        };
    }

    private static Object ofText(String filter, Object value, Arguments arguments) {
        if (value instanceof Markup) {
            throw new TemplateException(
                    "the filter '" + filter + "' of safe text is not known to this renderer");
        }
        return switch (filter) {
            case "trim" -> {
                Object characters = arguments.bind(filter, 0, "chars", null)[0];
                String only = characters == null ? null : Python.string(characters);
                yield Python.strip(Text.str(value), only, true, true);
            }
            case "upper", "lower", "capitalize", "title", "wordcount" -> {
                arguments.only(filter, 0, 0);
                String text = Text.str(value);
                yield switch (filter) {
                    case "upper" -> Python.upper(text);
                    case "lower" -> Python.lower(text);
                    case "capitalize" -> StringMethods.capitalize(text);
                    case "title" -> title(text);
                    default -> WORD.matcher(text).results().count();
                };
            }
            case "center" ->
                    StringMethods.pad(
                            Text.str(value),
                            filter,
                            Numbers.integer(arguments.bind(filter, 0, "width", 80L)[0]),
                            " ");
            case "replace" -> {
                Object[] bound = arguments.bind(filter, 2, "old", null, "new", null, "count", null);
                yield StringMethods.replace(
                        Text.str(value),
                        Text.str(bound[0]),
                        Text.str(bound[1]),
                        bound[2] == null ? -1 : Numbers.integer(bound[2]));
            }
            case "format" -> {
                if (!arguments.named().isEmpty() && !arguments.positional().isEmpty()) {
                    throw new TemplateException(
                            "can't handle positional and keyword arguments at the same time");
                }
                yield PercentFormat.format(
                        Text.str(value),
                        arguments.named().isEmpty()
                                ? new Tuple(arguments.positional())
                                : arguments.named());
            }
            case "indent" -> indent(Python.string(value), arguments);
            case "truncate" -> truncate(value, arguments);
            default ->
                    throw new TemplateException(
                            "the filter '" + filter + "' is not known to this renderer");
        };
    }

    private static String title(String text) {
        StringBuilder out = new StringBuilder();
        Matcher between = WORD_BEGINNINGS.matcher(text);
        int start = 0;
        while (between.find()) {
            appendWord(out, text.substring(start, between.start()));
            out.append(between.group());
            start = between.end();
        }
        appendWord(out, text.substring(start));
        return out.toString();
    }

    private static void appendWord(StringBuilder out, String word) {
        if (!word.isEmpty()) {
            int rest = word.offsetByCodePoints(0, 1);
            out.append(Python.upper(word.substring(0, rest)))
                    .append(Python.lower(word.substring(rest)));
        }
    }

    private static String indent(String text, Arguments arguments) {
        Object[] bound = arguments.bind("indent", 0, "width", 4L, "first", false, "blank", false);
        String indentation =
                bound[0] instanceof String given
                        ? given
                        : Text.repeat(" ", Numbers.integer(bound[0]));
        boolean blank = Python.truth(bound[2]);
        Text out = new Text();
        List<String> lines = StringMethods.lines(text + "\n", false);
        for (int i = 0; i < lines.size(); i++) {
            boolean indents = i == 0 ? Python.truth(bound[1]) : blank || !lines.get(i).isEmpty();
            out.append(i == 0 ? "" : "\n");
            out.append(indents ? indentation : "").append(lines.get(i));
        }
        return out.toString();
    }

    private static Object truncate(Object value, Arguments arguments) {
        Object[] bound =
                arguments.bind(
                        "truncate",
                        0,
                        "length",
                        255L,
                        "killwords",
                        false,
                        "end",
                        "...",
                        "leeway",
                        null);
        long length = Numbers.integer(bound[0]);
        String end = Python.string(bound[2]);
        long leeway = bound[3] == null ? 5 : Numbers.integer(bound[3]);
        long kept = length - Python.length(end);
        if (kept < 0 || leeway < 0) {
            throw new TemplateException("truncate() is called with a length that is too small");
        }
        if (Python.length(value) <= length + leeway) {
            return value;
        }
        String text = Python.substring(Python.string(value), 0, kept);
        return Python.truth(bound[1])
                ? text + end
                : StringMethods.reverseSplit(text, " ", 1).get(0) + end;
    }

    private static Object ofNumber(String filter, Object value, Arguments arguments) {
        return switch (filter) {
            case "abs" -> {
                arguments.only(filter, 0, 0);
                yield Numbers.absolute(value);
            }
            case "float" -> {
                Object otherwise = arguments.bind(filter, 0, "default", 0.0)[0];
                Object number = number(value);
                yield number == null ? otherwise : number;
            }
            case "int" -> {
                Object[] bound = arguments.bind(filter, 0, "default", 0L, "base", 10L);
                if (value instanceof String text) {
                    Object whole = Numbers.parseInteger(text, (int) Numbers.integer(bound[1]));
                    Double real = whole == null ? Numbers.parseReal(text) : null;
                    boolean finite = real != null && !real.isNaN() && !real.isInfinite();
                    yield whole != null ? whole : finite ? Numbers.truncate(real) : bound[0];
                }
                Object number = value instanceof Double ? value : whole(value);
                if (number == null || Numbers.isNaN(number)) {
                    yield bound[0];
                }
                yield number instanceof Double real ? Numbers.truncate(real) : number;
            }
            default -> round(value, arguments);
        };
    }

    private static Object number(Object value) {
        if (value instanceof Undefined undefined) {
            throw undefined.error();
        } else if (value instanceof String text) {
            return Numbers.parseReal(text);
        }
        return Numbers.isNumber(value) ? Numbers.real(value) : null;
    }

    private static Object whole(Object value) {
        if (value instanceof Undefined undefined) {
            throw undefined.error();
        }
        return Numbers.isNumber(value) ? Numbers.plus(value) : null;
    }

    private static Object round(Object value, Arguments arguments) {
        Object[] bound = arguments.bind("round", 0, "precision", 0L, "method", "common");
        if (bound[1].equals("common")) {
            return Numbers.round(value, Numbers.integer(bound[0]));
        }
        boolean up = bound[1].equals("ceil");
        if (!up && !bound[1].equals("floor")) {
            throw new TemplateException("method must be common, ceil or floor");
        }
        Object scale = Numbers.apply("**", 10L, bound[0]);
        Object scaled = Numbers.apply("*", value, scale);
        Object whole =
                scaled instanceof Double real
                        ? Numbers.truncate(up ? Math.ceil(real) : Math.floor(real))
                        : Numbers.plus(scaled);
        return Numbers.apply("/", whole, scale);
    }

    /** A lazy sequence, as the filters of Jinja2 make them. */
    private static final class Lazy implements Iterator<Object> {
        private final Iterator<Object> source;
        private final Predicate<Object> condition;
        private Object next;
        private boolean ready;

        Lazy(Iterator<Object> source, Predicate<Object> condition) {
            this.source = source;
            this.condition = condition;
        }

        @Override
        public boolean hasNext() {
            while (!ready && source.hasNext()) {
                next = source.next();
                ready = condition.test(next);
            }
            return ready;
        }

        @Override
        public Object next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            ready = false;
            return next;
        }
    }

    private static Object mapped(Object value, Function<Object, Object> function) {
        Iterator<Object> source = Python.iterator(value);
        return new Generator(
                new Iterator<>() {
                    @Override
                    public boolean hasNext() {
                        return source.hasNext();
                    }

                    @Override
                    public Object next() {
                        return function.apply(source.next());
                    }
                });
    }

    private static Object filtered(Object value, Predicate<Object> condition) {
        return new Generator(new Lazy(Python.iterator(value), condition));
    }

    private static Object ofElements(String filter, Object value, Arguments arguments) {
        return switch (filter) {
            case "list" -> {
                arguments.only(filter, 0, 0);
                yield Python.list(value);
            }
            case "items" -> {
                arguments.only(filter, 0, 0);
                if (!(value instanceof Map) && !(value instanceof Undefined)) {
                    throw new TemplateException("Can only get item pairs from a mapping.");
                }
                yield new Generator(
                        value instanceof Map<?, ?> map
                                ? new DictView(filter, map).iterator()
                                : Collections.emptyIterator());
            }
            case "first" -> {
                arguments.only(filter, 0, 0);
                Iterator<Object> elements = Python.iterator(value);
                yield elements.hasNext() ? elements.next() : new Undefined("the first item");
            }
            case "last" -> {
                arguments.only(filter, 0, 0);
                Iterator<Object> elements = Python.reversed(value);
                yield elements.hasNext() ? elements.next() : new Undefined("the last item");
            }
            case "reverse" -> {
                arguments.only(filter, 0, 0);
                if (value instanceof String text) {
                    yield StringMethods.reverse(text);
                } else if (value instanceof Generator || value instanceof Undefined) {
                    List<Object> elements = Python.list(value);
                    Collections.reverse(elements);
                    yield elements;
                }
                yield new Generator(Python.reversed(value));
            }
            case "batch" -> {
                Object[] bound = arguments.bind(filter, 1, "linecount", null, "fill_with", null);
                yield batch(value, bound[0], bound[1]);
            }
            case "slice" ->
                    slices(value, arguments.bind(filter, 1, "slices", null, "fill_with", null));
            case "unique" -> {
                Object[] bound =
                        arguments.bind(filter, 0, "case_sensitive", false, "attribute", null);
                Function<Object, Object> key = key(bound[1], bound[0]);
                List<Object> seen = new ArrayList<>();
                yield filtered(
                        value,
                        element -> {
                            Object found = Python.hashable(key.apply(element));
                            boolean fresh = !Python.contains(seen, found);
                            seen.add(found);
                            return fresh;
                        });
            }
            case "map" -> map(value, arguments);
            default -> select(filter, value, arguments);
        };
    }

    private static Object batch(Object value, Object size, Object fill) {
        List<Object> batches = new ArrayList<>();
        List<Object> batch = new ArrayList<>();
        for (Object element : Python.list(value)) {
            if (Python.equal((long) batch.size(), size)) {
                batches.add(batch);
                batch = new ArrayList<>();
            }
            batch.add(element);
        }
        if (!batch.isEmpty()) {
            if (fill != null) {
                Text.limitElements(Numbers.integer(size));
                while (batch.size() < Numbers.integer(size)) {
                    batch.add(fill);
                }
            }
            batches.add(batch);
        }
        return new Generator(batches.iterator());
    }

    private static Object slices(Object value, Object[] bound) {
        List<Object> elements = Python.list(value);
        long slices = Numbers.integer(bound[0]);
        if (slices == 0) {
            throw new TemplateException("integer division or modulo by zero");
        }
        Text.limitElements(slices);
        long size = Math.floorDiv(elements.size(), slices);
        long longer = Math.floorMod(elements.size(), slices);
        List<Object> parts = new ArrayList<>();
        int start = 0;
        for (long i = 0; i < slices; i++) {
            int end = (int) (start + size + (i < longer ? 1 : 0));
            List<Object> part = new ArrayList<>(elements.subList(start, end));
            if (bound[1] != null && i >= longer) {
                part.add(bound[1]);
            }
            parts.add(part);
            start = end;
        }
        return new Generator(parts.iterator());
    }

    private static Object map(Object value, Arguments arguments) {
        if (!Python.truth(value)) {
            return new Generator(Collections.emptyIterator());
        } else if (arguments.positional().isEmpty()) {
            Object[] bound = arguments.bind("map", 0, "attribute", null, "default", null);
            if (!arguments.named().containsKey("attribute")) {
                throw new TemplateException("map requires a filter argument");
            }
            return mapped(value, attribute(bound[0], bound[1]));
        }
        Object filter = arguments.positional().get(0);
        return mapped(value, element -> apply(Python.string(filter), element, arguments.skip(1)));
    }

    private static Object select(String filter, Object value, Arguments arguments) {
        if (!Python.truth(value)) {
            return new Generator(Collections.emptyIterator());
        }
        boolean byAttribute = filter.endsWith("attr");
        boolean wanted = filter.startsWith("select");
        int first = byAttribute ? 1 : 0;
        List<Object> values = arguments.positional();
        if (values.size() < first) {
            throw new TemplateException("Missing parameter for attribute name");
        }
        Function<Object, Object> attribute =
                byAttribute ? attribute(values.get(0), null) : Function.identity();
        return filtered(
                value,
                element -> {
                    Object tested = attribute.apply(element);
                    boolean holds =
                            values.size() > first
                                    ? Tests.test(
                                            Python.string(values.get(first)),
                                            tested,
                                            arguments.skip(first + 1))
                                    : Python.truth(tested);
                    return holds == wanted;
                });
    }

    /** What a path such as {@code function.name} finds in an element. */
    private static Function<Object, Object> attribute(Object path, Object otherwise) {
        List<Object> parts = new ArrayList<>();
        if (path instanceof String text) {
            for (Object part : StringMethods.split(text, ".", -1)) {
                boolean index = ((String) part).matches("[0-9]{1,9}");
                parts.add(index ? Long.valueOf((String) part) : part);
            }
        } else if (path != null) {
            parts.add(path);
        }
        return element -> {
            Object found = element;
            for (Object part : parts) {
                found = Python.item(found, part);
                found = found instanceof Undefined && otherwise != null ? otherwise : found;
            }
            return found;
        };
    }

    private static Function<Object, Object> key(Object path, Object caseSensitive) {
        boolean exact = Python.truth(caseSensitive);
        return attribute(path, null)
                .andThen(
                        found ->
                                !exact && found instanceof String text
                                        ? Python.lower(text)
                                        : found);
    }

    /** The order of sorted values; those without one are refused. */
    static final Comparator<Object> ORDER =
            (a, b) -> Python.ordered("<", a, b) ? -1 : Python.ordered("<", b, a) ? 1 : 0;

    private static Object ofCollection(String filter, Object value, Arguments arguments) {
        return switch (filter) {
            case "join" -> {
                Object[] bound = arguments.bind(filter, 0, "d", "", "attribute", null);
                Function<Object, Object> attribute = attribute(bound[1], null);
                String separator = Text.str(bound[0]);
                Text out = new Text();
                String between = "";
                for (Object element : Python.list(value)) {
                    out.append(between).append(Text.str(attribute.apply(element)));
                    between = separator;
                }
                yield out.toString();
            }
            case "min", "max" -> {
                Object[] bound =
                        arguments.bind(filter, 0, "case_sensitive", false, "attribute", null);
                Function<Object, Object> key = key(bound[1], bound[0]);
                List<Object> elements = Python.list(value);
                Object best = elements.isEmpty() ? new Undefined("the " + filter) : elements.get(0);
                for (Object element : elements) {
                    Object a = key.apply(element);
                    Object b = key.apply(best);
                    best =
                            ORDER.compare(a, b) * (filter.equals("min") ? 1 : -1) < 0
                                    ? element
                                    : best;
                }
                yield best;
            }
            case "sum" -> {
                Object[] bound = arguments.bind(filter, 0, "attribute", null, "start", 0L);
                Object sum = bound[1];
                if (sum instanceof String) {
                    throw new TemplateException("sum() can't sum strings");
                }
                for (Object element : Python.list(value)) {
                    sum = Numbers.apply("+", sum, attribute(bound[0], null).apply(element));
                }
                yield sum;
            }
            case "sort" -> sort(value, arguments);
            case "dictsort" -> dictSort(value, arguments);
            default -> groupBy(value, arguments);
        };
    }

    private static Object sort(Object value, Arguments arguments) {
        Object[] bound =
                arguments.bind(
                        "sort", 0, "reverse", false, "case_sensitive", false, "attribute", null);
        List<Function<Object, Object>> keys = new ArrayList<>();
        if (bound[2] instanceof String paths) {
            StringMethods.split(paths, ",", -1).forEach(path -> keys.add(key(path, bound[1])));
        } else {
            keys.add(key(bound[2], bound[1]));
        }
        Function<Object, Object> key =
                element -> {
                    List<Object> parts = new ArrayList<>();
                    keys.forEach(part -> parts.add(part.apply(element)));
                    return parts;
                };
        List<Object> sorted = Python.list(value);
        sort(sorted, key, Python.truth(bound[0]));
        return sorted;
    }

    private static void sort(List<Object> elements, Function<Object, Object> key, boolean reverse) {
        elements.sort(Comparator.comparing(key, reverse ? ORDER.reversed() : ORDER));
    }

    private static Object dictSort(Object value, Arguments arguments) {
        Object[] bound =
                arguments.bind(
                        "dictsort", 0, "case_sensitive", false, "by", "key", "reverse", false);
        if (!(value instanceof Map<?, ?> map)) {
            throw new TemplateException("dictsort() needs a dict");
        }
        boolean byKey = bound[1].equals("key");
        if (!byKey && !bound[1].equals("value")) {
            throw new TemplateException("You can only sort by either \"key\" or \"value\"");
        }
        List<Object> items = Python.list(new DictView("items", map));
        sort(items, key(byKey ? 0L : 1L, bound[0]), Python.truth(bound[2]));
        return items;
    }

    private static Object groupBy(Object value, Arguments arguments) {
        Object[] bound =
                arguments.bind(
                        "groupby", 1, "attribute", null, "default", null, "case_sensitive", false);
        Function<Object, Object> attribute = attribute(bound[0], bound[1]);
        boolean exact = Python.truth(bound[2]);
        Function<Object, Object> key =
                attribute.andThen(
                        found ->
                                !exact && found instanceof String text
                                        ? Python.lower(text)
                                        : found);
        List<Object> sorted = Python.list(value);
        sort(sorted, key, false);
        List<Object> groups = new ArrayList<>();
        List<Object> members = new ArrayList<>();
        for (Object element : sorted) {
            if (!members.isEmpty()
                    && !Python.equal(key.apply(members.get(0)), key.apply(element))) {
                groups.add(new Tuple.Group(attribute.apply(members.get(0)), members));
                members = new ArrayList<>();
            }
            members.add(element);
        }
        if (!members.isEmpty()) {
            groups.add(new Tuple.Group(attribute.apply(members.get(0)), members));
        }
        return groups;
    }
}
