package io.github.dl4jjepa.models.evaluation;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a task finds out about one outcome, by the names of its metrics.
 *
 * <p>Immutable; instances may be shared between threads.
 *
 * @param facts what is true or false of the outcome; {@link Score} reports the share of true ones
 * @param measures other numbers; {@link Score} reports their mean
 */
public record Judgment(Map<String, Boolean> facts, Map<String, Measure> measures) {
    /** Nothing found out yet. */
    public static final Judgment NONE = new Judgment(Map.of(), Map.of());

    public Judgment {
        facts = Collections.unmodifiableMap(new LinkedHashMap<>(facts));
        measures = Collections.unmodifiableMap(new LinkedHashMap<>(measures));
    }

    /** This judgment and one more fact. */
    public Judgment with(String metric, boolean fact) {
        Map<String, Boolean> more = new LinkedHashMap<>(facts);
        more.put(metric, fact);
        return new Judgment(more, measures);
    }

    /** This judgment and one more measure. */
    public Judgment with(String metric, Measure measure) {
        Map<String, Measure> more = new LinkedHashMap<>(measures);
        more.put(metric, measure);
        return new Judgment(facts, more);
    }
}
