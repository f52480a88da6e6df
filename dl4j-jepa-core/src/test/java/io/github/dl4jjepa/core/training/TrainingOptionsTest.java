package io.github.dl4jjepa.core.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jjepa.core.WeightSchedule;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class TrainingOptionsTest {
    @Test
    void defaultsToThePapersSettings() {
        TrainingOptions options = TrainingOptions.builder().build();

        assertThat(options.epochs()).isEqualTo(4);
        assertThat(options.maxSteps()).isZero();
        assertThat(options.computeBudget()).isZero();
        assertThat(options.gradientAccumulationSteps()).isEqualTo(1);
        assertThat(options.learningRate()).isEqualTo(2e-5);
        assertThat(options.schedule()).isEqualTo(WeightSchedule.LINEAR);
        assertThat(options.warmupSteps()).isZero();
        assertThat(options.weightDecay()).isZero();
        assertThat(options.maxGradientNorm()).isEqualTo(1);
        assertThat(options.evaluateEvery()).isZero();
        assertThat(options.checkpointEvery()).isZero();
        assertThat(options.seed()).isEqualTo(42);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("refused")
    void refusesAValueOutOfItsRange(
            String message, UnaryOperator<TrainingOptions.Builder> setting) {
        TrainingOptions.Builder builder = setting.apply(TrainingOptions.builder());

        assertThatThrownBy(builder::build)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(message);
    }

    static Stream<Arguments> refused() {
        return Stream.of(
                refused("epochs must be at least 1, not 0", b -> b.optEpochs(0)),
                refused("maxSteps must be at least 0, not -1", b -> b.optMaxSteps(-1)),
                refused(
                        "gradientAccumulationSteps must be at least 1, not 0",
                        b -> b.optGradientAccumulationSteps(0)),
                refused("warmupSteps must be at least 0, not -3", b -> b.optWarmupSteps(-3)),
                refused("evaluateEvery must be at least 0, not -1", b -> b.optEvaluateEvery(-1)),
                refused(
                        "checkpointEvery must be at least 0, not -1",
                        b -> b.optCheckpointEvery(-1)),
                refused(
                        "computeBudget must be a number from 0 up, not -1.0",
                        b -> b.optComputeBudget(-1)),
                refused(
                        "computeBudget must be a number from 0 up, not NaN",
                        b -> b.optComputeBudget(Double.NaN)),
                refused(
                        "maxSteps and computeBudget both say when to stop; give one of them",
                        b -> b.optMaxSteps(1).optComputeBudget(1e9)),
                refused("learningRate is 0: nothing would be learnt", b -> b.optLearningRate(0)),
                refused(
                        "learningRate must be a number from 0 up, not NaN",
                        b -> b.optLearningRate(Double.NaN)),
                refused(
                        "weightDecay must be a number from 0 up, not -0.1",
                        b -> b.optWeightDecay(-0.1)),
                refused(
                        "maxGradientNorm must be a number from 0 up, not Infinity",
                        b -> b.optMaxGradientNorm(Double.POSITIVE_INFINITY)));
    }

    private static Arguments refused(
            String message, UnaryOperator<TrainingOptions.Builder> setting) {
        return Arguments.of(message, setting);
    }
}
