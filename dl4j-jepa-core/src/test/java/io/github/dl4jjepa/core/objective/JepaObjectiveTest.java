package io.github.dl4jjepa.core.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JepaObjectiveTest {
    private static JepaObjective dropping(double lossDropout) {
        return new JepaObjective(1, 1, new CosineDistance(), lossDropout);
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 0.25, 0.75})
    void dropsAboutTheFractionOfSteps(double lossDropout) {
        JepaObjective objective = dropping(lossDropout);
        double dropped =
                LongStream.rangeClosed(1, 10_000)
                        .filter(step -> !objective.comparesViews(1, step))
                        .count();
        assertThat(dropped / 10_000).isBetween(lossDropout - 0.015, lossDropout + 0.015);
    }

    @Test
    void withoutLambdaNoStepLooksAtViews() {
        assertThat(JepaObjective.cosine(0).comparesViews(1, 1)).isFalse();
    }

    @ParameterizedTest
    @ValueSource(doubles = {-0.1, 1, Double.NaN})
    void refusesALossDropoutOutOfRange(double lossDropout) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> dropping(lossDropout))
                .withMessageContaining("lossDropout");
    }

    @Test
    void refusesStepsThatWouldMinimiseNothing() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new JepaObjective(0, 1, new CosineDistance(), 0.5))
                .withMessageContaining("gamma is 0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new JepaObjective(0, 0, new CosineDistance(), 0));
    }
}
