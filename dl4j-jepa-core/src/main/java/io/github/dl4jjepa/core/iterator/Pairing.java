package io.github.dl4jjepa.core.iterator;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.internal.OptionName;
import io.github.dl4jjepa.core.internal.SeededRandom;
import io.github.dl4jjepa.core.view.TokenizedExample;
import io.github.dl4jjepa.core.view.TokenizedView;
import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Which views are compared with which. What is not {@link #MATCHED} is a control: a gain that stays
 * under it does not come from what the views have in common. The conversations, and with them the
 * language-model loss, are the same under each.
 */
public enum Pairing {
    /** An example's Text with its own Code. */
    MATCHED {
        @Override
        List<TokenizedExample> pair(List<TokenizedExample> examples, long seed) {
            return examples;
        }
    },
    /**
     * An example's Text with another example's Code, the same one in every epoch, and each further
     * view with one that does not belong to the view before it. No two views that are compared
     * belong together, or read as if they did.
     */
    SHUFFLED {
        @Override
        List<TokenizedExample> pair(List<TokenizedExample> examples, long seed) {
            if (examples.size() < 2) {
                throw new JepaException(
                        "the data set has one example: there is no other to pair its view with");
            }
            return shuffled(examples, seed);
        }
    },
    /** An example's Text with itself, in the place of every view. */
    SAME_VIEW {
        @Override
        List<TokenizedExample> pair(List<TokenizedExample> examples, long seed) {
            return examples.stream()
                    .map(
                            example ->
                                    withViews(
                                            example,
                                            Collections.nCopies(
                                                    example.views().size(),
                                                    example.views().get(0))))
                    .toList();
        }
    };

    /**
     * Pairs the views of a data set.
     *
     * @param examples each with two views or more
     * @param seed decides where there is a choice
     */
    abstract List<TokenizedExample> pair(List<TokenizedExample> examples, long seed);

    private static TokenizedExample withViews(TokenizedExample example, List<TokenizedView> views) {
        List<TokenizedView> compared = new ArrayList<>();
        compared.add(example.views().get(0));
        views.stream().skip(1).map(view -> TokenizedView.alone(view.ids())).forEach(compared::add);
        return new TokenizedExample(
                example.source(), example.ids(), example.labels(), List.copyOf(compared));
    }

    private static List<TokenizedExample> shuffled(List<TokenizedExample> examples, long seed) {
        List<List<TokenizedView>> views = new ArrayList<>();
        examples.forEach(example -> views.add(new ArrayList<>(example.views().subList(0, 1))));
        int[] previous = IntStream.range(0, examples.size()).toArray();
        for (int view = 1; ; view++) {
            int place = view;
            int[] having =
                    IntStream.range(0, examples.size())
                            .filter(i -> examples.get(i).views().size() > place)
                            .toArray();
            if (having.length == 0) {
                break;
            }
            int[] others = strangers(examples, view, having, previous, seed);
            for (int i : having) {
                views.get(i).add(examples.get(others[i]).views().get(view));
            }
            previous = others;
        }
        return IntStream.range(0, examples.size())
                .mapToObj(i -> withViews(examples.get(i), views.get(i)))
                .toList();
    }

    /**
     * Says whose view each example gets: one that differs from the view that belongs to what the
     * example has before it.
     *
     * @param having the examples that have such a view
     * @param previous whose view each example has before it
     */
    private static int[] strangers(
            List<TokenizedExample> examples, int view, int[] having, int[] previous, long seed) {
        IntFunction<TokenSequence> viewOf = i -> TokenSequence.of(examples.get(i), view);
        int[] cycle = cycle(having.length, seed);
        for (int i = 0; i < having.length; i++) {
            TokenSequence own = viewOf.apply(previous[having[i]]);
            if (!viewOf.apply(having[cycle[i]]).equals(own)) {
                continue;
            }
            // An exchange that leaves both with a stranger exists unless a view is too frequent.
            int j = i;
            do {
                j = (j + 1) % having.length;
                if (j == i) {
                    throw new JepaException(
                            examples.get(having[i]).source()
                                    + ": its view "
                                    + (view + 1)
                                    + " is that of more than half of the examples: they cannot be"
                                    + " shuffled so that each gets another; remove duplicates");
                }
            } while (viewOf.apply(having[cycle[j]]).equals(own)
                    || viewOf.apply(previous[having[j]]).equals(own));
            int exchanged = cycle[i];
            cycle[i] = cycle[j];
            cycle[j] = exchanged;
        }
        int[] strangers = IntStream.range(0, examples.size()).toArray();
        for (int i = 0; i < having.length; i++) {
            strangers[having[i]] = having[cycle[i]];
        }
        return strangers;
    }

    /** Token ids that are compared by value; null where an example has no such view. */
    private record TokenSequence(@Nullable IntBuffer ids) {
        static TokenSequence of(TokenizedExample example, int view) {
            return new TokenSequence(
                    view < example.views().size()
                            ? IntBuffer.wrap(example.views().get(view).ids())
                            : null);
        }
    }

    /** A random permutation that is one cycle, and so leaves nothing in its place (Sattolo). */
    private static int[] cycle(int size, long seed) {
        int[] cycle = IntStream.range(0, size).toArray();
        Random random = SeededRandom.of(seed, SeededRandom.Use.SHUFFLED_PAIRS, 0);
        for (int i = size - 1; i > 0; i--) {
            int j = random.nextInt(i);
            int swapped = cycle[i];
            cycle[i] = cycle[j];
            cycle[j] = swapped;
        }
        return cycle;
    }

    /** The name as the command line has it: {@code same-view}. */
    @Override
    public String toString() {
        return OptionName.of(this);
    }
}
