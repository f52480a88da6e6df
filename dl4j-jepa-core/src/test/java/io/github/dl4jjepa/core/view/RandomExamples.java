package io.github.dl4jjepa.core.view;

import io.github.dl4jjepa.core.view.ViewOptions.Direction;
import io.github.dl4jjepa.core.view.ViewOptions.Pooling;
import io.github.dl4jjepa.core.view.ViewOptions.PredictorPlacement;
import io.github.dl4jjepa.core.view.ViewOptions.TextView;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Provide;
import net.jqwik.api.domains.DomainContextBase;

/**
 * Small examples and every view option, for properties. Token ids are below 60, and no segment has
 * more than 32 tokens.
 */
public final class RandomExamples extends DomainContextBase {
    private static final int SEPARATOR = 8;
    private static final int END = 2;

    /** A view's tokens, and whether the conversation has them. */
    private record View(int[] ids, boolean isInRow) {}

    /** One to three examples of two or three views each. */
    @Provide
    public Arbitrary<List<TokenizedExample>> examples() {
        Arbitrary<int[]> context = tokens(3, 7).array(int[].class).ofMaxSize(4);
        Arbitrary<View> view =
                Combinators.combine(
                                tokens(10, 29).array(int[].class).ofMinSize(1).ofMaxSize(5),
                                Arbitraries.of(true, true, true, false))
                        .as(View::new);
        return Combinators.combine(
                        context,
                        view.list().ofMinSize(2).ofMaxSize(3),
                        tokens(30, 39).array(int[].class).ofMinSize(1).ofMaxSize(3))
                .as(RandomExamples::example)
                .list()
                .ofMinSize(1)
                .ofMaxSize(3);
    }

    /** Any choice of each option, with up to four [PRED] tokens. */
    @Provide
    public Arbitrary<ViewOptions> options() {
        return Combinators.combine(
                        tokens(50, 53).array(int[].class).ofMaxSize(4),
                        Arbitraries.of(PredictorPlacement.class),
                        Arbitraries.of(Direction.class),
                        Arbitraries.of(TextView.class),
                        Arbitraries.of(Pooling.class))
                .as(
                        (predictorIds, placement, direction, textView, pooling) ->
                                ViewOptions.builder()
                                        .optPredictorIds(predictorIds)
                                        .optPlacement(placement)
                                        .optDirection(direction)
                                        .optTextView(textView)
                                        .optPooling(pooling)
                                        .build());
    }

    private static Arbitrary<Integer> tokens(int first, int last) {
        return Arbitraries.integers().between(first, last);
    }

    private static TokenizedExample example(int[] context, List<View> views, int[] answer) {
        IntStream.Builder ids = IntStream.builder();
        IntStream.of(context).forEach(ids);
        int length = context.length;
        List<TokenizedView> tokenized = new ArrayList<>();
        for (View view : views) {
            if (!view.isInRow) {
                tokenized.add(TokenizedView.alone(view.ids));
                continue;
            }
            IntStream.of(view.ids).forEach(ids);
            ids.add(SEPARATOR);
            tokenized.add(
                    new TokenizedView(view.ids, new TokenSpan(length, length + view.ids.length)));
            length += view.ids.length + 1;
        }
        IntStream.of(answer).forEach(ids);
        ids.add(END);
        int end = length + answer.length + 1;
        return new TokenizedExample(
                "random",
                ids.build().toArray(),
                new TokenSpan(Math.max(1, end - 1 - answer.length), end),
                tokenized);
    }
}
