package io.github.dl4jjepa.models.tokenizer.jinja;

import java.time.LocalDate;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A compiled chat template.
 *
 * <p>Rendered as {@code apply_chat_template} of transformers renders it: Jinja2 with {@code
 * trim_blocks} and {@code lstrip_blocks}, the tags {@code if}, {@code for}, {@code set}, {@code
 * break}, {@code continue} and {@code generation}, and the functions {@code raise_exception},
 * {@code strftime_now}, {@code namespace} and {@code range}. Immutable.
 */
public final class JinjaTemplate {
    private final Block block;

    private JinjaTemplate(Block block) {
        this.block = block;
    }

    /**
     * Compiles a template.
     *
     * @throws TemplateException if it is not one, or has a tag that is not supported; the message
     *     names the line
     */
    public static JinjaTemplate compile(String source) {
        return new JinjaTemplate(TemplateParser.parse(Lexer.cut(source)));
    }

    /**
     * Renders the template.
     *
     * @param variables what the template can read: strings, numbers, truth values, collections and
     *     maps of them; null is None, and what is not there is undefined
     * @param today what {@code strftime_now} shows, at midnight
     * @throws TemplateException if the template refuses, or does what Python would refuse or this
     *     class does not know
     */
    public String render(Map<String, ?> variables, LocalDate today) {
        Map<String, Object> globals = new HashMap<>();
        globals.put("raise_exception", (Arguments.Function) JinjaTemplate::raise);
        globals.put("namespace", (Arguments.Function) Namespace::create);
        globals.put("range", (Arguments.Function) JinjaTemplate::range);
        globals.put(
                "strftime_now",
                (Arguments.Function)
                        arguments ->
                                Strftime.format(
                                        Python.string(arguments.only("strftime_now", 1, 1).get(0)),
                                        today.atStartOfDay()));
        variables.forEach((name, value) -> globals.put(name, Python.value(value)));
        StringBuilder out = new StringBuilder();
        block.render(new Scope(globals), out);
        return out.toString();
    }

    private static Object raise(Arguments arguments) {
        throw TemplateException.raised(Python.text(arguments.only("raise_exception", 1, 1).get(0)));
    }

    private static Object range(Arguments arguments) {
        List<Object> bounds = arguments.only("range", 1, 3);
        long start = bounds.size() > 1 ? Python.integer(bounds.get(0)) : 0;
        long stop = Python.integer(bounds.get(bounds.size() > 1 ? 1 : 0));
        long step = bounds.size() > 2 ? Python.integer(bounds.get(2)) : 1;
        if (step == 0) {
            throw new TemplateException("range() arg 3 must not be zero");
        }
        List<Object> numbers = new ArrayList<>();
        for (long i = start; step > 0 ? i < stop : i > stop; i += step) {
            numbers.add(i);
        }
        return numbers;
    }
}
