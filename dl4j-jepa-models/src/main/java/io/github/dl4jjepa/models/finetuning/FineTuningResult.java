package io.github.dl4jjepa.models.finetuning;

import io.github.dl4jjepa.core.diagnostics.ViewDiagnostics;
import io.github.dl4jjepa.core.training.MeanLosses;
import io.github.dl4jjepa.core.training.StepMetrics;
import io.github.dl4jjepa.core.training.TrainingOptions;
import io.github.dl4jjepa.core.training.TrainingSummary;
import io.github.dl4jjepa.models.internal.ProcessMemory;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a training command prints.
 *
 * @param output the trained folder
 * @param steps optimizer steps taken
 * @param lmLoss language-model loss of the last step
 * @param jepaLoss JEPA loss of the last step; null without views
 * @param loss the objective's value at the last step
 * @param validationLmLoss language-model loss on the validation data after the last step, or null
 * @param validationJepaLoss JEPA loss on the validation data after the last step, or null
 * @param validationLoss the objective's value on the validation data, or null
 * @param validationViews {@link ViewDiagnostics#values} of the validation data after the last step,
 *     or null
 * @param collapse what is wrong with those embeddings, in words, or null
 * @param bestStep the step that {@link TrainingOptions#bestMetric()} finds best; 0 without
 *     validation
 * @param stoppedEarly whether the training ended since validations no longer improved
 * @param skippedSteps how many of the steps changed nothing, since their loss or gradient was not
 *     finite
 * @param tokens tokens trained on, padding left out
 * @param paddingShare the part of all tokens that was padding
 * @param flops floating-point operations of all steps, forward and backward, without padding
 * @param seconds wall-clock time
 * @param peakMemoryMb the most resident memory the process had, in MB
 */
public record FineTuningResult(
        Path output,
        long steps,
        @Nullable Double lmLoss,
        @Nullable Double jepaLoss,
        @Nullable Double loss,
        @Nullable Double validationLmLoss,
        @Nullable Double validationJepaLoss,
        @Nullable Double validationLoss,
        @Nullable Map<String, Double> validationViews,
        @Nullable String collapse,
        long bestStep,
        boolean stoppedEarly,
        long skippedSteps,
        long tokens,
        double paddingShare,
        double flops,
        double seconds,
        long peakMemoryMb) {

    static FineTuningResult of(Path output, TrainingSummary summary) {
        Optional<MeanLosses> losses = summary.lastStep().map(StepMetrics::losses);
        Optional<MeanLosses> validation = summary.lastStep().flatMap(StepMetrics::validation);
        Optional<ViewDiagnostics> diagnostics =
                summary.lastStep().flatMap(StepMetrics::diagnostics);
        return new FineTuningResult(
                output,
                summary.steps(),
                losses.map(MeanLosses::languageModel).orElse(null),
                losses.map(MeanLosses::jepa).orElse(null),
                losses.map(MeanLosses::total).orElse(null),
                validation.map(MeanLosses::languageModel).orElse(null),
                validation.map(MeanLosses::jepa).orElse(null),
                validation.map(MeanLosses::total).orElse(null),
                diagnostics.map(ViewDiagnostics::values).orElse(null),
                diagnostics.flatMap(ViewDiagnostics::collapse).orElse(null),
                summary.bestStep(),
                summary.stoppedEarly(),
                summary.skippedSteps(),
                summary.cost().tokens(),
                summary.cost().paddingShare(),
                summary.cost().flops(),
                summary.seconds(),
                ProcessMemory.peakBytes() >> 20);
    }
}
