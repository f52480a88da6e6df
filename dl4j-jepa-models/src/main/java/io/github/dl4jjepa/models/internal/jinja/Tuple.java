package io.github.dl4jjepa.models.internal.jinja;

import java.util.AbstractList;
import java.util.List;

/** Python's tuple. */
class Tuple extends AbstractList<Object> {
    private final List<Object> elements;

    Tuple(List<Object> elements) {
        this.elements = elements;
    }

    static Tuple of(Object first, Object second) {
        return new Tuple(java.util.Arrays.asList(first, second));
    }

    @Override
    public Object get(int index) {
        return elements.get(index);
    }

    @Override
    public int size() {
        return elements.size();
    }

    /** A pair of the groupby filter. */
    static final class Group extends Tuple {
        Group(Object grouper, List<Object> members) {
            super(java.util.Arrays.asList(grouper, members));
        }

        Object attribute(String name) {
            return switch (name) {
                case "grouper" -> get(0);
                case "list" -> get(1);
                default -> new Undefined(name);
            };
        }
    }
}
