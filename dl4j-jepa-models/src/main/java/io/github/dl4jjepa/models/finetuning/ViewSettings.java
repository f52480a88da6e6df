package io.github.dl4jjepa.models.finetuning;

import io.github.dl4jjepa.core.iterator.Pairing;
import io.github.dl4jjepa.core.view.LayoutKind;
import io.github.dl4jjepa.core.view.ViewLayout;
import io.github.dl4jjepa.core.view.ViewOptions;
import java.util.Arrays;

/**
 * What the JEPA term compares and how the views are laid out, before the ids of the [PRED] tokens
 * are known.
 *
 * @param predictors how many [PRED] tokens, 0 to 10
 * @param tiedPredictors whether they share one id, and with it an embedding
 * @param placement where they stand
 * @param direction which view predicts which
 * @param textView what Text is seen with
 * @param pooling which hidden states are read
 * @param layout how the views are laid out in rows
 * @param pairs which views are compared with which
 */
record ViewSettings(
        int predictors,
        boolean tiedPredictors,
        ViewOptions.PredictorPlacement placement,
        ViewOptions.Direction direction,
        ViewOptions.TextView textView,
        ViewOptions.Pooling pooling,
        LayoutKind layout,
        Pairing pairs) {
    /** The defaults of {@link ViewOptions} and of {@link FineTuning.Builder}. */
    static final ViewSettings DEFAULT =
            of(ViewOptions.predictors(), FineTuning.Builder.DEFAULT_PREDICTORS);

    private static ViewSettings of(ViewOptions options, int predictors) {
        return new ViewSettings(
                predictors,
                false,
                options.placement(),
                options.direction(),
                options.textView(),
                options.pooling(),
                FineTuning.Builder.DEFAULT_LAYOUT,
                FineTuning.Builder.DEFAULT_PAIRS);
    }

    ViewSettings withPredictors(int count) {
        return new ViewSettings(
                count, tiedPredictors, placement, direction, textView, pooling, layout, pairs);
    }

    ViewSettings withTiedPredictors(boolean tied) {
        return new ViewSettings(
                predictors, tied, placement, direction, textView, pooling, layout, pairs);
    }

    ViewSettings withOptions(ViewOptions options) {
        return new ViewSettings(
                predictors,
                tiedPredictors,
                options.placement(),
                options.direction(),
                options.textView(),
                options.pooling(),
                layout,
                pairs);
    }

    ViewSettings withLayout(LayoutKind other) {
        return new ViewSettings(
                predictors, tiedPredictors, placement, direction, textView, pooling, other, pairs);
    }

    ViewSettings withPairs(Pairing other) {
        return new ViewSettings(
                predictors, tiedPredictors, placement, direction, textView, pooling, layout, other);
    }

    /**
     * The layout that reads the same views to look at them, whichever predicts which in training.
     *
     * @param distinctIds as many ids as {@link #distinctPredictors} says; none to read Enc(Text) in
     *     place of Pred(Enc(Text))
     */
    ViewLayout probeLayout(int[] distinctIds) {
        int probed = distinctIds.length == 0 ? 0 : predictors;
        return new ViewSettings(
                        probed,
                        tiedPredictors,
                        placement,
                        ViewOptions.Direction.FORWARD,
                        textView,
                        pooling,
                        layout,
                        pairs)
                .layout(distinctIds);
    }

    /** How many ids the [PRED] tokens need. */
    int distinctPredictors() {
        return tiedPredictors ? Math.min(1, predictors) : predictors;
    }

    /**
     * The layout.
     *
     * @param distinctIds as many ids as {@link #distinctPredictors} says
     */
    ViewLayout layout(int[] distinctIds) {
        int[] ids = new int[predictors];
        Arrays.setAll(ids, i -> distinctIds[tiedPredictors ? 0 : i]);
        return layout.of(
                ViewOptions.builder()
                        .optPredictorIds(ids)
                        .optPlacement(placement)
                        .optDirection(direction)
                        .optTextView(textView)
                        .optPooling(pooling)
                        .build());
    }
}
