package io.github.dl4jjepa.core.internal;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jjepa.core.internal.SeededRandom.Use;
import org.junit.jupiter.api.Test;

class SeededRandomTest {
    private static long first(long seed, Use use, long number) {
        return SeededRandom.of(seed, use, number).nextLong();
    }

    @Test
    void sameSeedUseAndNumberGiveTheSame() {
        assertThat(first(3, Use.EPOCH_ORDER, 5)).isEqualTo(first(3, Use.EPOCH_ORDER, 5));
    }

    @Test
    void anotherSeedUseOrNumberGivesAnother() {
        assertThat(
                        new long[] {
                            first(3, Use.EPOCH_ORDER, 5),
                            first(4, Use.EPOCH_ORDER, 5),
                            first(3, Use.LOSS_DROPOUT, 5),
                            first(4, Use.LOSS_DROPOUT, 5),
                            first(3, Use.EPOCH_ORDER, 6)
                        })
                .doesNotHaveDuplicates();
    }

    /**
     * A run that is resumed with another version must find its old order again. Computed in Python
     * from the published definitions of SplitMix64 and java.util.Random.
     */
    @Test
    void theNumbersStayWhatTheyAre() {
        assertThat(first(42, Use.EPOCH_ORDER, 0)).isEqualTo(3723399406153733926L);
        assertThat(first(42, Use.LOSS_DROPOUT, 7)).isEqualTo(3033052413509693639L);
    }
}
