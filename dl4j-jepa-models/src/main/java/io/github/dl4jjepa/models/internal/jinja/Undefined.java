package io.github.dl4jjepa.models.internal.jinja;

/**
 * Jinja2's undefined value: false, empty, written as nothing, and an error in any other use.
 *
 * @param name what was looked for, for the error
 */
record Undefined(String name) {
    TemplateException error() {
        return new TemplateException("'" + name + "' is undefined");
    }
}
