package io.github.dl4jjepa.core.iterator;

import java.util.Random;
import java.util.stream.IntStream;

/** Shuffles examples in a way that seed and epoch alone decide, on every machine and Java. */
final class EpochOrder {
    private EpochOrder() {}

    /** A permutation of {@code 0..size - 1}, by Fisher and Yates. */
    static int[] shuffled(int size, long seed, int epoch) {
        // Of the JDK's generators, Random is the one whose every number is part of its contract.
        Random random = new Random(mix(seed + epoch * 0x9E3779B97F4A7C15L));
        int[] order = IntStream.range(0, size).toArray();
        for (int i = size - 1; i > 0; i--) {
            int j = random.nextInt(i + 1);
            int swapped = order[i];
            order[i] = order[j];
            order[j] = swapped;
        }
        return order;
    }

    /** SplitMix64's finaliser: neighbouring seeds of Random begin alike, mixed ones do not. */
    private static long mix(long z) {
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
