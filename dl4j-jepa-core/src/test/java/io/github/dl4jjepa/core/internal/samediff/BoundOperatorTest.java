package io.github.dl4jjepa.core.internal.samediff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Operators that are bound to addresses compute what ND4J's executioner computes, bit by bit. */
class BoundOperatorTest {
    /** Draws an operator of {@code x [3, 4]}, {@code y [4]} and {@code ids [2]}. */
    private interface Drawing {
        SDVariable draw(SDVariable x, SDVariable y, SDVariable ids);
    }

    static Stream<Arguments> drawings() {
        Stream<Drawing> drawings =
                Stream.of(
                        (x, y, ids) -> x.mul(y),
                        (x, y, ids) -> x.permute(1, 0),
                        (x, y, ids) -> x.getSameDiff().gather(x, ids, 0),
                        (x, y, ids) -> x.getSameDiff().concat(0, x, x),
                        (x, y, ids) -> x.getSameDiff().math().max(x, y),
                        (x, y, ids) -> x.add(1.5),
                        (x, y, ids) -> x.rsub(1),
                        (x, y, ids) -> x.pow(3),
                        (x, y, ids) -> x.gte(0.5),
                        (x, y, ids) -> x.neg(),
                        (x, y, ids) -> x.getSameDiff().math().cos(x),
                        (x, y, ids) -> x.getSameDiff().math().sqrt(x),
                        (x, y, ids) -> x.getSameDiff().math().tanh(x),
                        (x, y, ids) -> x.castTo(DataType.INT64),
                        (x, y, ids) -> x.shape());
        return drawings.flatMap(
                drawing ->
                        Stream.of(DataType.FLOAT, DataType.DOUBLE)
                                .map(type -> Arguments.of(drawing, type)));
    }

    @ParameterizedTest
    @MethodSource("drawings")
    void computesWhatTheExecutionerDoes(Drawing drawing, DataType type) {
        SameDiff graph = Graphs.create();
        SDVariable result =
                drawing.draw(
                        graph.var("x", Nd4j.rand(type, 3, 4)),
                        graph.var("y", Nd4j.rand(type, 4)),
                        graph.constant("ids", Nd4j.createFromArray(2, 0)));
        SameDiffOp drawn =
                graph.getOps().get(graph.getVariables().get(result.name()).getOutputOfOp());
        DifferentialFunction operator = drawn.getOp();
        Tensor[] inputs =
                drawn.getInputsToOp().stream()
                        .map(name -> Tensor.of(graph.getVariable(name).getArr()))
                        .toArray(Tensor[]::new);
        List<DataType> types = List.of(result.dataType());
        List<INDArray> expected = new ArrayList<>();
        try (BoundOperator reference =
                ExecutionerOperator.bind(
                        operator, inputs, types, (t, shape) -> allocated(t, shape, expected))) {
            reference.run();
        }
        List<INDArray> results = new ArrayList<>();
        try (BoundOperator direct =
                BoundOperator.bind(
                        operator,
                        inputs,
                        types,
                        false,
                        (t, shape) -> allocated(t, shape, results))) {
            assertThat(direct).isInstanceOfAny(NativeOperator.class, ElementwiseOperator.class);
            direct.run();
        }
        assertThat(results).isEqualTo(expected);
    }

    private static Tensor allocated(DataType type, long[] shape, List<INDArray> results) {
        results.add(Nd4j.create(type, shape));
        return Tensor.of(results.get(results.size() - 1));
    }

    @Test
    void namesTheOperatorThatFails() {
        SameDiff graph = Graphs.create();
        graph.var("x", Nd4j.rand(3, 4)).mul(graph.var("y", Nd4j.rand(4)));
        DifferentialFunction multiply = graph.ops()[0];
        Tensor[] inputs = {Tensor.of(Nd4j.rand(3, 4)), Tensor.of(Nd4j.rand(5))};
        assertThatThrownBy(
                        () ->
                                BoundOperator.bind(
                                                multiply,
                                                inputs,
                                                List.of(DataType.FLOAT),
                                                false,
                                                (type, shape) ->
                                                        Tensor.of(Nd4j.create(type, shape)))
                                        .run())
                .hasMessageContaining("the operator multiply");
    }

    @ParameterizedTest
    @MethodSource("shapes")
    void describesATensorInAnArenaAsNd4jDescribesItsArray(long[] shape) {
        for (DataType type : new DataType[] {DataType.FLOAT, DataType.INT64, DataType.BOOL}) {
            try (Arena arena = new Arena(type, 1 << 10)) {
                arena.allocate(3);
                Tensor tensor = arena.allocate(Tensor.length(shape)).tensor(shape);
                assertThat(tensor.shapeInfo()).isEqualTo(tensor.array().shapeInfoJava());
                assertThat(tensor.address())
                        .isEqualTo(tensor.array().data().addressPointer().address());
            }
        }
    }

    static Stream<long[]> shapes() {
        return Stream.of(
                new long[] {},
                new long[] {1},
                new long[] {5},
                new long[] {1, 1},
                new long[] {3, 1},
                new long[] {2, 1, 1, 4},
                new long[] {2, 3, 4});
    }

    @Test
    void copiesAnArrayWhateverItsStrides() {
        INDArray matrix = Nd4j.rand(DataType.FLOAT, 4, 6);
        try (Arena arena = new Arena(DataType.FLOAT, 1 << 10)) {
            for (INDArray source :
                    List.of(
                            matrix,
                            matrix.getColumn(2),
                            matrix.transpose(),
                            matrix.castTo(DataType.DOUBLE))) {
                Tensor tensor = arena.allocate(source.length()).tensor(source.shape());
                tensor.assign(source);
                assertThat(tensor.array()).isEqualTo(source.castTo(DataType.FLOAT));
            }
        }
    }
}
