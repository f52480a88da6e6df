package io.github.dl4jjepa.core.iterator;

import io.github.dl4jjepa.core.view.Example;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/** Gives a data set more or less weight than its size, among others that it is trained with. */
public final class WeightedExamples {
    private WeightedExamples() {}

    /**
     * Repeats a data set, or takes a part of it; the same weight and seed give the same part.
     *
     * @param examples the data set; its order is kept
     * @param weight how often an epoch has each example: 2 for twice, 0.5 for a half of the
     *     examples, drawn at random, 1.5 for all of them and a half once more
     * @param seed decides which examples are drawn
     * @return one example or more, where the data set has any
     */
    public static List<Example> of(List<Example> examples, double weight, long seed) {
        if (!(weight > 0 && weight <= 1000)) {
            throw new IllegalArgumentException(
                    "the weight of a data set must be above 0 and at most 1000, not " + weight);
        }
        int copies = (int) weight;
        int drawn = (int) Math.round((weight - copies) * examples.size());
        if (copies == 0 && !examples.isEmpty()) {
            drawn = Math.max(1, drawn);
        }
        int[] order = EpochOrder.shuffled(examples.size(), seed, 0);
        BitSet isDrawn = new BitSet(examples.size());
        for (int i = 0; i < drawn; i++) {
            isDrawn.set(order[i]);
        }
        List<Example> weighted = new ArrayList<>();
        for (int i = 0; i < examples.size(); i++) {
            int times = copies + (isDrawn.get(i) ? 1 : 0);
            for (int copy = 0; copy < times; copy++) {
                weighted.add(examples.get(i));
            }
        }
        return weighted;
    }
}
