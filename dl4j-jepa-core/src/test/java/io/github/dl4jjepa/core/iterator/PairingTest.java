package io.github.dl4jjepa.core.iterator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.TokenSpan;
import io.github.dl4jjepa.core.view.TokenizedExample;
import io.github.dl4jjepa.core.view.TokenizedView;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class PairingTest {
    /** The nth example has Text n and Code 100 + n. */
    private static List<TokenizedExample> examples(int count) {
        return IntStream.range(0, count)
                .mapToObj(
                        n -> {
                            int[] ids = {n, 100 + n, 999};
                            return new TokenizedExample(
                                    "example " + n,
                                    ids,
                                    new TokenSpan(1, 3),
                                    List.of(
                                            TokenizedView.inRow(ids, new TokenSpan(0, 1)),
                                            TokenizedView.inRow(ids, new TokenSpan(1, 2))));
                        })
                .toList();
    }

    private static List<Integer> seconds(List<TokenizedExample> examples) {
        return examples.stream().map(example -> example.views().get(1).ids()[0]).toList();
    }

    @Test
    void shufflingGivesEveryCodeToAnotherTextAndLeavesTheConversations() {
        for (int count : new int[] {2, 3, 50}) {
            List<TokenizedExample> examples = examples(count);
            List<TokenizedExample> shuffled = Pairing.SHUFFLED.pair(examples, 7);
            assertThat(seconds(shuffled)).containsExactlyInAnyOrderElementsOf(seconds(examples));
            for (int i = 0; i < count; i++) {
                assertThat(seconds(shuffled).get(i)).isNotEqualTo(100 + i);
                assertThat(shuffled.get(i).ids()).isEqualTo(examples.get(i).ids());
                assertThat(shuffled.get(i).labels()).isEqualTo(examples.get(i).labels());
                assertThat(shuffled.get(i).views().get(0))
                        .isEqualTo(examples.get(i).views().get(0));
            }
        }
    }

    @Test
    void theSeedDecidesHowPairsAreShuffled() {
        List<TokenizedExample> examples = examples(50);
        assertThat(seconds(Pairing.SHUFFLED.pair(examples, 7)))
                .isEqualTo(seconds(Pairing.SHUFFLED.pair(examples, 7)))
                .isNotEqualTo(seconds(Pairing.SHUFFLED.pair(examples, 8)));
    }

    @Test
    void sameViewGivesEveryTextItself() {
        assertThat(seconds(Pairing.SAME_VIEW.pair(examples(3), 7))).containsExactly(0, 1, 2);
    }

    @Test
    void oneExampleCannotBeShuffled() {
        assertThatExceptionOfType(JepaException.class)
                .isThrownBy(() -> Pairing.SHUFFLED.pair(examples(1), 7))
                .withMessageContaining("no other");
    }

    /** Examples of a Text and further views, each of one token; a view has no place in the row. */
    private static TokenizedExample example(int text, int... views) {
        int[] ids = {text, 999};
        return new TokenizedExample(
                "example " + text,
                ids,
                new TokenSpan(1, 2),
                Stream.concat(
                                Stream.of(TokenizedView.inRow(ids, new TokenSpan(0, 1))),
                                IntStream.of(views).mapToObj(TokenizedView::alone))
                        .toList());
    }

    private static List<Integer> tokens(TokenizedExample example) {
        return example.views().stream().map(view -> view.ids()[0]).toList();
    }

    @Test
    void noViewOfAChainStandsNextToOneThatItBelongsTo() {
        List<TokenizedExample> chains =
                IntStream.range(0, 30)
                        .mapToObj(
                                n ->
                                        n % 3 == 0
                                                ? example(n, 100 + n)
                                                : example(n, 100 + n, 200 + n, 300 + n))
                        .toList();
        List<TokenizedExample> shuffled = Pairing.SHUFFLED.pair(chains, 7);
        for (int i = 0; i < chains.size(); i++) {
            List<Integer> tokens = tokens(shuffled.get(i));
            assertThat(tokens).hasSameSizeAs(chains.get(i).views());
            assertThat(tokens.get(0)).isEqualTo(i);
            for (int view = 1; view < tokens.size(); view++) {
                assertThat(tokens.get(view) / 100).isEqualTo(view);
                assertThat(tokens.get(view) % 100).isNotEqualTo(tokens.get(view - 1) % 100);
            }
        }
    }

    @Test
    void sameViewTakesThePlaceOfEveryViewOfAChain() {
        assertThat(tokens(Pairing.SAME_VIEW.pair(List.of(example(5, 6, 7)), 7).get(0)))
                .containsExactly(5, 5, 5);
    }

    @Test
    void aCodeThatTwoExamplesShareIsNotGivenFromOneToTheOther() {
        List<TokenizedExample> examples =
                IntStream.range(0, 20).mapToObj(n -> example(n, n < 10 ? 100 : 100 + n)).toList();
        for (int seed = 0; seed < 50; seed++) {
            List<Integer> codes = seconds(Pairing.SHUFFLED.pair(examples, seed));
            assertThat(codes).containsExactlyInAnyOrderElementsOf(seconds(examples));
            for (int i = 0; i < examples.size(); i++) {
                assertThat(codes.get(i)).isNotEqualTo(seconds(examples).get(i));
            }
        }
    }

    @Test
    void aCodeOfMoreThanHalfOfTheExamplesCannotBeShuffled() {
        List<TokenizedExample> examples = List.of(example(1, 9), example(2, 9), example(3, 8));
        assertThatExceptionOfType(JepaException.class)
                .isThrownBy(() -> Pairing.SHUFFLED.pair(examples, 7))
                .withMessageContaining("more than half")
                .withMessageContaining("remove duplicates");
    }
}
