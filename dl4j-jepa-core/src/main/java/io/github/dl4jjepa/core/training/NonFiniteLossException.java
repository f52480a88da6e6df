package io.github.dl4jjepa.core.training;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.iterator.MultiViewBatch;
import io.github.dl4jjepa.core.objective.Losses;
import java.util.List;
import java.util.Optional;

/**
 * A loss or a gradient is infinite or not a number.
 *
 * <p>The message names the step, the losses and the examples. A training step throws it before it
 * changes any weight; the last checkpoint is whole in any case.
 */
public final class NonFiniteLossException extends JepaException {
    private static final long serialVersionUID = 1L;

    /**
     * @param where the step, and what else there is to say of it
     * @param losses the losses of the examples
     * @param sources where the examples were read
     */
    NonFiniteLossException(String where, Losses losses, List<String> sources) {
        super(
                where
                        + ": the language-model loss is "
                        + losses.languageModel()
                        + (losses.pairs() == 0 ? "" : ", the JEPA loss " + losses.jepa())
                        + ". Look at the examples "
                        + String.join(", ", sources)
                        + ", or go on from the last checkpoint with a lower learning rate");
    }

    /**
     * Checks losses.
     *
     * @param where the step, and what else there is to say of it
     * @param batches the batches that have these losses
     * @throws NonFiniteLossException if one of the losses is infinite or not a number
     */
    static void requireFinite(String where, Losses losses, List<MultiViewBatch> batches) {
        if (!isFinite(losses)) {
            throw new NonFiniteLossException(where, losses, sources(batches));
        }
    }

    private static boolean isFinite(Losses losses) {
        return Double.isFinite(losses.languageModelSum()) && Double.isFinite(losses.jepaSum());
    }

    /**
     * What is not finite in a step.
     *
     * @param where the step
     * @param norm the gradient's norm
     * @return empty if losses and norm are finite
     */
    static Optional<NonFiniteLossException> of(
            String where, Losses losses, double norm, List<MultiViewBatch> batches) {
        if (isFinite(losses) && Double.isFinite(norm)) {
            return Optional.empty();
        }
        String what = isFinite(losses) ? where + ", gradient norm " + norm : where;
        return Optional.of(new NonFiniteLossException(what, losses, sources(batches)));
    }

    /** Where the examples of batches were read. */
    private static List<String> sources(List<MultiViewBatch> batches) {
        return batches.stream().flatMap(batch -> batch.sources().stream()).toList();
    }
}
