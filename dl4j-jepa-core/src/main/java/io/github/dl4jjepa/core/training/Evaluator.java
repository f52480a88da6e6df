package io.github.dl4jjepa.core.training;

import io.github.dl4jjepa.core.diagnostics.ViewDiagnostics;
import io.github.dl4jjepa.core.iterator.BatchSource;
import io.github.dl4jjepa.core.iterator.MultiViewBatch;
import io.github.dl4jjepa.core.objective.GradientSource;
import io.github.dl4jjepa.core.objective.JepaObjective;
import io.github.dl4jjepa.core.objective.Losses;
import io.github.dl4jjepa.core.objective.StepRequest;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Computes the validation losses and the diagnostics of a model while it is trained. */
final class Evaluator {
    private static final Logger LOG = LoggerFactory.getLogger(Evaluator.class);

    private final GradientSource source;
    private final @Nullable BatchSource validation;
    private final @Nullable Supplier<ViewDiagnostics> diagnostics;

    /**
     * @param validation one epoch of it is an evaluation; null without validation data
     * @param diagnostics looks at the model as it is when called; null without diagnostics
     */
    Evaluator(
            GradientSource source,
            @Nullable BatchSource validation,
            @Nullable Supplier<ViewDiagnostics> diagnostics) {
        this.source = source;
        this.validation = validation;
        this.diagnostics = diagnostics;
    }

    /**
     * The validation losses after a step; empty without validation data. With a calibrated lambda
     * their total leaves the JEPA term out.
     *
     * @throws NonFiniteLossException if a loss is infinite or not a number
     */
    Optional<MeanLosses> losses(long step) {
        if (validation == null) {
            return Optional.empty();
        }
        JepaObjective objective = source.objective();
        Losses sum = Losses.NONE;
        validation.seek(0, 0);
        for (int i = 0; i < validation.batchesPerEpoch(); i++) {
            try (MultiViewBatch batch =
                    objective.comparesViews()
                            ? validation.nextBatch()
                            : validation.nextBatchWithoutViews()) {
                Losses losses = source.evaluate(batch);
                NonFiniteLossException.requireFinite(
                        "Validation after step " + step, losses, List.of(batch));
                sum = sum.plus(losses);
            }
        }
        double lambda = objective.calibration().isPresent() ? 0 : objective.lambda();
        return Optional.of(MeanLosses.of(sum, new StepRequest.Weights(objective.gamma(), lambda)));
    }

    /** The diagnostics after a step, with a warning where the embeddings have collapsed. */
    Optional<ViewDiagnostics> diagnostics(long step) {
        if (diagnostics == null) {
            return Optional.empty();
        }
        ViewDiagnostics views = diagnostics.get();
        views.collapse().ifPresent(words -> LOG.warn("After step {}: {}", step, words));
        return Optional.of(views);
    }
}
