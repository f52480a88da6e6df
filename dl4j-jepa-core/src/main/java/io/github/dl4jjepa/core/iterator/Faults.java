package io.github.dl4jjepa.core.iterator;

import io.github.dl4jjepa.core.JepaException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/** Collects what is wrong with a data set, so that it can be mended in one go. */
final class Faults implements Consumer<JepaException> {
    /** How many faults are collected before reading ends. */
    static final int LIMIT = 10;

    private final List<JepaException> faults = new ArrayList<>();

    /** Adds a fault; the last that there is room for ends the reading with all of them. */
    @Override
    public void accept(JepaException fault) {
        faults.add(fault);
        if (faults.size() == LIMIT) {
            throw summary(" examples cannot be used, and there may be more after them:\n");
        }
    }

    /** Throws what was collected; a single fault as it is. */
    void throwIfAny() {
        if (faults.size() == 1) {
            throw faults.get(0);
        }
        if (!faults.isEmpty()) {
            throw summary(" examples cannot be used:\n");
        }
    }

    private JepaException summary(String heading) {
        String list =
                faults.stream()
                        .map(fault -> "  " + fault.getMessage())
                        .collect(Collectors.joining("\n"));
        JepaException summary = new JepaException(faults.size() + heading + list);
        faults.forEach(summary::addSuppressed);
        return summary;
    }
}
