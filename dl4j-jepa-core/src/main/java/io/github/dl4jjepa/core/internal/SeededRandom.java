package io.github.dl4jjepa.core.internal;

import java.util.Random;

/**
 * Random numbers that a seed, their use and a number decide: any epoch's order or step's draw can
 * be had without those before it, on every machine and Java.
 */
public final class SeededRandom {
    private static final long GOLDEN = 0x9E3779B97F4A7C15L;

    private SeededRandom() {}

    /** What the numbers are for; two uses of one seed have nothing in common. */
    public enum Use {
        /** The order of an epoch's examples. */
        EPOCH_ORDER,
        /** Which steps drop the JEPA term. */
        LOSS_DROPOUT,
        /** The directions of sketched regularizers. */
        DIRECTIONS,
        /** The tokens of a semantic tube. */
        SEMANTIC_TUBE,
        /** Which example a shuffled pair takes its second view from. */
        SHUFFLED_PAIRS,
        /** The tokens that a generation draws. */
        GENERATION,
        /** The first weights of adapters. */
        ADAPTER_WEIGHTS,
        /** What a step's dropout leaves out. */
        DROPOUT
    }

    /**
     * A generator at its beginning.
     *
     * @param seed the run's seed
     * @param use what the numbers are for
     * @param number of the epoch or step
     */
    public static Random of(long seed, Use use, long number) {
        // Of the JDK's generators, Random is the one whose every number is part of its contract.
        return new Random(mix(mix(mix(seed) + use.ordinal()) + number * GOLDEN));
    }

    /** SplitMix64's finalizer: neighboring seeds of Random begin alike, mixed ones do not. */
    private static long mix(long z) {
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
