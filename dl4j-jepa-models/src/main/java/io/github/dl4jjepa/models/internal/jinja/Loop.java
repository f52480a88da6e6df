package io.github.dl4jjepa.models.internal.jinja;

import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * The variable {@code loop} of a loop, and its way through the elements.
 *
 * <p>Elements are asked for one by one: what the body sets can decide which come next.
 */
final class Loop implements Arguments.Function {
    private final Object iterable;
    private Iterator<Object> elements;
    private final Function<Object, String> recursion;
    private final int depth0;
    private long index0 = -1;
    private long length = -1;
    private Object previous;
    private Object current;
    private Object after;
    private boolean peeked;
    private List<Object> changed;

    /**
     * Begins a loop.
     *
     * @param iterable what has the length, if it has one; otherwise the elements are counted
     * @param recursion renders the loop over other elements; null unless it is recursive
     */
    Loop(
            Object iterable,
            Iterator<Object> elements,
            Function<Object, String> recursion,
            int depth0) {
        this.iterable = iterable;
        this.elements = elements;
        this.recursion = recursion;
        this.depth0 = depth0;
    }

    /** Whether there is another element. */
    boolean hasNext() {
        return peeked || elements.hasNext();
    }

    /** Goes to the next element. */
    Object next() {
        Object next = peeked ? after : elements.next();
        peeked = false;
        index0++;
        previous = current;
        current = next;
        return next;
    }

    private boolean peek() {
        if (!peeked && elements.hasNext()) {
            after = elements.next();
            peeked = true;
        }
        return peeked;
    }

    long length() {
        if (length < 0) {
            boolean sized = iterable instanceof Collection || iterable instanceof Map;
            if (sized || iterable instanceof String || iterable instanceof Undefined) {
                length = Python.length(iterable);
            } else {
                List<Object> rest = Python.list(new Generator(elements));
                elements = rest.iterator();
                length = rest.size() + index0 + 1 + (peeked ? 1 : 0);
            }
        }
        return length;
    }

    Object attribute(String name) {
        return switch (name) {
            case "index" -> index0 + 1;
            case "index0" -> index0;
            case "revindex" -> length() - index0;
            case "revindex0" -> length() - index0 - 1;
            case "first" -> index0 == 0;
            case "last" -> !peek();
            case "length" -> length();
            case "depth" -> depth0 + 1L;
            case "depth0" -> (long) depth0;
            case "previtem" -> index0 == 0 ? new Undefined("the previous item") : previous;
            case "nextitem" -> peek() ? after : new Undefined("the next item");
            case "cycle" -> (Arguments.Function) this::cycle;
            case "changed" -> (Arguments.Function) this::changed;
            default -> new Undefined(name);
        };
    }

    private Object cycle(Arguments arguments) {
        List<Object> values = arguments.only("cycle", 1, Integer.MAX_VALUE);
        return values.get((int) (index0 % values.size()));
    }

    private Object changed(Arguments arguments) {
        List<Object> values = arguments.only("changed", 0, Integer.MAX_VALUE);
        boolean differs = changed == null || !Python.equal(changed, values);
        changed = differs ? values : changed;
        return differs;
    }

    @Override
    public Object call(Arguments arguments) {
        Object elements = arguments.bind("loop", 1, "iterable", null)[0];
        if (recursion == null) {
            throw new TemplateException(
                    "The loop must have the 'recursive' marker to be called recursively.");
        }
        return recursion.apply(elements);
    }

    @Override
    public String toString() {
        return "<LoopContext " + (index0 + 1) + "/" + length() + ">";
    }
}
