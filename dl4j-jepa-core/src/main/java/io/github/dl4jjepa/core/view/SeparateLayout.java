package io.github.dl4jjepa.core.view;

import io.github.dl4jjepa.core.JepaException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Each view in a row of its own, under ordinary causal attention (LLM-JEPA, arXiv 2509.14252,
 * version 1): works with any decoder, recurrent ones too.
 *
 * <p>The conversation comes first. Then each view predicts the next: a row with view i and the
 * [PRED] tokens, read out at its last token, and a row with view i + 1, read out at its last token.
 * Two views make three rows. Without [PRED] tokens the prediction is Enc(Text) itself.
 */
public final class SeparateLayout implements ViewLayout {
    /** The most [PRED] tokens that a Text view can have. */
    public static final int MAX_PREDICTORS = 10;

    private static final long serialVersionUID = 1L;

    private final int[] predictorIds;

    /**
     * @param predictorIds ids of the [PRED] tokens, in the order they are appended; 0 to {@value
     *     #MAX_PREDICTORS} of them
     * @throws IllegalArgumentException if there are more, or an id is negative
     */
    public SeparateLayout(int... predictorIds) {
        if (predictorIds.length > MAX_PREDICTORS) {
            throw new IllegalArgumentException(
                    predictorIds.length
                            + " [PRED] tokens are too many: choose 0 to "
                            + MAX_PREDICTORS);
        }
        if (Arrays.stream(predictorIds).anyMatch(id -> id < 0)) {
            throw new IllegalArgumentException(
                    "a negative [PRED] id: " + Arrays.toString(predictorIds));
        }
        this.predictorIds = predictorIds.clone();
    }

    @Override
    public List<Row> rows(TokenizedExample example) {
        List<int[]> views = example.views();
        if (views.size() < 2) {
            throw new JepaException(
                    example.source()
                            + ": the JEPA term compares two views or more, the example has "
                            + views.size()
                            + "; give it a user turn and an assistant turn, or set lambda to 0");
        }
        List<Row> rows = new ArrayList<>(2 * views.size() - 1);
        rows.add(Rows.languageModel(example));
        for (int pair = 0; pair < views.size() - 1; pair++) {
            int[] text = withPredictors(views.get(pair));
            rows.add(Rows.view(text, pair, Readout.Side.PREDICTION));
            rows.add(Rows.view(views.get(pair + 1), pair, Readout.Side.TARGET));
        }
        return rows;
    }

    private int[] withPredictors(int[] view) {
        int[] ids = Arrays.copyOf(view, view.length + predictorIds.length);
        System.arraycopy(predictorIds, 0, ids, view.length, predictorIds.length);
        return ids;
    }
}
