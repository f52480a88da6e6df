package io.github.dl4jjepa.core.view;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.Row.Readout.Side;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A path of tokens that the model reads for the JEPA term: the beginning of the conversation, where
 * a view is seen in context, and tokens of its own.
 *
 * @param prefix how many tokens of the conversation come first; 0 for a view seen alone
 * @param ids the tokens after them; none where the conversation has all that is read
 * @param readouts where it is read; indices count along the path
 */
record Encoding(int prefix, int[] ids, List<Row.Readout> readouts) {
    /**
     * What must be encoded for the views of an example, in the views' order. A view that predicts
     * one and is predicted by another is encoded once for both, unless [PRED] tokens before it
     * change what it sees.
     *
     * @throws JepaException if the example has fewer than two views, or a [PRED] token in one
     */
    static List<Encoding> of(TokenizedExample example, ViewOptions options) {
        int views = example.views().size();
        if (views < 2) {
            throw new JepaException(
                    example.source()
                            + ": the JEPA term compares two views or more, the example has "
                            + views
                            + "; give it a user turn and an assistant turn, or set lambda to 0");
        }
        requireOwnIds(example, options);
        boolean forward = options.direction() == ViewOptions.Direction.FORWARD;
        List<Encoding> encodings = new ArrayList<>();
        for (int i = 0; i < views; i++) {
            View view = new View(example.views().get(i), i, options);
            int predicting = forward ? i : i - 1;
            int predicted = forward ? i - 1 : i;
            boolean predicts = predicting >= 0 && predicting < views - 1;
            boolean isPredicted = predicted >= 0 && predicted < views - 1;
            if (predicts && isPredicted && !view.hasPredictorsBefore()) {
                encodings.add(view.encoding(view.prediction(predicting), view.target(predicted)));
                continue;
            }
            if (predicts) {
                encodings.add(view.encoding(view.prediction(predicting)));
            }
            if (isPredicted) {
                encodings.add(view.encoding(view.target(predicted)));
            }
        }
        return encodings;
    }

    private static void requireOwnIds(TokenizedExample example, ViewOptions options) {
        for (TokenizedView view : example.views()) {
            for (int id : view.ids()) {
                if (options.predictorIds().contains(id)) {
                    throw new JepaException(
                            example.source()
                                    + ": the [PRED] id "
                                    + id
                                    + " is also a token of a view; give [PRED] an id that no text"
                                    + " has");
                }
            }
        }
    }

    /** The whole path's tokens. */
    int[] path(TokenizedExample example) {
        return IntStream.concat(IntStream.of(example.ids()).limit(prefix), IntStream.of(ids))
                .toArray();
    }

    /** A view of an example, and the ways to encode it. */
    private static final class View {
        private final int[] ids;
        private final int context;
        private final boolean inContext;
        private final ViewOptions options;

        View(TokenizedView view, int number, ViewOptions options) {
            this.options = options;
            ids = view.ids();
            TokenSpan inRow = view.inRow();
            inContext =
                    number == 0
                            && inRow != null
                            && options.textView() == ViewOptions.TextView.IN_CONTEXT;
            context = inContext && inRow != null ? inRow.start() : 0;
        }

        boolean hasPredictorsBefore() {
            return options.placement() == ViewOptions.PredictorPlacement.BEFORE
                    && !options.predictorIds().isEmpty();
        }

        Row.Readout prediction(int pair) {
            return readout(pair, Side.PREDICTION, ids.length + options.predictorIds().size());
        }

        Row.Readout target(int pair) {
            return readout(pair, Side.TARGET, ids.length);
        }

        private Row.Readout readout(int pair, Side side, int length) {
            int end = context + length;
            int start = options.pooling() == ViewOptions.Pooling.MEAN ? context : end - 1;
            return new Row.Readout(pair, side, IntStream.range(start, end).boxed().toList());
        }

        Encoding encoding(Row.Readout... readouts) {
            boolean predicts = readouts[0].side() == Side.PREDICTION;
            IntStream own = IntStream.of(ids);
            if (predicts) {
                IntStream predictors = options.predictorIds().stream().mapToInt(Integer::intValue);
                if (hasPredictorsBefore()) {
                    return new Encoding(
                            context,
                            IntStream.concat(predictors, own).toArray(),
                            List.of(readouts));
                }
                own = IntStream.concat(own, predictors);
            }
            int shared = inContext ? ids.length : 0;
            return new Encoding(context + shared, own.skip(shared).toArray(), List.of(readouts));
        }
    }
}
