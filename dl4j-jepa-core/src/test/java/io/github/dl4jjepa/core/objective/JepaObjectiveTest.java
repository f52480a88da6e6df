package io.github.dl4jjepa.core.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JepaObjectiveTest {
    private static JepaObjective dropping(double lossDropout) {
        return JepaObjective.builder().optLossDropout(lossDropout).build();
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 0.25, 0.75})
    void dropsAboutTheFractionOfSteps(double lossDropout) {
        JepaObjective objective = dropping(lossDropout);
        double dropped =
                LongStream.rangeClosed(1, 10_000)
                        .filter(step -> !objective.hasJepaTerm(1, step))
                        .count();
        assertThat(dropped / 10_000).isBetween(lossDropout - 0.015, lossDropout + 0.015);
    }

    @Test
    void withoutLambdaNoStepLooksAtViews() {
        assertThat(JepaObjective.cosine(0).hasJepaTerm(1, 1)).isFalse();
    }

    @ParameterizedTest
    @ValueSource(doubles = {-0.1, 1, Double.NaN})
    void refusesALossDropoutOutOfRange(double lossDropout) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> dropping(lossDropout))
                .withMessageContaining("lossDropout");
    }

    @Test
    void refusesStepsThatWouldMinimizeNothing() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> JepaObjective.builder().optGamma(0).optLossDropout(0.5).build())
                .withMessageContaining("gamma is 0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> JepaObjective.builder().optGamma(0).optLambda(0).build());
    }
}
