package io.github.dl4jjepa.core.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.dl4jjepa.core.samediff.FiniteDifferences;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class CosineDistanceTest {
    private final SameDiff graph = SameDiff.create();

    private double[] distances(double[][] predictions, double[][] targets) {
        graph.var("p", Nd4j.createFromArray(predictions));
        graph.var("t", Nd4j.createFromArray(targets));
        new CosineDistance()
                .between(graph.getVariable("p"), graph.getVariable("t"))
                .rename("d")
                .sum("loss");
        return graph.outputSingle(Map.of(), "d").toDoubleVector();
    }

    @Test
    void isZeroForTheSameDirectionOneForARightAngleTwoForTheOpposite() {
        assertThat(
                        distances(
                                new double[][] {{3, 4}, {1, 0}, {1, 2}},
                                new double[][] {{6, 8}, {0, 5}, {-2, -4}}))
                .containsExactly(new double[] {0, 1, 2}, within(1e-12));
    }

    @Test
    void gradientsAgreeWithFiniteDifferences() {
        Nd4j.getRandom().setSeed(11);
        distances(
                new double[][] {{1, -2, 3}, {100, 200, -50}, {0.1, 0.1, 0.2}},
                new double[][] {{1, -2, 3}, {-3, 1, 1}, {5, 0, 1}});
        FiniteDifferences.assertGradients(graph, "loss", Map.of(), 1e-7);
    }

    @Test
    void aZeroVectorHasDistanceOneAndAFiniteGradient() {
        assertThat(distances(new double[][] {{0, 0}, {0, 0}}, new double[][] {{1, 2}, {0, 0}}))
                .containsExactly(1, 1);
        graph.setLossVariables("loss");
        Map<String, INDArray> gradients = new HashMap<>();
        graph.calculateGradients(Map.of(), List.of("p", "t"))
                .forEach((name, g) -> gradients.put(name, g.dup()));
        assertThat(gradients.values())
                .hasSize(2)
                .allSatisfy(
                        gradient ->
                                assertThat(Arrays.stream(gradient.data().asDouble()).boxed())
                                        .allMatch(Double::isFinite));
    }
}
