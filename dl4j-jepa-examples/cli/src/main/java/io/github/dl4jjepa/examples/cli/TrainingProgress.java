package io.github.dl4jjepa.examples.cli;

import io.github.dl4jjepa.core.diagnostics.ViewDiagnostics;
import io.github.dl4jjepa.core.training.MeanLosses;
import io.github.dl4jjepa.core.training.StepMetrics;
import io.github.dl4jjepa.core.training.TrainerListener;
import io.github.dl4jjepa.core.training.TrainerState;
import io.github.dl4jjepa.core.training.TrainingSummary;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Shows how a training goes: loss parts, tokens a second, time left. */
final class TrainingProgress implements TrainerListener, AutoCloseable {
    private final String task;
    private @Nullable ConsoleProgress progress;
    private String validation = "";
    private long skipped;

    /**
     * @param task what is being done
     */
    TrainingProgress(String task) {
        this.task = task;
    }

    @Override
    public void onStart(long totalSteps, TrainerState state) {
        skipped = state.skippedSteps();
        progress = ConsoleProgress.start(task, state.step(), totalSteps);
    }

    @Override
    public void onStep(StepMetrics metrics) {
        metrics.validation().ifPresent(losses -> validation = " | validation " + text(losses));
        metrics.diagnostics().ifPresent(this::look);
        skipped += metrics.skipped() ? 1 : 0;
        ConsoleProgress line = Objects.requireNonNull(progress);
        line.message(
                String.format(
                        Locale.ROOT,
                        "%s%s%s | %.0f tokens/s",
                        text(metrics.losses()),
                        skipped == 0 ? "" : " | skipped " + skipped,
                        validation,
                        metrics.cost().tokens() / metrics.cost().seconds()));
        line.step();
    }

    private void look(ViewDiagnostics views) {
        validation +=
                String.format(
                        Locale.ROOT,
                        " cosine %.3f, unpaired %.3f, retrieval@1 %.2f",
                        views.pairedCosine(),
                        views.unpairedCosine(),
                        views.textRetrievalAt1());
    }

    private static String text(MeanLosses losses) {
        String languageModel = String.format(Locale.ROOT, "lm %.3f", losses.languageModel());
        return Double.isNaN(losses.jepa())
                ? languageModel
                : languageModel + String.format(Locale.ROOT, " jepa %.3f", losses.jepa());
    }

    @Override
    public void onEnd(TrainingSummary summary) {
        close();
    }

    @Override
    public void close() {
        if (progress != null) {
            progress.close();
            progress = null;
        }
    }
}
