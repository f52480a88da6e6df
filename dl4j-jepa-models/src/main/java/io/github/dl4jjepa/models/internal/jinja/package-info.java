/**
 * Jinja2 as Hugging Face chat templates use it, rendered as Python renders it.
 *
 * <p>Lexer, grammar, scopes and values follow Jinja2 3.1 in the sandbox that transformers gives it.
 * What is not known raises a {@link io.github.dl4jjepa.models.internal.jinja.TemplateException}
 * instead of being guessed.
 */
package io.github.dl4jjepa.models.internal.jinja;
