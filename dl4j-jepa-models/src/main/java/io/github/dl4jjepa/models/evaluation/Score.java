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
public record Score(int examples, Map<String, Share> shares, Map<String, Measure> measures) {
    /** Nothing judged yet. */
    public static final Score NONE = new Score(0, Map.of(), Map.of());

    public Score {
        shares = Collections.unmodifiableMap(new LinkedHashMap<>(shares));
        measures = Collections.unmodifiableMap(new LinkedHashMap<>(measures));
    }

    /** This score and one more judgment. */
    public Score plus(Judgment judgment) {
        Map<String, Share> moreShares = new LinkedHashMap<>(shares);
        judgment.facts()
                .forEach(
                        (metric, fact) ->
                                moreShares.put(
                                        metric,
                                        moreShares
                                                .getOrDefault(metric, new Share(0, 0))
                                                .plus(fact)));
        Map<String, Measure> moreMeasures = new LinkedHashMap<>(measures);
        judgment.measures()
                .forEach((metric, measure) -> moreMeasures.merge(metric, measure, Measure::plus));
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
}
