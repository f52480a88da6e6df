package io.github.dl4jjepa.core.view;

import io.github.dl4jjepa.core.internal.OptionName;
import java.io.Serializable;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/**
 * What the JEPA term compares: which view predicts which, with what [PRED] tokens, and where the
 * two are read out. Each choice is one of the paper's ablations (arXiv 2509.14252, table 3); the
 * defaults are the paper's method, with Text seen in its context.
 *
 * <p>How the views are laid out in rows is another matter: a {@link ViewLayout} decides the cost,
 * never the result.
 *
 * <p>Immutable.
 */
public final class ViewOptions implements Serializable {
    private static final long serialVersionUID = 1L;

    /** The most [PRED] tokens that a view can have. */
    public static final int MAX_PREDICTORS = 10;

    /** Where the [PRED] tokens stand. */
    public enum PredictorPlacement {
        /** After the view that predicts: they see it, and the last of them is read. */
        AFTER,
        /** Before the view that predicts: it sees them, and its own last token is read. */
        BEFORE;

        @Override
        public String toString() {
            return OptionName.of(this);
        }
    }

    /** Which view predicts which. */
    public enum Direction {
        /** View i predicts view i + 1; Text predicts Code. */
        FORWARD,
        /** View i + 1 predicts view i; Code predicts Text. */
        REVERSE;

        @Override
        public String toString() {
            return OptionName.of(this);
        }
    }

    /** What the first view, Text, is seen with. */
    public enum TextView {
        /**
         * Text with all that stands before it in the conversation: system text, earlier turns, the
         * template's beginning of the user turn. That is how the model meets Text when it is used,
         * and in one row with the conversation it costs nothing. A Text that is no part of the
         * conversation has no context and is seen alone.
         */
        IN_CONTEXT,
        /** Text without template or system text, from position 0, as the paper's formula has it. */
        ALONE;

        @Override
        public String toString() {
            return OptionName.of(this);
        }
    }

    /** Which hidden states of a view are read. */
    public enum Pooling {
        /** The last token's. */
        LAST_TOKEN,
        /** The mean over the view's tokens and its [PRED] tokens; context is left out. */
        MEAN;

        @Override
        public String toString() {
            return OptionName.of(this);
        }
    }

    @SuppressWarnings("serial") // lists of List.copyOf are Serializable
    private final List<Integer> predictorIds;

    private final PredictorPlacement placement;
    private final Direction direction;
    private final TextView textView;
    private final Pooling pooling;

    private ViewOptions(Builder builder) {
        predictorIds = List.copyOf(builder.predictorIds);
        placement = Objects.requireNonNull(builder.placement, "placement");
        direction = Objects.requireNonNull(builder.direction, "direction");
        textView = Objects.requireNonNull(builder.textView, "textView");
        pooling = Objects.requireNonNull(builder.pooling, "pooling");
        if (predictorIds.size() > MAX_PREDICTORS) {
            throw new IllegalArgumentException(
                    predictorIds.size()
                            + " [PRED] tokens are too many: choose 0 to "
                            + MAX_PREDICTORS);
        }
        if (predictorIds.stream().anyMatch(id -> id < 0)) {
            throw new IllegalArgumentException("a negative [PRED] id: " + predictorIds);
        }
    }

    /**
     * The paper's method: Text, seen in its context and followed by [PRED] tokens, predicts Code.
     *
     * @param predictorIds ids of the [PRED] tokens; none for the identity
     */
    public static ViewOptions predictors(int... predictorIds) {
        return builder().optPredictorIds(predictorIds).build();
    }

    /** Options to set; those left out keep their default. */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Ids of the [PRED] tokens in their order, none to {@value #MAX_PREDICTORS}; one id several
     * times for [PRED] tokens that share an embedding.
     */
    public List<Integer> predictorIds() {
        return predictorIds;
    }

    /** Where the [PRED] tokens stand, {@link PredictorPlacement#AFTER} by default. */
    public PredictorPlacement placement() {
        return placement;
    }

    /** Which view predicts which, {@link Direction#FORWARD} by default. */
    public Direction direction() {
        return direction;
    }

    /** What the first view is seen with, {@link TextView#IN_CONTEXT} by default. */
    public TextView textView() {
        return textView;
    }

    /** Which hidden states are read, {@link Pooling#LAST_TOKEN} by default. */
    public Pooling pooling() {
        return pooling;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof ViewOptions options && parts().equals(options.parts());
    }

    @Override
    public int hashCode() {
        return parts().hashCode();
    }

    @Override
    public String toString() {
        return "ViewOptions" + parts();
    }

    private List<Object> parts() {
        return List.of(predictorIds, placement, direction, textView, pooling);
    }

    /** Sets options one by one; {@link ViewOptions} says what they mean. */
    public static final class Builder {
        private List<Integer> predictorIds = List.of();
        private PredictorPlacement placement = PredictorPlacement.AFTER;
        private Direction direction = Direction.FORWARD;
        private TextView textView = TextView.IN_CONTEXT;
        private Pooling pooling = Pooling.LAST_TOKEN;

        private Builder() {}

        /** See {@link ViewOptions#predictorIds()}. */
        public Builder optPredictorIds(int... predictorIds) {
            this.predictorIds = Arrays.stream(predictorIds).boxed().toList();
            return this;
        }

        /** See {@link ViewOptions#placement()}. */
        public Builder optPlacement(PredictorPlacement placement) {
            this.placement = placement;
            return this;
        }

        /** See {@link ViewOptions#direction()}. */
        public Builder optDirection(Direction direction) {
            this.direction = direction;
            return this;
        }

        /** See {@link ViewOptions#textView()}. */
        public Builder optTextView(TextView textView) {
            this.textView = textView;
            return this;
        }

        /** See {@link ViewOptions#pooling()}. */
        public Builder optPooling(Pooling pooling) {
            this.pooling = pooling;
            return this;
        }

        /**
         * The options.
         *
         * @throws IllegalArgumentException if there are too many [PRED] ids, or a negative one
         */
        public ViewOptions build() {
            return new ViewOptions(this);
        }
    }
}
