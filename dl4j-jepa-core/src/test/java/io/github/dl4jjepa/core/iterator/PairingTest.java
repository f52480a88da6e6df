package io.github.dl4jjepa.core.iterator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.TokenSpan;
import io.github.dl4jjepa.core.view.TokenizedExample;
import io.github.dl4jjepa.core.view.TokenizedView;
import java.util.List;
import java.util.stream.IntStream;
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
}
