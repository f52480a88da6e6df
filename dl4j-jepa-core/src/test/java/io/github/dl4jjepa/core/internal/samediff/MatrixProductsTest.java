package io.github.dl4jjepa.core.internal.samediff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Products by oneDNN against ND4J's. */
class MatrixProductsTest {
    @Test
    @EnabledOnOs(value = OS.LINUX, architectures = "amd64")
    void theBuildsOwnTestsHaveOneDnn() {
        assertThat(MatrixProducts.HAS_ONE_DNN).isTrue();
    }

    static Stream<Arguments> products() {
        return Stream.of(new long[0], new long[] {3}, new long[] {2, 3})
                .flatMap(
                        batch ->
                                Stream.of(false, true)
                                        .flatMap(
                                                a ->
                                                        Stream.of(false, true)
                                                                .map(
                                                                        b ->
                                                                                Arguments.of(
                                                                                        batch, a,
                                                                                        b))));
    }

    @ParameterizedTest
    @MethodSource("products")
    void productsAndTheirGradientsAreThoseOfNd4j(
            long[] batch, boolean transposesA, boolean transposesB) {
        assumeTrue(MatrixProducts.HAS_ONE_DNN);
        Nd4j.getRandom().setSeed(7);
        SameDiff graph = SameDiff.create();
        SDVariable a = graph.var("a", random(batch, transposesA, 37, 19));
        SDVariable b = graph.var("b", random(batch, transposesB, 19, 23));
        SDVariable weights = graph.constant(random(batch, false, 37, 23));
        graph.mmul(a, b, transposesA, transposesB, false).rename("product");
        graph.getVariable("product").mul(weights).sum("loss");
        graph.setLossVariables("loss");
        graph.createGradFunction("a", "b");
        List<String> wanted = List.of("product", a.getGradient().name(), b.getGradient().name());
        Map<String, INDArray> oneDnn = run(graph.getFunction("grad"), wanted, true);
        Map<String, INDArray> stock = run(graph.getFunction("grad"), wanted, false);
        stock.forEach(
                (name, expected) ->
                        assertThat(oneDnn.get(name).distance2(expected))
                                .as(name)
                                .isLessThan(1e-6 * expected.norm2Number().doubleValue()));
    }

    private static INDArray random(long[] batch, boolean transposed, long rows, long columns) {
        long[] shape = new long[batch.length + 2];
        System.arraycopy(batch, 0, shape, 0, batch.length);
        shape[batch.length] = transposed ? columns : rows;
        shape[batch.length + 1] = transposed ? rows : columns;
        return Nd4j.randn(DataType.FLOAT, shape);
    }

    private static Map<String, INDArray> run(
            SameDiff graph, List<String> wanted, boolean isForExecutor) {
        Map<String, INDArray> results = new HashMap<>();
        try (Arena arena = new Arena(DataType.FLOAT);
                GraphExecutor executor =
                        new GraphExecutor(
                                graph, wanted, arena, List.of(), Set.of(), isForExecutor)) {
            for (int round = 0; round < 2; round++) {
                executor.run(Map.of(), (name, value) -> results.put(name, value.dup()));
            }
        }
        return results;
    }
}
