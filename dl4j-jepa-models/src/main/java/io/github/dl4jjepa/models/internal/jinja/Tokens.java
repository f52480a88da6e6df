package io.github.dl4jjepa.models.internal.jinja;

import io.github.dl4jjepa.models.internal.jinja.Token.Kind;
import java.util.List;

/** The tokens of a template, read from first to last. */
final class Tokens {
    private final List<Token> tokens;
    private int position;

    Tokens(List<Token> tokens) {
        this.tokens = tokens;
    }

    Token current() {
        return tokens.get(position);
    }

    Token following() {
        return tokens.get(Math.min(position + 1, tokens.size() - 1));
    }

    int line() {
        return current().line();
    }

    Token next() {
        Token token = current();
        position = Math.min(position + 1, tokens.size() - 1);
        return token;
    }

    boolean at(Kind kind) {
        return current().kind() == kind;
    }

    boolean atName(String name) {
        return current().is(Kind.NAME, name);
    }

    boolean atOperator(String operator) {
        return current().is(Kind.OPERATOR, operator);
    }

    boolean skipName(String name) {
        return skip(atName(name));
    }

    boolean skipOperator(String operator) {
        return skip(atOperator(operator));
    }

    private boolean skip(boolean here) {
        if (here) {
            next();
        }
        return here;
    }

    Token expect(Kind kind) {
        if (!at(kind)) {
            throw unexpected(kind.toString());
        }
        return next();
    }

    void expectName(String name) {
        if (!skipName(name)) {
            throw unexpected("'" + name + "'");
        }
    }

    void expectOperator(String operator) {
        if (!skipOperator(operator)) {
            throw unexpected("'" + operator + "'");
        }
    }

    TemplateException unexpected(String expected) {
        return error("cannot be parsed: expected " + expected + ", found " + current().describe());
    }

    TemplateException error(String message) {
        return new TemplateException(message).at(line());
    }
}
