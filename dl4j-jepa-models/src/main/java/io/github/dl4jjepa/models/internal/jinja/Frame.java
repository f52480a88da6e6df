package io.github.dl4jjepa.models.internal.jinja;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The names of a scope, as they are seen when the template is compiled.
 *
 * <p>Jinja2 decides then which variable a name means. Where a scope first sets a name that is read
 * in no scope around it, the name belongs to that scope from its beginning: an inner scope that
 * reads it earlier finds it undefined, even if the caller has given a variable of that name.
 */
final class Frame {
    private final Frame parent;

    /** Of each name, whether it is set, outside of any condition, before it is read. */
    private final Map<String, Boolean> setFirst = new HashMap<>();

    private int conditions;
    private List<String> hidden = List.of();

    Frame(Frame parent) {
        this.parent = parent;
    }

    Frame parent() {
        return parent;
    }

    void read(String name) {
        setFirst.putIfAbsent(name, false);
    }

    void set(String name) {
        setFirst.putIfAbsent(name, conditions == 0);
    }

    void parameter(String name) {
        setFirst.put(name, false);
    }

    void beginCondition() {
        conditions++;
    }

    void endCondition() {
        conditions--;
    }

    /** Decides, once the whole template has been read. */
    void close() {
        hidden =
                setFirst.keySet().stream()
                        .filter(name -> setFirst.get(name) && (parent == null || !parent.has(name)))
                        .toList();
    }

    private boolean has(String name) {
        return setFirst.containsKey(name) || parent != null && parent.has(name);
    }

    /** The names that are undefined when the scope begins. */
    List<String> hidden() {
        return hidden;
    }
}
