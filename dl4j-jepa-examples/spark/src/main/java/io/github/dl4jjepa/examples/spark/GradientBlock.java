package io.github.dl4jjepa.examples.spark;

import io.github.dl4jjepa.core.objective.Losses;
import java.io.Serializable;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.stream.StreamSupport;

/**
 * A block of the gradient of a part of a step, or of the sum of parts.
 *
 * @param part the first part that is in it
 * @param values as {@link FlatArrays} lays them out
 * @param losses of the same parts
 */
record GradientBlock(int part, float[] values, Losses losses) implements Serializable {
    /**
     * Adds the same block of all parts, in the order of the parts: sums of floats depend on the
     * order, and a shuffle delivers blocks in any.
     */
    static GradientBlock sum(Iterable<GradientBlock> blocks) {
        List<GradientBlock> ordered =
                StreamSupport.stream(blocks.spliterator(), false)
                        .sorted(Comparator.comparingInt(GradientBlock::part))
                        .toList();
        Iterator<GradientBlock> rest = ordered.iterator();
        GradientBlock first = rest.next();
        float[] sum = first.values().clone();
        Losses losses = first.losses();
        while (rest.hasNext()) {
            GradientBlock next = rest.next();
            float[] addend = next.values();
            for (int i = 0; i < sum.length; i++) {
                sum[i] += addend[i];
            }
            losses = losses.plus(next.losses());
        }
        return new GradientBlock(first.part(), sum, losses);
    }
}
