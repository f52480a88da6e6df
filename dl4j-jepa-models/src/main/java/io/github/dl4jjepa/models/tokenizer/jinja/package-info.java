/**
 * Jinja2 as Hugging Face chat templates use it, rendered as Python renders it.
 *
 * <p>The scanner of expressions is jinjava's. Its own rendering is made for web pages: it forgives
 * what Jinja2 refuses, and writes {@code null} where Python raises. So blocks, line breaks and
 * values are handled here, with Python's rules; what is not known raises a {@link
 * io.github.dl4jjepa.models.tokenizer.jinja.TemplateException} instead of being guessed.
 */
package io.github.dl4jjepa.models.tokenizer.jinja;
