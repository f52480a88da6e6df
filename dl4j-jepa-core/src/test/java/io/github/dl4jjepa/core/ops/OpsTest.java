package io.github.dl4jjepa.core.ops;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jjepa.core.internal.samediff.FiniteDifferences;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class OpsTest {
    @ParameterizedTest(name = "{0}")
    @MethodSource("operators")
    void gradientsAgreeWithFiniteDifferences(String name, Function<SameDiff, SDVariable> operator) {
        SameDiff graph = SameDiff.create();
        Nd4j.getRandom().setSeed(7);
        graph.var("x", Nd4j.randn(DataType.DOUBLE, 5, 4));
        graph.var("same", Nd4j.randn(DataType.DOUBLE, 5, 4));
        graph.var("row", Nd4j.randn(DataType.DOUBLE, 4));
        graph.var("column", Nd4j.randn(DataType.DOUBLE, 5, 1));
        graph.var("weight", Nd4j.randn(DataType.DOUBLE, 3, 4));
        graph.var("square", Nd4j.randn(DataType.DOUBLE, 4, 4));
        graph.constant("constant", Nd4j.randn(DataType.DOUBLE, 1, 4));
        graph.constant("indices", Nd4j.createFromArray(0, 4, 0, 0, 2));
        graph.constant("rowIndices", Nd4j.createFromArray(3, 3, 0));
        SDVariable result = operator.apply(graph);
        // Weights that differ, so that no two entries of the gradient are equal by chance.
        graph.math().sin(result).sum("loss");
        FiniteDifferences.assertGradients(graph, "loss", Map.of(), 1e-7);
    }

    static Stream<Arguments> operators() {
        return Stream.of(
                operator("gather", g -> Ops.gather(v(g, "x"), v(g, "indices"))),
                operator(
                        "gather of a single row",
                        g -> Ops.gather(v(g, "x"), g.constant(Nd4j.createFromArray(3)))),
                operator("gather of scalars", g -> Ops.gather(v(g, "row"), v(g, "rowIndices"))),
                operator("multiply", g -> Ops.multiply(v(g, "x"), v(g, "same"))),
                operator("multiply by itself", g -> Ops.multiply(v(g, "x"), v(g, "x"))),
                operator("scaleColumns", g -> Ops.scaleColumns(v(g, "x"), v(g, "row"))),
                operator("scaleRows", g -> Ops.scaleRows(v(g, "x"), v(g, "column"))),
                operator(
                        "multiplyConstant", g -> Ops.multiplyConstant(v(g, "x"), v(g, "constant"))),
                operator("add", g -> Ops.add(v(g, "x"), v(g, "same"))),
                operator("addBias", g -> Ops.addBias(v(g, "x"), v(g, "row"))),
                operator("addConstant", g -> Ops.addConstant(v(g, "x"), v(g, "constant"))),
                operator("linear", g -> Ops.linear(v(g, "x"), v(g, "weight"))),
                operator(
                        "linear, transposed", g -> Ops.linearTransposed(v(g, "x"), v(g, "square"))),
                operator(
                        "linear with a constant",
                        g -> Ops.linear(v(g, "x"), g.constant(Nd4j.randn(DataType.DOUBLE, 3, 4)))),
                operator(
                        "linear, transposed, with a constant",
                        g ->
                                Ops.linearTransposed(
                                        v(g, "x"), g.constant(Nd4j.randn(DataType.DOUBLE, 4, 3)))),
                operator(
                        "scaleColumns with a constant",
                        g ->
                                Ops.scaleColumns(
                                        v(g, "x"), g.constant(Nd4j.randn(DataType.DOUBLE, 4)))),
                operator(
                        "addBias with a constant",
                        g -> Ops.addBias(v(g, "x"), g.constant(Nd4j.randn(DataType.DOUBLE, 4)))),
                operator(
                        "crossEntropy",
                        g ->
                                Ops.crossEntropy(
                                        v(g, "x").mul(3),
                                        g.constant(Nd4j.createFromArray(1, 3, 3, 0, 2)),
                                        4)));
    }

    @Test
    void crossEntropyIsFiniteAndRightForHugeLogits() {
        SameDiff graph = SameDiff.create();
        SDVariable logits =
                graph.var(
                        "logits",
                        Nd4j.createFromArray(
                                new float[][] {{1e4f, 0, -1e4f}, {-3e4f, -3e4f, -3e4f}}));
        SDVariable loss = Ops.crossEntropy(logits, graph.constant(Nd4j.createFromArray(1, 2)), 3);
        assertThat(loss.eval().toFloatVector()).containsExactly(1e4f, (float) Math.log(3));
    }

    @Test
    void stockGraphsKeepTheirOwnGradients() {
        SameDiff graph = SameDiff.create();
        graph.var("matrix", Nd4j.linspace(1, 6, 6, DataType.DOUBLE).reshape(2, 3));
        graph.var("row", Nd4j.linspace(2, 4, 3, DataType.DOUBLE).reshape(1, 3));
        v(graph, "matrix")
                .mul(v(graph, "row"))
                .sub(v(graph, "row"))
                .add(v(graph, "row"))
                .sum("loss");
        FiniteDifferences.assertGradients(graph, "loss", Map.of(), 1e-7);
    }

    @Test
    void aGraphSavedAndLoadedKeepsTheGradients() throws Exception {
        SameDiff graph = SameDiff.create();
        graph.var("x", Nd4j.linspace(1, 6, 6, DataType.FLOAT).reshape(3, 2));
        graph.constant("indices", Nd4j.createFromArray(1, 1));
        Ops.gather(v(graph, "x"), v(graph, "indices")).sum("loss");
        graph.setLossVariables("loss");
        SameDiff loaded = SameDiff.fromFlatBuffers(graph.asFlatBuffers(false));
        INDArray gradient = loaded.calculateGradients(Map.of(), "x").get("x");
        assertThat(gradient.toFloatMatrix()).isDeepEqualTo(new float[][] {{0, 0}, {2, 2}, {0, 0}});
    }

    private static Arguments operator(String name, Function<SameDiff, SDVariable> operator) {
        return Arguments.of(name, operator);
    }

    private static SDVariable v(SameDiff graph, String name) {
        return graph.getVariable(name);
    }
}
