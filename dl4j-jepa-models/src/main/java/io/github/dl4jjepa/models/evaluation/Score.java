package io.github.dl4jjepa.models.evaluation;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The judgments of some outcomes, counted.
 *
 * <p>Immutable; instances may be shared between threads.
 *
 * @param examples how many outcomes were judged
 * @param shares for each fact the share of examples that it is true of, in the task's order
 * @param measures for each other metric the sum of all examples, in the task's order
 */
public record Score(int examples, Map<String, Share> shares, Map<String, Task.Measure> measures) {
    /** Nothing judged yet. */
    public static final Score NONE = new Score(0, Map.of(), Map.of());

    public Score {
        shares = Collections.unmodifiableMap(new LinkedHashMap<>(shares));
        measures = Collections.unmodifiableMap(new LinkedHashMap<>(measures));
    }

    /** This score and one more judgment. */
    public Score plus(Task.Judgment judgment) {
        Map<String, Share> moreShares = new LinkedHashMap<>(shares);
        judgment.facts()
                .forEach(
                        (metric, fact) ->
                                moreShares.put(
                                        metric,
                                        moreShares
                                                .getOrDefault(metric, new Share(0, 0))
                                                .plus(fact)));
        Map<String, Task.Measure> moreMeasures = new LinkedHashMap<>(measures);
        judgment.measures()
                .forEach(
                        (metric, measure) ->
                                moreMeasures.merge(metric, measure, Task.Measure::plus));
        return new Score(examples + 1, moreShares, moreMeasures);
    }

    /**
     * The share of examples that a fact is true of.
     *
     * @param metric the name that the task gives it, such as {@code exact_match}
     * @throws IllegalArgumentException if the task has no such fact, or nothing was judged
     */
    public Share share(String metric) {
        Share share = shares.get(metric);
        if (share == null) {
            throw new IllegalArgumentException(
                    "no share '" + metric + "' among " + shares.keySet());
        }
        return share;
    }

    /**
     * How many of some examples a fact is true of.
     *
     * @param count of how many it is true
     * @param of the number of examples
     */
    public record Share(int count, int of) {
        /** The standard score that 95 % of a normal distribution lie within. */
        private static final double Z = 1.959963984540054;

        public Share {
            if (count < 0 || count > of) {
                throw new IllegalArgumentException(count + " of " + of);
            }
        }

        /** This share and one more example. */
        public Share plus(boolean fact) {
            return new Share(count + (fact ? 1 : 0), of + 1);
        }

        /** The share, 0 to 1; NaN of no examples. */
        public double value() {
            return (double) count / of;
        }

        /** The lower end of Wilson's 95 % confidence interval; 0 of no examples. */
        public double lower() {
            return count == 0 ? 0 : center() - halfWidth();
        }

        /** The upper end of Wilson's 95 % confidence interval; 1 of no examples. */
        public double upper() {
            return count == of ? 1 : center() + halfWidth();
        }

        private double center() {
            return (count + Z * Z / 2) / (of + Z * Z);
        }

        private double halfWidth() {
            double variance = (double) count * (of - count) / of + Z * Z / 4;
            return Z * Math.sqrt(variance) / (of + Z * Z);
        }
    }
}
