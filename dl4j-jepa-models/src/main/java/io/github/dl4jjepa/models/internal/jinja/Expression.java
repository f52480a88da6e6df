package io.github.dl4jjepa.models.internal.jinja;

/** A compiled expression. */
@FunctionalInterface
interface Expression {
    Object evaluate(Scope scope);
}
