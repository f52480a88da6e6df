package io.github.dl4jjepa.models.internal.jinja;

import java.util.List;

/** What a value is assigned to. */
interface Target {
    void assign(Scope scope, Object value);

    /** A variable. */
    record Variable(String name) implements Target {
        @Override
        public void assign(Scope scope, Object value) {
            scope.set(name, value);
        }
    }

    /** An attribute of a namespace. */
    record Attribute(String namespace, String name) implements Target {
        @Override
        public void assign(Scope scope, Object value) {
            if (!(scope.get(namespace) instanceof Namespace target)) {
                throw new TemplateException("cannot assign attribute on non-namespace object");
            }
            target.set(name, value);
        }
    }

    /** Several targets, to which the elements of the value are assigned. */
    record Several(List<Target> targets) implements Target {
        @Override
        public void assign(Scope scope, Object value) {
            List<Object> parts = Python.list(value);
            if (parts.size() != targets.size()) {
                throw new TemplateException(
                        "cannot unpack "
                                + parts.size()
                                + " values into "
                                + targets.size()
                                + " names");
            }
            for (int i = 0; i < parts.size(); i++) {
                targets.get(i).assign(scope, parts.get(i));
            }
        }
    }
}
