package io.github.dl4jjepa.examples.cli;

import io.github.dl4jjepa.core.iterator.Pairing;
import io.github.dl4jjepa.core.view.LayoutKind;
import io.github.dl4jjepa.core.view.ViewOptions;
import io.github.dl4jjepa.models.finetuning.FineTuning;
import picocli.CommandLine.Option;

/** What the JEPA term compares, and in which layout. */
final class ViewOptionsMixin {
    private static final ViewOptions DEFAULTS = ViewOptions.builder().build();

    @Option(
            names = "--layout",
            paramLabel = "NAME",
            description =
                    "How the views are laid out in rows: ${COMPLETION-CANDIDATES}. The result is"
                            + " the same, shared-prefix costs the least.")
    private LayoutKind layout = FineTuning.Builder.DEFAULT_LAYOUT;

    @Option(
            names = "--predictors",
            paramLabel = "K",
            description = "Number of [PRED] tokens, 0 to " + ViewOptions.MAX_PREDICTORS + ".")
    private int predictors = FineTuning.Builder.DEFAULT_PREDICTORS;

    @Option(names = "--tied-predictors", description = "Let all [PRED] tokens share one embedding.")
    private boolean tiedPredictors;

    @Option(
            names = "--predictor-placement",
            paramLabel = "WHERE",
            description = "Where [PRED] tokens stand to the view: ${COMPLETION-CANDIDATES}.")
    private ViewOptions.PredictorPlacement placement = DEFAULTS.placement();

    @Option(
            names = "--direction",
            paramLabel = "NAME",
            description = "Whether Text predicts Code or the reverse: ${COMPLETION-CANDIDATES}.")
    private ViewOptions.Direction direction = DEFAULTS.direction();

    @Option(
            names = "--text-view",
            paramLabel = "NAME",
            description =
                    "Whether Text is seen with the prompt before it: ${COMPLETION-CANDIDATES}.")
    private ViewOptions.TextView textView = DEFAULTS.textView();

    @Option(
            names = "--pooling",
            paramLabel = "NAME",
            description = "Which hidden states of a view are read: ${COMPLETION-CANDIDATES}.")
    private ViewOptions.Pooling pooling = DEFAULTS.pooling();

    @Option(
            names = "--pairs",
            paramLabel = "NAME",
            description =
                    "Which views of the training data are compared: ${COMPLETION-CANDIDATES}. What"
                            + " is not matched is a control.")
    private Pairing pairs = FineTuning.Builder.DEFAULT_PAIRS;

    /** Sets what these options say. */
    void applyTo(FineTuning.Builder tuning) {
        tuning.optPredictors(predictors)
                .optTiedPredictors(tiedPredictors)
                .optViews(
                        ViewOptions.builder()
                                .optPlacement(placement)
                                .optDirection(direction)
                                .optTextView(textView)
                                .optPooling(pooling)
                                .build())
                .optLayout(layout)
                .optPairs(pairs);
    }
}
