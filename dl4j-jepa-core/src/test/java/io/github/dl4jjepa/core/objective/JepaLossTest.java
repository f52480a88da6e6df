package io.github.dl4jjepa.core.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.github.dl4jjepa.core.samediff.FiniteDifferences;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class JepaLossTest {
    private final SameDiff sd = SameDiff.create();
    private final SDVariable hidden = sd.var("hidden", Nd4j.rand(DataType.DOUBLE, 6, 4).subi(0.5));
    private final SDVariable languageModel = hidden.mul(hidden).mean();

    private static final Map<String, INDArray> PAIRS =
            Map.of(
                    "p", Nd4j.createFromArray(new int[][] {{0, -1}, {2, 3}}),
                    "t", Nd4j.createFromArray(new int[][] {{1}, {4}}),
                    "a", Nd4j.createFromArray(0, 1));

    @Test
    void itsGradientAgreesWithFiniteDifferencesUnderNamesOfOnesOwn() {
        JepaLoss loss =
                JepaLoss.attach(
                        hidden,
                        languageModel,
                        JepaObjective.builder()
                                .optGamma(0.7)
                                .optLambda(0.3)
                                .optDistance(InfoNce.symmetric(0.5))
                                .build(),
                        new JepaLoss.Names("p", "t", "a", "views", "all"));
        assertThat(loss.loss().name()).isEqualTo("all");
        assertThat(sd.getLossVariables()).containsExactly("all");
        assertThat(sd.outputSingle(PAIRS, "views").getDouble(0)).isPositive();
        FiniteDifferences.assertGradients(sd, "all", PAIRS, 1e-6);
    }

    @Test
    void refusesWhatAGraphCannotHold() {
        assertRefused(JepaObjective.cosine(0), "above 0");
        assertRefused(
                JepaObjective.builder().optCalibration(new Calibration(1, 1)).build(), "fixed");
        assertRefused(JepaObjective.builder().optTarget(TargetMode.EMA).build(), "JepaTrainer");
        assertRefused(
                JepaObjective.builder().optDistance(new SemanticTube()).build(), "JepaTrainer");
        assertRefused(
                JepaObjective.builder().optRegularizer(new SigReg(4), 1).build(), "JepaTrainer");
    }

    private void assertRefused(JepaObjective objective, String message) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> JepaLoss.attach(hidden, languageModel, objective))
                .withMessageContaining(message);
    }
}
