package io.github.dl4jjepa.core.training;

import io.github.dl4jjepa.core.diagnostics.ViewDiagnostics;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What there is to tell about an optimizer step.
 *
 * @param step the step, from 1
 * @param epoch epochs done after the step, with the fraction of the one under way
 * @param losses the losses of the step's batch, before its update
 * @param lambda the step's weight of the JEPA term; 0 where it had none
 * @param learningRate the step's learning rate
 * @param gradientNorm Euclidean norm of all gradients together, before clipping
 * @param cost what the step cost
 * @param skipped whether the step changed nothing, since a loss or the gradient was not finite
 * @param validation the validation losses after the update, if it was evaluated
 * @param diagnostics what the validation views' embeddings look like then, if that is looked at
 */
public record StepMetrics(
        long step,
        double epoch,
        MeanLosses losses,
        double lambda,
        double learningRate,
        double gradientNorm,
        Cost cost,
        boolean skipped,
        Optional<MeanLosses> validation,
        Optional<ViewDiagnostics> diagnostics) {
    private static final String VALIDATION = "validation_";

    /** What {@link #values} names on each step. */
    static final List<String> STEP_NAMES =
            List.of(
                    "epoch",
                    "lm_loss",
                    "jepa_loss",
                    "loss",
                    "lambda",
                    "learning_rate",
                    "grad_norm",
                    "tokens",
                    "padded_tokens",
                    "flops",
                    "seconds");

    /** What it names after an evaluation. */
    static List<String> validationNames() {
        return Stream.concat(
                        Stream.of("lm_loss", "jepa_loss", "loss"), ViewDiagnostics.names().stream())
                .map(name -> VALIDATION + name)
                .toList();
    }

    /** The numbers by the names that files give them, those that are not finite included. */
    Map<String, Number> values() {
        Map<String, Number> values = new LinkedHashMap<>();
        Number[] numbers = {
            epoch,
            losses.languageModel(),
            losses.jepa(),
            losses.total(),
            lambda,
            learningRate,
            gradientNorm,
            cost.tokens(),
            cost.paddedTokens(),
            cost.flops(),
            cost.seconds()
        };
        for (int i = 0; i < numbers.length; i++) {
            values.put(STEP_NAMES.get(i), numbers[i]);
        }
        validation.ifPresent(
                means -> {
                    values.put(VALIDATION + "lm_loss", means.languageModel());
                    values.put(VALIDATION + "jepa_loss", means.jepa());
                    values.put(VALIDATION + "loss", means.total());
                });
        diagnostics.ifPresent(
                views ->
                        views.values()
                                .forEach((name, value) -> values.put(VALIDATION + name, value)));
        return values;
    }

    /**
     * What optimizer steps cost; evaluation and checkpoints are left out.
     *
     * @param tokens tokens of all rows, padding left out
     * @param paddedTokens tokens of all rows, padding included
     * @param flops floating-point operations of forward and backward pass over the tokens that are
     *     not padding; see {@link io.github.dl4jjepa.core.decoder.Decoder#forwardFlops}
     * @param seconds wall-clock time
     */
    public record Cost(long tokens, long paddedTokens, double flops, double seconds) {
        /** Nothing done yet. */
        public static final Cost NONE = new Cost(0, 0, 0, 0);

        /** The cost of both. */
        public Cost plus(Cost other) {
            return new Cost(
                    tokens + other.tokens,
                    paddedTokens + other.paddedTokens,
                    flops + other.flops,
                    seconds + other.seconds);
        }

        /** The part of all tokens that is padding, from 0 to 1. */
        public double paddingShare() {
            return paddedTokens == 0 ? 0 : 1 - (double) tokens / paddedTokens;
        }
    }
}
