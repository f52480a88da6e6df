package io.github.dl4jjepa.core.layer;

import io.github.dl4jjepa.core.objective.Distance;
import io.github.dl4jjepa.core.objective.DistanceKind;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Says, once in a process, that a distance that tells pairs apart was given a single one. */
final class OnePairWarning {
    private static final Logger LOGGER = LoggerFactory.getLogger(OnePairWarning.class);

    /** Whether it was said; a test sets it back. */
    static final AtomicBoolean SAID = new AtomicBoolean();

    private OnePairWarning() {}

    static void check(Distance distance, DistanceKind kind, long pairs) {
        if (pairs == 1 && distance.comparesAcrossPairs() && SAID.compareAndSet(false, true)) {
            LOGGER.warn(
                    "A batch has one pair, and the distance {} compares a pair with the others of"
                            + " its batch: the JEPA term is constant and trains nothing. Give"
                            + " batches of two pairs or more.",
                    kind);
        }
    }
}
