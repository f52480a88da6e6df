package io.github.dl4jjepa.core.training;

import io.github.dl4jjepa.core.diagnostics.ViewDiagnostics;
import io.github.dl4jjepa.core.internal.OptionName;
import java.util.Locale;
import java.util.OptionalDouble;

/** What a validation measures to tell the best step: the metrics of the same names in files. */
public enum BestMetric {
    /** The objective's value, the lower the better. */
    LOSS,

    /** The language-model loss, the lower the better. */
    LM_LOSS,

    /** The JEPA loss, the lower the better. */
    JEPA_LOSS,

    /** {@link ViewDiagnostics#textRetrievalAt1}, the higher the better. */
    TEXT_RETRIEVAL_AT_1,

    /** {@link ViewDiagnostics#codeRetrievalAt1}, the higher the better. */
    CODE_RETRIEVAL_AT_1,

    /** The share of answers that are predicted token by token, the higher the better. */
    EXACT_MATCH;

    /** The name as the command line has it: {@code lm-loss}. */
    @Override
    public String toString() {
        return OptionName.of(this);
    }

    /** Whether it is computed from the embeddings of views. */
    boolean needsDiagnostics() {
        return this == TEXT_RETRIEVAL_AT_1 || this == CODE_RETRIEVAL_AT_1 || this == EXACT_MATCH;
    }

    boolean isBetter(double value, double than) {
        return needsDiagnostics() ? value > than : value < than;
    }

    /** The value after a step; empty where it was not validated. */
    OptionalDouble of(StepMetrics metrics) {
        if (needsDiagnostics()) {
            return metrics.diagnostics().stream()
                    .mapToDouble(views -> views.values().get(name().toLowerCase(Locale.ROOT)))
                    .findFirst();
        }
        return metrics.validation().stream()
                .mapToDouble(
                        losses ->
                                switch (this) {
                                    case LM_LOSS -> losses.languageModel();
                                    case JEPA_LOSS -> losses.jepa();
                                    default -> losses.total();
                                })
                .findFirst();
    }
}
