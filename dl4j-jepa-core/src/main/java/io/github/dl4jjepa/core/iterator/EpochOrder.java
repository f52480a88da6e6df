package io.github.dl4jjepa.core.iterator;

import io.github.dl4jjepa.core.internal.SeededRandom;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Random;
import java.util.stream.IntStream;

/** Orders examples in a way that seed and epoch alone decide, on every machine and Java. */
final class EpochOrder {
    /** In how many batches' worth of shuffled examples those of like length are looked for. */
    private static final int GROUPED_BATCHES = 50;

    private EpochOrder() {}

    /** A permutation of {@code 0..size - 1}. */
    static int[] shuffled(int size, long seed, int epoch) {
        int[] order = IntStream.range(0, size).toArray();
        shuffle(order, SeededRandom.of(seed, SeededRandom.Use.EPOCH_ORDER, epoch));
        return order;
    }

    /**
     * A permutation in which the examples of a batch are of like length: of every {@value
     * #GROUPED_BATCHES} batches' worth of shuffled examples, the shortest make a batch, the next
     * another; then the batches are shuffled. A batch that is not full comes last.
     *
     * @param lengths of the examples, in tokens
     */
    static int[] groupedByLength(int[] lengths, int batchSize, long seed, int epoch) {
        Random random = SeededRandom.of(seed, SeededRandom.Use.EPOCH_ORDER, epoch);
        int[] shuffled = IntStream.range(0, lengths.length).toArray();
        shuffle(shuffled, random);
        int full = lengths.length / batchSize;
        int[] grouped = shuffled.clone();
        for (int start = 0; start < full; start += GROUPED_BATCHES) {
            int end = Math.min(start + GROUPED_BATCHES, full);
            int[] group =
                    Arrays.stream(shuffled, start * batchSize, end * batchSize)
                            .boxed()
                            .sorted(Comparator.comparingInt(example -> lengths[example]))
                            .mapToInt(Integer::intValue)
                            .toArray();
            System.arraycopy(group, 0, grouped, start * batchSize, group.length);
        }
        int[] batches = IntStream.range(0, full).toArray();
        shuffle(batches, random);
        int[] order = grouped.clone();
        for (int batch = 0; batch < full; batch++) {
            System.arraycopy(
                    grouped, batches[batch] * batchSize, order, batch * batchSize, batchSize);
        }
        return order;
    }

    /** Fisher and Yates. */
    private static void shuffle(int[] order, Random random) {
        for (int i = order.length - 1; i > 0; i--) {
            int j = random.nextInt(i + 1);
            int swapped = order[i];
            order[i] = order[j];
            order[j] = swapped;
        }
    }
}
