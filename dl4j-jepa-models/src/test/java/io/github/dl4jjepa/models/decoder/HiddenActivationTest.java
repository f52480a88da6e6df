package io.github.dl4jjepa.models.decoder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.dl4jjepa.core.internal.samediff.FiniteDifferences;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.factory.Nd4j;

class ActivationTest {
    @ParameterizedTest
    @EnumSource(DecoderConfig.HiddenActivation.class)
    void gradientsAgreeWithFiniteDifferencesAlsoFarFromZero(
            DecoderConfig.HiddenActivation activation) {
        SameDiff graph = SameDiff.create();
        SDVariable x = graph.var("x", Nd4j.createFromArray(-800.0, -50, -1, 0, 0.3, 2, 50, 800));
        activation.apply(x).sum("loss");
        FiniteDifferences.assertGradients(graph, "loss", Map.of(), 1e-6);
    }

    @ParameterizedTest
    @EnumSource(DecoderConfig.HiddenActivation.class)
    void gradientsAreFiniteInSinglePrecision(DecoderConfig.HiddenActivation activation) {
        SameDiff graph = SameDiff.create();
        SDVariable x = graph.var("x", Nd4j.createFromArray(-1e4f, -100, 60, 1e4f));
        activation.apply(x).sum("loss").markAsLoss();
        assertThat(graph.calculateGradients(Map.of(), "x").get("x").toFloatVector())
                .containsExactly(new float[] {0, 0, 1, 1}, within(1e-6f));
    }
}
