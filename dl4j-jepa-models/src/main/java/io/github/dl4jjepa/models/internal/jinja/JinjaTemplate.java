package io.github.dl4jjepa.models.internal.jinja;

import java.time.LocalDate;
import java.util.Map;

/**
 * A compiled chat template.
 *
 * <p>Rendered as {@code apply_chat_template} of transformers renders it: Jinja2 in its sandbox,
 * with {@code trim_blocks}, {@code lstrip_blocks}, {@code break}, {@code continue} and the tag
 * {@code generation}. Not supported are the tags that read other templates, and functions whose
 * result is random. Immutable.
 */
public final class JinjaTemplate {
    private static final String TOO_DEEP = "the template is nested too deeply, or calls itself";

    private final TemplateParser.Template template;

    private JinjaTemplate(TemplateParser.Template template) {
        this.template = template;
    }

    /**
     * Compiles a template.
     *
     * @throws TemplateException if it is not one, or has a tag that is not supported; the message
     *     names the line
     */
    public static JinjaTemplate compile(String source) {
        try {
            return new JinjaTemplate(TemplateParser.parse(Lexer.tokens(source)));
        } catch (StackOverflowError e) {
            throw new TemplateException(TOO_DEEP);
        }
    }

    /**
     * Renders the template.
     *
     * @param variables what the template can read: strings, numbers, truth values, collections and
     *     maps of them; null is None, and what is not there is undefined
     * @param today what {@code strftime_now} shows, at midnight
     * @throws TemplateException if the template refuses, does what Python would refuse or this
     *     class does not know, or makes more text than a conversation can need; the message names
     *     the line
     * @throws IllegalArgumentException if a variable is of another kind
     */
    public String render(Map<String, ?> variables, LocalDate today) {
        Map<String, Object> globals = Globals.functions(today);
        variables.forEach((name, value) -> globals.put(name, Python.value(value)));
        Scope scope = new Scope(globals);
        scope.enter(template.frame());
        try {
            return Block.capture(template.block(), scope);
        } catch (StackOverflowError e) {
            throw new TemplateException(TOO_DEEP);
        }
    }
}
