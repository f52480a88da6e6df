package io.github.dl4jjepa.models.tokenizer.jinja;

/** A compiled expression. */
@FunctionalInterface
interface Expression {
    Object evaluate(Scope scope);
}
