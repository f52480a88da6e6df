package io.github.dl4jjepa.models.internal.jinja;

import java.util.Iterator;
import java.util.List;

/** A part of a template that can be rendered. */
interface Block {
    /** What a loop does after a block. */
    enum Flow {
        NEXT,
        CONTINUE,
        BREAK
    }

    Flow render(Scope scope, Text out);

    /** The text of a body, which no {@code break} leaves. */
    static String capture(Block body, Scope scope) {
        Text out = new Text();
        body.render(scope, out);
        return out.toString();
    }

    /** Text, as it stands. */
    record Data(String text) implements Block {
        @Override
        public Flow render(Scope scope, Text out) {
            scope.write(text.length());
            out.append(text);
            return Flow.NEXT;
        }
    }

    /** The value of an expression. */
    record Output(Expression expression) implements Block {
        @Override
        public Flow render(Scope scope, Text out) {
            String text = Text.str(expression.evaluate(scope));
            scope.write(text.length());
            out.append(text);
            return Flow.NEXT;
        }
    }

    /** A block, with the line that it begins in for the errors of its expressions. */
    record Placed(Block block, int line) implements Block {
        @Override
        public Flow render(Scope scope, Text out) {
            try {
                return block.render(scope, out);
            } catch (TemplateException e) {
                throw e.at(line);
            }
        }
    }

    /** Blocks one after another. */
    record Sequence(List<Block> blocks) implements Block {
        @Override
        public Flow render(Scope scope, Text out) {
            for (Block block : blocks) {
                Flow flow = block.render(scope, out);
                if (flow != Flow.NEXT) {
                    return flow;
                }
            }
            return Flow.NEXT;
        }
    }

    /** {@code if}, with the {@code elif} and {@code else} after it as {@code otherwise}. */
    record If(Expression condition, Block then, Block otherwise) implements Block {
        @Override
        public Flow render(Scope scope, Text out) {
            boolean holds = Python.truth(condition.evaluate(scope));
            return (holds ? then : otherwise).render(scope, out);
        }
    }

    /** {@code set target = expression}. */
    record Set(Target target, Expression expression) implements Block {
        @Override
        public Flow render(Scope scope, Text out) {
            target.assign(scope, expression.evaluate(scope));
            return Flow.NEXT;
        }
    }

    /**
     * {@code set target} with a body.
     *
     * @param text the body, and filters that are applied to its text in the body's scope
     */
    record SetText(Target target, Filtered text) implements Block {
        @Override
        public Flow render(Scope scope, Text out) {
            Scope inner = scope.child(text.frame);
            Text written = new Text();
            Flow flow = text.body.render(inner, written);
            if (flow == Flow.NEXT) {
                target.assign(scope, text.filtered(inner, written.toString()));
            }
            return flow;
        }
    }

    /** A body, and filters that are applied to its text. */
    record Filtered(Block body, Frame frame, List<Filter> filters) implements Block {
        /** A filter with its arguments. */
        @FunctionalInterface
        interface Filter {
            Object apply(Scope scope, Object value);
        }

        @Override
        public Flow render(Scope scope, Text out) {
            Scope inner = scope.child(frame);
            Text written = new Text();
            Flow flow = body.render(inner, written);
            if (flow == Flow.NEXT) {
                out.append(Text.str(filtered(inner, written.toString())));
            }
            return flow;
        }

        private Object filtered(Scope inner, Object text) {
            Object value = text;
            for (Filter filter : filters) {
                value = filter.apply(inner, value);
            }
            return value;
        }
    }

    /** {@code with target = value, …}. */
    record With(List<Target> targets, List<Expression> values, Block body, Frame frame)
            implements Block {
        @Override
        public Flow render(Scope scope, Text out) {
            Scope inner = scope.child(frame);
            for (int i = 0; i < targets.size(); i++) {
                targets.get(i).assign(inner, values.get(i).evaluate(scope));
            }
            return body.render(inner, out);
        }
    }

    /** {@code macro}. */
    record Define(Macro.Definition macro) implements Block {
        @Override
        public Flow render(Scope scope, Text out) {
            scope.set(macro.name(), new Macro(macro, scope));
            return Flow.NEXT;
        }
    }

    /** {@code call}: a call that can call its body. */
    record Call(ExpressionParser.Call call, Macro.Definition body) implements Block {
        @Override
        public Flow render(Scope scope, Text out) {
            String text = Text.str(call.evaluate(scope, new Macro(body, scope)));
            scope.write(text.length());
            out.append(text);
            return Flow.NEXT;
        }
    }

    /** {@code generation}: a body with a scope of its own. */
    record Generation(Block body, Frame frame) implements Block {
        @Override
        public Flow render(Scope scope, Text out) {
            return body.render(scope.child(frame), out);
        }
    }

    /** {@code break} and {@code continue}. */
    record Jump(Flow flow) implements Block {
        @Override
        public Flow render(Scope scope, Text out) {
            return flow;
        }
    }

    /**
     * {@code for target in elements if condition}.
     *
     * <p>Each round has variables of its own: what one sets, the next does not see.
     *
     * @param condition null where every element is visited
     * @param otherwise what is rendered where there is no element
     */
    record For(
            Target target,
            Expression elements,
            Expression condition,
            boolean recursive,
            Block body,
            Block otherwise,
            Frame bodyFrame,
            Frame conditionFrame,
            Frame otherwiseFrame)
            implements Block {
        @Override
        public Flow render(Scope scope, Text out) {
            return render(scope, elements.evaluate(scope), 0, out);
        }

        private Flow render(Scope scope, Object iterable, int depth, Text out) {
            Loop loop =
                    new Loop(
                            condition == null ? iterable : null,
                            condition == null
                                    ? Python.iterator(iterable)
                                    : new Selected(scope, Python.iterator(iterable)),
                            recursive
                                    ? inner -> {
                                        Text text = new Text();
                                        render(scope, inner, depth + 1, text);
                                        return text.toString();
                                    }
                                    : null,
                            depth);
            if (!loop.hasNext()) {
                return otherwise.render(scope.child(otherwiseFrame), out);
            }
            while (loop.hasNext()) {
                Scope round = scope.child(bodyFrame);
                scope.spend(1);
                target.assign(round, loop.next());
                round.set("loop", loop);
                if (body.render(round, out) == Flow.BREAK) {
                    break;
                }
            }
            return Flow.NEXT;
        }

        /** The elements that the condition holds for. */
        private final class Selected implements Iterator<Object> {
            private final Scope scope;
            private final Iterator<Object> all;
            private Object next;
            private boolean ready;

            Selected(Scope scope, Iterator<Object> all) {
                this.scope = scope;
                this.all = all;
            }

            @Override
            public boolean hasNext() {
                while (!ready && all.hasNext()) {
                    next = all.next();
                    Scope test = scope.child(conditionFrame);
                    scope.spend(1);
                    target.assign(test, next);
                    ready = Python.truth(condition.evaluate(test));
                }
                return ready;
            }

            @Override
            public Object next() {
                ready = false;
                return next;
            }
        }
    }
}
