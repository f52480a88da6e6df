package io.github.dl4jjepa.examples.benchmark;

import java.util.stream.DoubleStream;

/** The middle of measurements, which what else the machine does disturbs less than their mean. */
final class Median {
    private Median() {}

    /** The upper median; not a number where there are no values. */
    static double of(DoubleStream values) {
        double[] sorted = values.sorted().toArray();
        return sorted.length == 0 ? Double.NaN : sorted[sorted.length / 2];
    }
}
