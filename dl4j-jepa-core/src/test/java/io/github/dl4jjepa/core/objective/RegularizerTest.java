package io.github.dl4jjepa.core.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.dl4jjepa.core.Goldens;
import io.github.dl4jjepa.core.internal.samediff.Arena;
import io.github.dl4jjepa.core.internal.samediff.FiniteDifferences;
import io.github.dl4jjepa.core.internal.samediff.GradientFunction;
import io.github.dl4jjepa.core.internal.samediff.Graphs;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;

class RegularizerTest {
    private static final JsonNode GOLDEN = Goldens.read("objective/objectives.json");
    private static final INDArray DIRECTIONS = Goldens.doubles(GOLDEN.path("directions"));

    static Stream<Arguments> regularizers() {
        return Stream.of(
                Arguments.of("sigreg", new SigReg(DIRECTIONS.columns())),
                Arguments.of("vicreg", new VicReg()));
    }

    private static SameDiff graph(Regularizer regularizer, INDArray embeddings) {
        SameDiff graph = Graphs.create();
        SDVariable directions =
                regularizer.directions() == 0
                        ? null
                        : graph.constant(DIRECTIONS.get(rows(embeddings.columns())));
        regularizer.penalty(graph.var("z", embeddings), directions).rename("loss");
        return graph;
    }

    private static INDArrayIndex rows(int columns) {
        return NDArrayIndex.interval(0, columns);
    }

    private static Map<String, INDArray> run(SameDiff graph) {
        graph.setLossVariables("loss");
        Map<String, INDArray> results = new HashMap<>();
        try (Arena arena = new Arena(DataType.DOUBLE);
                GradientFunction function =
                        new GradientFunction(
                                graph, List.of("z"), List.of("loss"), arena, List.of())) {
            function.run(
                    Map.of(),
                    (name, gradient) -> results.put(name, gradient.dup()),
                    (name, value) -> results.put(name, value.dup()));
        }
        return results;
    }

    @ParameterizedTest
    @MethodSource("regularizers")
    void agreesWithTorch(String name, Regularizer regularizer) {
        JsonNode golden = GOLDEN.path("regularizers").path(name);
        Map<String, INDArray> results =
                run(graph(regularizer, Goldens.doubles(GOLDEN.path("prediction"))));
        assertThat(results.get("loss").getDouble(0))
                .isCloseTo(golden.path("value").doubleValue(), within(1e-12));
        assertThat(results.get("z").distance2(Goldens.doubles(golden.path("gradient"))))
                .isLessThan(1e-12);
    }

    @ParameterizedTest
    @MethodSource("regularizers")
    void gradientsAgreeWithFiniteDifferences(String name, Regularizer regularizer) {
        FiniteDifferences.assertGradients(
                graph(regularizer, gaussian(7, 4, 0.5)), "loss", Map.of(), 1e-6);
        FiniteDifferences.assertGradients(
                graph(regularizer, gaussian(1, 4, 1)), "loss", Map.of(), 1e-6);
    }

    @ParameterizedTest
    @MethodSource("regularizers")
    void isFiniteWithAFiniteGradient(String name, Regularizer regularizer) {
        for (INDArray embeddings :
                List.of(
                        Nd4j.zeros(DataType.DOUBLE, 3, 4),
                        Nd4j.ones(DataType.DOUBLE, 3, 4),
                        Nd4j.ones(DataType.DOUBLE, 1, 4),
                        gaussian(3, 4, 1e12))) {
            run(graph(regularizer, embeddings))
                    .forEach(
                            (of, array) ->
                                    assertThat(
                                                    Arrays.stream(array.ravel().toDoubleVector())
                                                            .boxed())
                                            .as("%s of %s", of, embeddings)
                                            .allMatch(Double::isFinite));
        }
    }

    @ParameterizedTest
    @MethodSource("regularizers")
    void isLargerForACollapseThanForANormalDistribution(String name, Regularizer regularizer) {
        double normal = run(graph(regularizer, gaussian(200, 4, 1))).get("loss").getDouble(0);
        double collapsed =
                run(graph(regularizer, gaussian(200, 4, 1e-3).addi(2))).get("loss").getDouble(0);
        assertThat(collapsed).isGreaterThan(5 * normal);
    }

    private static INDArray gaussian(int rows, int columns, double deviation) {
        Random random = new Random(4);
        double[][] values = new double[rows][columns];
        for (double[] row : values) {
            Arrays.setAll(row, i -> deviation * random.nextGaussian());
        }
        return Nd4j.createFromArray(values);
    }
}
