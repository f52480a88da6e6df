package io.github.dl4jjepa.models.tokenizer.jinja;

import jinjava.de.odysseus.el.tree.Bindings;
import jinjava.de.odysseus.el.tree.impl.ast.AstNode;
import jinjava.de.odysseus.el.tree.impl.ast.AstRightValue;
import jinjava.javax.el.ELContext;
import jinjava.javax.el.ELException;

/** A compiled expression: a node in the form that jinjava's parser hands on. */
final class Expression extends AstRightValue {
    /** What an expression does. */
    @FunctionalInterface
    interface Evaluation {
        Object in(Scope scope);
    }

    private final Evaluation evaluation;

    Expression(Evaluation evaluation) {
        this.evaluation = evaluation;
    }

    /**
     * Compiles an expression.
     *
     * @throws TemplateException if it is not one
     */
    static Expression compile(String source) {
        try {
            return (Expression)
                    new ExpressionParser.Builder().build("#{" + source + "}").getRoot().getChild(0);
        } catch (ELException e) {
            throw new TemplateException(
                    "cannot parse the expression '" + source.strip() + "': " + e.getMessage(), e);
        }
    }

    Object evaluate(Scope scope) {
        return evaluation.in(scope);
    }

    @Override
    public Object eval(Bindings bindings, ELContext context) {
        throw new UnsupportedOperationException("evaluated in a Scope");
    }

    @Override
    public void appendStructure(StringBuilder builder, Bindings bindings) {
        throw new UnsupportedOperationException("evaluated in a Scope");
    }

    @Override
    public int getCardinality() {
        return 0;
    }

    @Override
    public AstNode getChild(int index) {
        throw new IndexOutOfBoundsException(index);
    }
}
