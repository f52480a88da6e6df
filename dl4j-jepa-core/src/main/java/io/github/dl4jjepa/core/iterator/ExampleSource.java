package io.github.dl4jjepa.core.iterator;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.Example;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** Where examples come from: a file, DataVec records, a list. */
@FunctionalInterface
public interface ExampleSource {
    /**
     * Reads all examples in order, one at a time.
     *
     * <p>An example that cannot be used is reported and left out, so that one reading finds all
     * that is wrong with a file.
     *
     * @param examples receives each example
     * @param faults receives what is wrong with each example that cannot be used; it may throw to
     *     end the reading
     * @throws JepaException if nothing can be read at all
     */
    void read(Consumer<? super Example> examples, Consumer<? super JepaException> faults);

    /**
     * Reads all examples into a list.
     *
     * @throws JepaException if any example cannot be used; the message lists the first ten
     */
    default List<Example> readAll() {
        List<Example> examples = new ArrayList<>();
        Faults faults = new Faults();
        read(examples::add, faults);
        faults.throwIfAny();
        return examples;
    }

    /** Examples that are there already. */
    static ExampleSource of(List<Example> examples) {
        List<Example> copy = List.copyOf(examples);
        return (consumer, faults) -> copy.forEach(consumer);
    }
}
