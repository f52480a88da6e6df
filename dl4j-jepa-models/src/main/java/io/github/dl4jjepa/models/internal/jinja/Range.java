package io.github.dl4jjepa.models.internal.jinja;

import java.util.AbstractList;

/** Python's range. */
final class Range extends AbstractList<Object> {
    /** The longest range that Jinja2's sandbox allows. */
    private static final int MAX_LENGTH = 100_000;

    private final long start;
    private final long stop;
    private final long step;
    private final int size;

    Range(long start, long stop, long step) {
        this.start = start;
        this.stop = stop;
        this.step = step;
        if (step == 0) {
            throw new TemplateException("range() arg 3 must not be zero");
        }
        double length = Math.ceil(((double) stop - start) / step);
        if (length > MAX_LENGTH) {
            throw new TemplateException(
                    "a range is longer than " + MAX_LENGTH + ", the most that the sandbox allows");
        }
        size = (int) Math.max(0, length);
    }

    @Override
    public Object get(int index) {
        java.util.Objects.checkIndex(index, size);
        return start + index * step;
    }

    @Override
    public int size() {
        return size;
    }

    /** Every {@code by}-th element from {@code first} up to {@code end}. */
    Range slice(long first, long end, long by) {
        return new Range(start + first * step, start + end * step, step * by);
    }

    String text() {
        return "range(" + start + ", " + stop + (step == 1 ? ")" : ", " + step + ")");
    }
}
