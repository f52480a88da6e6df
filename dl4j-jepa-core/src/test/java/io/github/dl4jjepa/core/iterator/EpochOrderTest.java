package io.github.dl4jjepa.core.iterator;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EpochOrderTest {
    /** Computed in Python from the published definitions of SplitMix64 and java.util.Random. */
    @ParameterizedTest
    @CsvSource({
        "42, 0, 9 3 1 7 6 5 2 8 4 0",
        "42, 1, 0 1 2 6 7 9 4 3 8 5",
        "43, 0, 3 7 8 1 0 2 5 9 6 4",
        "-1, 7, 4 5 7 9 1 8 2 0 6 3"
    })
    void staysAsItIsSoThatRunsCanBeResumed(long seed, int epoch, String order) {
        int[] expected = Arrays.stream(order.split(" ")).mapToInt(Integer::parseInt).toArray();

        assertThat(EpochOrder.shuffled(10, seed, epoch)).containsExactly(expected);
    }

    @Test
    void placesEveryExampleEverywhereEquallyOften() {
        int[][] counts = new int[5][5];
        for (int epoch = 0; epoch < 5000; epoch++) {
            int[] order = EpochOrder.shuffled(5, 3, epoch);
            IntStream.range(0, 5).forEach(place -> counts[place][order[place]]++);
        }

        // 1000 expected, standard deviation 28
        assertThat(Arrays.stream(counts).flatMapToInt(Arrays::stream).boxed())
                .allSatisfy(count -> assertThat(count).isBetween(870, 1130));
    }

    @Test
    void aSingleExampleHasOneOrder() {
        assertThat(EpochOrder.shuffled(1, 3, 4)).containsExactly(0);
    }

    private static final int[] LENGTHS = new Random(1).ints(1003, 5, 90).toArray();

    @Test
    void groupsExamplesOfLikeLengthAndLeavesNoneOut() {
        int[] order = EpochOrder.groupedByLength(LENGTHS, 8, 3, 0);
        assertThat(order).hasSize(1003).doesNotHaveDuplicates();
        assertThat(padding(order)).isLessThan(padding(EpochOrder.shuffled(1003, 3, 0)) / 10);
    }

    @Test
    void groupsAnewInEachEpochAndAlikeForOneSeed() {
        int[] order = EpochOrder.groupedByLength(LENGTHS, 8, 3, 0);
        assertThat(EpochOrder.groupedByLength(LENGTHS, 8, 3, 0)).containsExactly(order);
        assertThat(EpochOrder.groupedByLength(LENGTHS, 8, 3, 1)).isNotEqualTo(order);
        assertThat(EpochOrder.groupedByLength(LENGTHS, 8, 4, 0)).isNotEqualTo(order);
    }

    @Test
    void groupsComeInNoOrderOfLength() {
        int[] order = EpochOrder.groupedByLength(LENGTHS, 8, 3, 0);
        int rises = 0;
        for (int batch = 8; batch + 8 <= 1000; batch += 8) {
            rises += LENGTHS[order[batch]] > LENGTHS[order[batch - 8]] ? 1 : 0;
        }
        assertThat(rises).isBetween(40, 84);
    }

    /** Tokens that a batch of eight is filled up with, over all batches. */
    private static long padding(int[] order) {
        long padding = 0;
        for (int batch = 0; batch < order.length; batch += 8) {
            int[] lengths =
                    Arrays.stream(order, batch, Math.min(batch + 8, order.length))
                            .map(example -> LENGTHS[example])
                            .toArray();
            int longest = Arrays.stream(lengths).max().orElseThrow();
            padding += Arrays.stream(lengths).map(length -> longest - length).sum();
        }
        return padding;
    }
}
