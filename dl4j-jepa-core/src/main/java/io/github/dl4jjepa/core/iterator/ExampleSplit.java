package io.github.dl4jjepa.core.iterator;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.Example;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * A data set in two parts that share no example; both keep its order.
 *
 * @param training the examples to learn from
 * @param validation the examples held back
 */
public record ExampleSplit(List<Example> training, List<Example> validation) {
    public ExampleSplit {
        training = List.copyOf(training);
        validation = List.copyOf(validation);
    }

    /**
     * Splits a data set at random; the same examples, fraction and seed give the same split.
     *
     * @param examples the whole data set, two examples or more
     * @param validationFraction the part held back, between 0 and 1; rounded to whole examples, but
     *     neither part is left empty
     * @param seed decides which examples are held back
     * @throws JepaException if there are fewer than two examples
     */
    public static ExampleSplit of(List<Example> examples, double validationFraction, long seed) {
        if (!(validationFraction > 0 && validationFraction < 1)) {
            throw new IllegalArgumentException(
                    "the validation fraction must lie between 0 and 1, not " + validationFraction);
        }
        int size = examples.size();
        if (size < 2) {
            throw new JepaException(
                    "a validation split needs two examples or more, there are " + size);
        }
        long wanted = Math.round(size * validationFraction);
        int heldBack = (int) Math.max(1, Math.min(size - 1, wanted));
        int[] order = EpochOrder.shuffled(size, seed, 0);
        BitSet isHeldBack = new BitSet(size);
        for (int i = 0; i < heldBack; i++) {
            isHeldBack.set(order[i]);
        }
        List<Example> training = new ArrayList<>(size - heldBack);
        List<Example> validation = new ArrayList<>(heldBack);
        for (int i = 0; i < size; i++) {
            (isHeldBack.get(i) ? validation : training).add(examples.get(i));
        }
        return new ExampleSplit(training, validation);
    }
}
