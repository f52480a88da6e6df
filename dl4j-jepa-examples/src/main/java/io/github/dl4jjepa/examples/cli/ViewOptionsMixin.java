package io.github.dl4jjepa.examples.cli;

import io.github.dl4jjepa.core.iterator.Pairing;
import io.github.dl4jjepa.core.view.LayoutKind;
import io.github.dl4jjepa.core.view.ViewOptions;
import io.github.dl4jjepa.models.finetuning.FineTuning;
import java.util.List;
import picocli.CommandLine.Option;

/** What the JEPA term compares, and in which layout. */
final class ViewOptionsMixin {
    @Option(
            names = "--layout",
            defaultValue = "shared-prefix",
            paramLabel = "NAME",
            description =
                    "How the views are laid out in rows: ${COMPLETION-CANDIDATES}. The result is"
                            + " the same, shared-prefix costs the least.")
    private LayoutKind layout;

    @Option(
            names = "--predictors",
            defaultValue = "1",
            paramLabel = "K",
            description = "Number of [PRED] tokens, 0 to 10.")
    private int predictors;

    @Option(names = "--tied-predictors", description = "Let all [PRED] tokens share one embedding.")
    private boolean tiedPredictors;

    @Option(
            names = "--predictor-placement",
            defaultValue = "after",
            paramLabel = "WHERE",
            description = "Where [PRED] tokens stand to the view: ${COMPLETION-CANDIDATES}.")
    private ViewOptions.PredictorPlacement placement;

    @Option(
            names = "--direction",
            defaultValue = "forward",
            paramLabel = "NAME",
            description = "Whether Text predicts Code or the reverse: ${COMPLETION-CANDIDATES}.")
    private ViewOptions.Direction direction;

    @Option(
            names = "--text-view",
            defaultValue = "in-context",
            paramLabel = "NAME",
            description =
                    "Whether Text is seen with the prompt before it: ${COMPLETION-CANDIDATES}.")
    private ViewOptions.TextView textView;

    @Option(
            names = "--pooling",
            defaultValue = "last-token",
            paramLabel = "NAME",
            description = "Which hidden states of a view are read: ${COMPLETION-CANDIDATES}.")
    private ViewOptions.Pooling pooling;

    @Option(
            names = "--pairs",
            defaultValue = "matched",
            paramLabel = "NAME",
            description =
                    "Which views of the training data are compared: ${COMPLETION-CANDIDATES}. What"
                            + " is not matched is a control.")
    private Pairing pairs;

    /** Sets what these options say. */
    void applyTo(FineTuning.Builder tuning) {
        tuning.optPredictors(predictors)
                .optTiedPredictors(tiedPredictors)
                .optViews(new ViewOptions(List.of(), placement, direction, textView, pooling))
                .optLayout(layout)
                .optPairs(pairs);
    }
}
