package io.github.dl4jjepa.models.internal.jinja;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What the parser knows of the names of a template: scopes, macros, filters and tests. */
final class Names {
    /** Names that a macro has only if its body reads them. */
    private static final Set<String> OF_MACROS = Set.of("caller", "kwargs", "varargs");

    private final List<Frame> frames = new ArrayList<>();

    /**
     * Of each macro that is being read, which of its special names are read before they are set.
     */
    private final List<Map<String, Boolean>> macros = new ArrayList<>();

    private final List<TemplateException> unknown = new ArrayList<>();
    private Frame frame;
    private boolean conditional;
    private int loops;

    Names() {
        frame = new Frame(null);
        frames.add(frame);
    }

    Frame root() {
        return frames.get(0);
    }

    /** Where the parser was before it read the body of a scope. */
    record State(Frame frame, boolean conditional) {}

    State begin() {
        State state = new State(frame, conditional);
        frame = new Frame(frame);
        frames.add(frame);
        conditional = false;
        return state;
    }

    /** Ends a scope. */
    Frame end(State state) {
        Frame ended = frame;
        frame = state.frame;
        conditional = state.conditional;
        return ended;
    }

    /** Goes on with a scope that has ended. */
    void resume(Frame inner) {
        frame = inner;
        conditional = false;
    }

    /** Begins what may not be rendered; returns whether that was so before. */
    boolean beginCondition() {
        boolean before = conditional;
        frame.beginCondition();
        conditional = true;
        return before;
    }

    void endCondition(boolean before) {
        frame.endCondition();
        conditional = before;
    }

    void beginLoop() {
        loops++;
    }

    void endLoop() {
        loops--;
    }

    boolean inLoop() {
        return loops > 0;
    }

    void read(String name) {
        frame.read(name);
        mention(name, true);
    }

    void set(String name) {
        frame.set(name);
        mention(name, false);
    }

    void parameter(String name) {
        frame.parameter(name);
        mention(name, false);
    }

    private void mention(String name, boolean read) {
        if (OF_MACROS.contains(name)) {
            macros.forEach(macro -> macro.putIfAbsent(name, read));
        }
    }

    void beginMacro() {
        macros.add(new HashMap<>());
    }

    /** Ends a macro's body; returns which special names it reads. */
    Map<String, Boolean> endMacro() {
        return macros.remove(macros.size() - 1);
    }

    /** Notes a filter or test that does not exist, unless it stands where it may not be reached. */
    void known(Set<String> all, String kind, String name, int line) {
        if (!all.contains(name) && !conditional) {
            unknown.add(
                    new TemplateException("the " + kind + " '" + name + "' is not known to Jinja2")
                            .at(line));
        }
    }

    int unknown() {
        return unknown.size();
    }

    /** Forgets the unknown names since {@code mark}: they stand in a conditional expression. */
    void forgive(int mark) {
        unknown.subList(mark, unknown.size()).clear();
    }

    /**
     * Decides what each name means, when the template has been read.
     *
     * @throws TemplateException if a filter or test is unknown
     */
    void close() {
        if (!unknown.isEmpty()) {
            throw unknown.get(0);
        }
        frames.forEach(Frame::close);
    }
}
