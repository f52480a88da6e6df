package io.github.dl4jjepa.models.finetuning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class PairedTestTest {
    /**
     * The differences have mean 0.03 and variance 0.0003. For 4 degrees of freedom the distribution
     * is 1/2 + 3/8 x (1 - x²/12) with x = t / sqrt(1 + t²/4).
     */
    @Test
    void pIsThatOfStudentsDistribution() {
        double t = 0.03 / Math.sqrt(0.0003 / 5);
        double x = t / Math.sqrt(1 + t * t / 4);
        double expected = 2 * (0.5 - 3.0 / 8 * x * (1 - x * x / 12));

        double p =
                PairedTest.p(
                        new double[] {0.71, 0.74, 0.69, 0.73, 0.75},
                        new double[] {0.68, 0.70, 0.69, 0.69, 0.71});
        assertThat(p).isCloseTo(expected, within(1e-9));
    }

    @Test
    void differencesWithoutSpreadAreCertainOrNone() {
        assertThat(PairedTest.p(new double[] {1, 2}, new double[] {1, 2})).isEqualTo(1);
        assertThat(PairedTest.p(new double[] {2, 3}, new double[] {1, 2})).isZero();
    }

    /** As R's {@code p.adjust(c(0.01, 0.04, 0.03, 0.5), "holm")}: 0.04, 0.09, 0.09, 0.5. */
    @Test
    void holmAdjustsInTheOrderOfTheValues() {
        assertThat(PairedTest.holm(0.01, 0.04, 0.03, 0.5))
                .containsExactly(new double[] {0.04, 0.09, 0.09, 0.5}, within(1e-12));
    }
}
