package io.github.dl4jjepa.models.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ScoreTest {
    private static Task.Judgment judgment(boolean right, boolean stopped) {
        return Task.Judgment.NONE.with("exact_match", right).with("stopped", stopped);
    }

    @Test
    void countsEachFactByItself() {
        Score score =
                Score.NONE
                        .plus(judgment(true, true))
                        .plus(judgment(false, true))
                        .plus(judgment(false, false))
                        .plus(judgment(false, true));

        assertThat(score.examples()).isEqualTo(4);
        assertThat(score.share("exact_match")).isEqualTo(new Score.Share(1, 4));
        assertThat(score.share("stopped")).isEqualTo(new Score.Share(3, 4));
        assertThat(score.shares().keySet()).containsExactly("exact_match", "stopped");
    }

    @Test
    void addsMeasuresUpByTheirWeights() {
        Score score =
                Score.NONE
                        .plus(Task.Judgment.NONE.with("loss", new Task.Measure(6, 2)))
                        .plus(Task.Judgment.NONE.with("loss", new Task.Measure(2, 6)));
        assertThat(score.measures()).containsEntry("loss", new Task.Measure(8, 8));
    }

    @Test
    void namesTheSharesWhenAskedForAnother() {
        assertThatThrownBy(() -> Score.NONE.plus(judgment(true, true)).share("accuracy"))
                .hasMessage("no share 'accuracy' among [exact_match, stopped]");
    }

    /** Each bound b is where the share lies 1.96 standard errors sqrt(b (1 - b) / n) from b. */
    @ParameterizedTest
    @CsvSource({
        "0, 10, 0.0, 0.27753280",
        "1, 10, 0.01787621, 0.40415003",
        "5, 10, 0.23659309, 0.76340691",
        "10, 10, 0.72246721, 1.0",
        "1049, 2000, 0.50258723, 0.54631883",
        "0, 0, 0, 1"
    })
    void givesWilsonsInterval(int count, int of, double lower, double upper) {
        assertThat(new Score.Share(count, of).lower()).isCloseTo(lower, within(1e-6));
        assertThat(new Score.Share(count, of).upper()).isCloseTo(upper, within(1e-6));
        for (double bound : of == 0 ? new double[0] : new double[] {lower, upper}) {
            double error = 1.959964 * Math.sqrt(bound * (1 - bound) / of);
            double distance = Math.abs((double) count / of - bound);
            assertThat(distance * (distance - error)).isCloseTo(0, within(1e-6));
        }
    }
}
