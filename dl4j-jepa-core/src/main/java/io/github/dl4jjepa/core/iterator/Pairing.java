package io.github.dl4jjepa.core.iterator;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.OptionName;
import io.github.dl4jjepa.core.SeededRandom;
import io.github.dl4jjepa.core.view.TokenizedExample;
import io.github.dl4jjepa.core.view.TokenizedView;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

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
    /** An example's Text with another example's Code, the same one in every epoch. */
    SHUFFLED {
        @Override
        List<TokenizedExample> pair(List<TokenizedExample> examples, long seed) {
            if (examples.size() < 2) {
                throw new JepaException(
                        "the data set has one example: there is no other to pair its view with");
            }
            int[] others = cycle(examples.size(), seed);
            return IntStream.range(0, examples.size())
                    .mapToObj(
                            i ->
                                    withSecondView(
                                            examples.get(i),
                                            examples.get(others[i]).views().get(1)))
                    .toList();
        }
    },
    /** An example's Text with itself. */
    SAME_VIEW {
        @Override
        List<TokenizedExample> pair(List<TokenizedExample> examples, long seed) {
            return examples.stream()
                    .map(example -> withSecondView(example, example.views().get(0)))
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

    private static TokenizedExample withSecondView(TokenizedExample example, TokenizedView view) {
        return new TokenizedExample(
                example.source(),
                example.ids(),
                example.labels(),
                List.of(example.views().get(0), TokenizedView.alone(view.ids())));
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
