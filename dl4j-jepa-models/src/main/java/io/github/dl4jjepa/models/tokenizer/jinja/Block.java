package io.github.dl4jjepa.models.tokenizer.jinja;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A part of a template that can be rendered. */
interface Block {
    /** What a loop does after a block. */
    enum Flow {
        NEXT,
        CONTINUE,
        BREAK
    }

    Flow render(Scope scope, StringBuilder out);

    /** Text, as it stands. */
    record Text(String text) implements Block {
        @Override
        public Flow render(Scope scope, StringBuilder out) {
            out.append(text);
            return Flow.NEXT;
        }
    }

    /** The value of an expression. */
    record Output(Expression expression) implements Block {
        @Override
        public Flow render(Scope scope, StringBuilder out) {
            out.append(Python.text(expression.evaluate(scope)));
            return Flow.NEXT;
        }
    }

    /** Blocks one after another. */
    record Sequence(List<Block> blocks) implements Block {
        @Override
        public Flow render(Scope scope, StringBuilder out) {
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
        public Flow render(Scope scope, StringBuilder out) {
            boolean holds = Python.truth(condition.evaluate(scope));
            return (holds ? then : otherwise).render(scope, out);
        }
    }

    /** {@code set name = expression} or {@code set namespace.name = expression}. */
    record Set(String namespace, String name, Expression expression) implements Block {
        @Override
        public Flow render(Scope scope, StringBuilder out) {
            Object value = expression.evaluate(scope);
            if (namespace == null) {
                scope.set(name, value);
            } else if (scope.get(namespace) instanceof Namespace target) {
                target.attributes().put(name, value);
            } else {
                throw new TemplateException("cannot assign attribute on non-namespace object");
            }
            return Flow.NEXT;
        }
    }

    /** {@code set name} with a body. */
    record SetText(String name, Block body) implements Block {
        @Override
        public Flow render(Scope scope, StringBuilder out) {
            StringBuilder text = new StringBuilder();
            body.render(scope.child(), text);
            scope.set(name, text.toString());
            return Flow.NEXT;
        }
    }

    /** {@code break} and {@code continue}. */
    record Jump(Flow flow) implements Block {
        @Override
        public Flow render(Scope scope, StringBuilder out) {
            return flow;
        }
    }

    /**
     * {@code for names in elements if condition}.
     *
     * <p>Each round has variables of its own: what one sets, the next does not see.
     *
     * @param condition null where every element is visited
     * @param otherwise what is rendered where there is no element
     */
    record For(
            List<String> names,
            Expression elements,
            Expression condition,
            Block body,
            Block otherwise)
            implements Block {
        @Override
        public Flow render(Scope scope, StringBuilder out) {
            List<Object> visited = new ArrayList<>();
            for (Object element : Python.iterate(elements.evaluate(scope))) {
                if (condition == null || Python.truth(condition.evaluate(round(scope, element)))) {
                    visited.add(element);
                }
            }
            if (visited.isEmpty()) {
                return otherwise.render(scope.child(), out);
            }
            for (int i = 0; i < visited.size(); i++) {
                Scope round = round(scope, visited.get(i));
                round.set("loop", loop(visited, i));
                if (body.render(round, out) == Flow.BREAK) {
                    break;
                }
            }
            return Flow.NEXT;
        }

        private Scope round(Scope scope, Object element) {
            Scope round = scope.child();
            if (names.size() == 1) {
                round.set(names.get(0), element);
                return round;
            }
            List<Object> parts = Python.iterate(element);
            if (parts.size() != names.size()) {
                throw new TemplateException(
                        "cannot unpack "
                                + parts.size()
                                + " values into "
                                + String.join(", ", names));
            }
            for (int i = 0; i < parts.size(); i++) {
                round.set(names.get(i), parts.get(i));
            }
            return round;
        }

        private static Map<String, Object> loop(List<Object> visited, int i) {
            long size = visited.size();
            Map<String, Object> loop = new HashMap<>();
            loop.put("index0", (long) i);
            loop.put("index", i + 1L);
            loop.put("revindex0", size - i - 1);
            loop.put("revindex", size - i);
            loop.put("first", i == 0);
            loop.put("last", i == size - 1);
            loop.put("length", size);
            loop.put("previtem", i > 0 ? visited.get(i - 1) : new Undefined("previtem"));
            loop.put("nextitem", i < size - 1 ? visited.get(i + 1) : new Undefined("nextitem"));
            return loop;
        }
    }
}
