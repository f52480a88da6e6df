package io.github.dl4jjepa.core.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.dl4jjepa.core.Goldens;
import io.github.dl4jjepa.core.internal.samediff.Arena;
import io.github.dl4jjepa.core.internal.samediff.FiniteDifferences;
import io.github.dl4jjepa.core.internal.samediff.GradientFunction;
import io.github.dl4jjepa.core.internal.samediff.Graphs;
import io.github.dl4jjepa.core.ops.Ops;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class DistanceTest {
    private static final JsonNode GOLDEN = Goldens.read("objective/objectives.json");

    /** Distances as a graph of the variables {@code p} and {@code t}, with their sum the loss. */
    private static SameDiff graph(Distance distance, INDArray p, INDArray t, int[] answers) {
        SameDiff graph = Graphs.create();
        distance.between(
                        new Distance.Pairs(
                                graph.var("p", p),
                                graph.var("t", t),
                                graph.constant(Nd4j.createFromArray(answers))))
                .rename("d")
                .sum()
                .rename("loss");
        return graph;
    }

    private static Map<String, INDArray> run(SameDiff graph) {
        graph.setLossVariables("loss");
        Map<String, INDArray> results = new HashMap<>();
        try (Arena arena = new Arena(DataType.DOUBLE);
                GradientFunction function =
                        new GradientFunction(
                                graph, List.of("p", "t"), List.of("d"), arena, List.of())) {
            function.run(
                    Map.of(),
                    (name, gradient) -> results.put(name, gradient.dup()),
                    (name, value) -> results.put(name, value.dup()));
        }
        return results;
    }

    @ParameterizedTest
    @EnumSource
    void agreesWithTorch(DistanceKind kind) {
        JsonNode golden = GOLDEN.path("distances").path(kind.toString());
        Map<String, INDArray> results =
                run(
                        graph(
                                kind.of(GOLDEN.path("temperature").doubleValue()),
                                Goldens.doubles(GOLDEN.path("prediction")),
                                Goldens.doubles(GOLDEN.path("target")),
                                answers()));
        assertClose(results.get("d"), golden.path("values"));
        assertClose(results.get("p"), golden.path("prediction_gradient"));
        assertClose(results.get("t"), golden.path("target_gradient"));
    }

    private static int[] answers() {
        return Goldens.doubles(GOLDEN.path("answers")).toIntVector();
    }

    private static void assertClose(INDArray actual, JsonNode expected) {
        INDArray golden = Goldens.doubles(expected);
        assertThat(actual.shape()).isEqualTo(golden.shape());
        assertThat(actual.distance2(golden))
                .isLessThan(1e-10 * Math.max(1, golden.norm2Number().doubleValue()));
    }

    /** What two embeddings can be like. */
    private enum Points {
        ORDINARY(new double[][] {{1, -2, 3}, {2, 1, -1}}, new double[][] {{1, 2, 3}, {-3, 1, 1}}),
        ZERO(new double[][] {{0, 0, 0}, {1, 2, 3}}, new double[][] {{1, 2, 3}, {0, 0, 0}}),
        EQUAL(new double[][] {{1, 2, 3}, {3, 2, 1}}, new double[][] {{1, 2, 3}, {3, 2, 1}}),
        ALL_PAIRS_EQUAL(
                new double[][] {{1, 2, 3}, {1, 2, 3}}, new double[][] {{1, 0, 1}, {1, 0, 1}}),
        ALL_EQUAL(new double[][] {{1, 2, 3}, {1, 2, 3}}, new double[][] {{1, 2, 3}, {1, 2, 3}}),
        BATCH_OF_ONE(new double[][] {{1, 2, 3}}, new double[][] {{3, -2, 1}}),
        HUGE(
                new double[][] {{1e12, -2e12, 3e12}, {2, 1, -1}},
                new double[][] {{1e12, 2e12, 3e12}, {-3e12, 1, 1}});

        private final double[][] prediction;
        private final double[][] target;

        Points(double[][] prediction, double[][] target) {
            this.prediction = prediction;
            this.target = target;
        }

        INDArray prediction(DataType dataType) {
            return Nd4j.createFromArray(prediction).castTo(dataType);
        }

        INDArray target(DataType dataType) {
            return Nd4j.createFromArray(target).castTo(dataType);
        }

        int[] answers() {
            return prediction.length == 1 ? new int[] {5} : new int[] {5, 6};
        }
    }

    static Stream<Arguments> everywhere() {
        return Stream.of(DistanceKind.values())
                .flatMap(kind -> Stream.of(Points.values()).map(at -> Arguments.of(kind, at)));
    }

    @ParameterizedTest
    @MethodSource("everywhere")
    void isFiniteWithAFiniteGradient(DistanceKind kind, Points points) {
        Map<String, INDArray> results =
                run(
                        graph(
                                kind.of(InfoNce.DEFAULT_TEMPERATURE),
                                points.prediction(DataType.DOUBLE),
                                points.target(DataType.DOUBLE),
                                points.answers()));
        assertThat(results).containsOnlyKeys("d", "p", "t");
        results.forEach(
                (name, array) ->
                        assertThat(Arrays.stream(array.ravel().toDoubleVector()).boxed())
                                .as(name)
                                .allMatch(Double::isFinite));
        assertThat(Arrays.stream(results.get("d").toDoubleVector()).boxed())
                .allMatch(distance -> distance > -1e-9);
    }

    /** At the others the distance has a kink, or a gradient beyond what a difference resolves. */
    static Stream<Arguments> smooth() {
        return Stream.of(DistanceKind.values())
                .flatMap(
                        kind ->
                                Stream.of(
                                                Points.ORDINARY,
                                                Points.BATCH_OF_ONE,
                                                Points.ALL_PAIRS_EQUAL)
                                        .filter(
                                                at ->
                                                        at == Points.ORDINARY
                                                                || !kind.toString()
                                                                        .startsWith("centered"))
                                        .map(at -> Arguments.of(kind, at)));
    }

    @ParameterizedTest
    @MethodSource("smooth")
    void gradientsAgreeWithFiniteDifferences(DistanceKind kind, Points points) {
        SameDiff graph =
                graph(
                        kind.of(0.3),
                        points.prediction(DataType.DOUBLE),
                        points.target(DataType.DOUBLE),
                        points.answers());
        FiniteDifferences.assertGradients(graph, "loss", Map.of(), 1e-6);
    }

    private static double[] distances(DistanceKind kind, Points points) {
        return run(graph(
                        kind.of(InfoNce.DEFAULT_TEMPERATURE),
                        points.prediction(DataType.DOUBLE),
                        points.target(DataType.DOUBLE),
                        points.answers()))
                .get("d")
                .toDoubleVector();
    }

    @Test
    void aCosineWithAZeroVectorIsZero() {
        assertThat(distances(DistanceKind.COSINE, Points.ZERO)).containsExactly(1, 1);
    }

    @Test
    void equalEmbeddingsHaveNoDistance() {
        for (DistanceKind kind : List.of(DistanceKind.COSINE, DistanceKind.L2, DistanceKind.MSE)) {
            assertThat(distances(kind, Points.EQUAL))
                    .as(kind.toString())
                    .containsExactly(new double[] {0, 0}, within(1e-5));
        }
    }

    @Test
    void whereCenteringLeavesNothingTheDistanceIsOne() {
        assertThat(distances(DistanceKind.CENTERED_COSINE, Points.ALL_PAIRS_EQUAL))
                .containsExactly(new double[] {1, 1}, within(1e-5));
        assertThat(distances(DistanceKind.CENTERED_COSINE, Points.BATCH_OF_ONE))
                .containsExactly(new double[] {1}, within(1e-5));
    }

    @Test
    void aBatchOfOneHasNoNegatives() {
        for (DistanceKind kind :
                List.of(
                        DistanceKind.INFO_NCE,
                        DistanceKind.INFO_NCE_ONE_WAY,
                        DistanceKind.CENTERED_INFO_NCE)) {
            assertThat(distances(kind, Points.BATCH_OF_ONE))
                    .containsExactly(new double[] {0}, within(1e-12));
        }
    }

    @Test
    void pairsThatCannotBeToldApartHaveTheCrossEntropyOfAGuess() {
        assertThat(distances(DistanceKind.INFO_NCE, Points.ALL_PAIRS_EQUAL))
                .containsExactly(new double[] {Math.log(2), Math.log(2)}, within(1e-12));
    }

    @Test
    void noGradientPassesAStop() {
        SameDiff graph = Graphs.create();
        SDVariable p = graph.var("p", Points.ORDINARY.prediction(DataType.DOUBLE));
        SDVariable t = graph.var("t", Points.ORDINARY.target(DataType.DOUBLE));
        new CosineDistance()
                .between(
                        new Distance.Pairs(
                                p, Ops.stopGradient(t), graph.constant(Nd4j.createFromArray(5, 6))))
                .rename("d")
                .add(t.sum(1).mul(3))
                .sum()
                .rename("loss");
        Map<String, INDArray> results = run(graph);
        assertThat(results.get("p").norm2Number().doubleValue()).isGreaterThan(0.1);
        assertThat(results.get("t"))
                .isEqualTo(Nd4j.valueArrayOf(new long[] {2, 3}, 3, DataType.DOUBLE));
    }
}
