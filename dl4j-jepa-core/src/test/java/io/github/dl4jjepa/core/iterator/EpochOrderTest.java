package io.github.dl4jjepa.core.iterator;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EpochOrderTest {
    /** Computed in Python from the published definitions of SplitMix64 and java.util.Random. */
    @ParameterizedTest
    @CsvSource({
        "42, 0, 4 5 8 0 2 9 3 1 6 7",
        "42, 1, 0 4 1 2 7 8 9 5 3 6",
        "43, 0, 1 7 3 6 9 4 5 0 8 2",
        "-1, 7, 1 4 8 0 3 9 6 5 2 7"
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
}
