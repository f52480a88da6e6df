package io.github.dl4jjepa.core.internal.samediff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jjepa.core.ops.Ops;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class GraphExecutorTest {
    private final SameDiff graph = SameDiff.create();
    private final Arena arena = new Arena(DataType.FLOAT);

    /**
     * Two layers with a residual, over rows of any number, with shapes that the graph reads itself.
     */
    private void drawNetwork() {
        Nd4j.getRandom().setSeed(5);
        SDVariable ids = graph.placeHolder("ids", DataType.INT32, -1, -1);
        SDVariable table = graph.var("table", Nd4j.randn(DataType.FLOAT, 10, 6));
        SDVariable w1 = graph.var("w1", Nd4j.randn(DataType.FLOAT, 6, 6));
        SDVariable w2 = graph.var("w2", Nd4j.randn(DataType.FLOAT, 6, 6));
        SDVariable x = Ops.gather(table, ids.reshape(-1));
        SDVariable h = Ops.add(x, graph.math().tanh(x.mmul(w1)));
        SDVariable rows = graph.sizeAt(ids, 0);
        SDVariable time = graph.sizeAt(ids, 1);
        SDVariable width = graph.constant(Nd4j.scalar(6L));
        SDVariable cube = h.reshape(graph.stack(0, rows, time, width)).permute(0, 2, 1);
        SDVariable mixed = graph.nn().softmax(cube, -1).permute(0, 2, 1).reshape(-1, 6).mmul(w2);
        Ops.multiply(mixed, h).sum("loss");
        graph.setLossVariables("loss");
    }

    private static INDArray ids(int rows, int time, int seed) {
        int[][] ids = new int[rows][time];
        for (int row = 0; row < rows; row++) {
            for (int t = 0; t < time; t++) {
                ids[row][t] = (row * 7 + t * 3 + seed) % 10;
            }
        }
        return Nd4j.createFromArray(ids);
    }

    @Test
    void givesTheVeryNumbersThatSameDiffGives() {
        drawNetwork();
        graph.createGradFunction();
        SameDiff backward = graph.getFunction("grad");
        List<String> wanted = new ArrayList<>(List.of("loss"));
        for (String parameter : List.of("table", "w1", "w2")) {
            wanted.add(graph.getVariable(parameter).getGradient().name());
        }
        try (GraphExecutor executor = new GraphExecutor(backward, wanted, arena, List.of())) {
            // Each shape twice: recorded, then replayed; and shapes in turn, so that places are
            // shared.
            for (int round = 0; round < 2; round++) {
                for (int time : new int[] {4, 7, 2}) {
                    Map<String, INDArray> inputs = Map.of("ids", ids(3, time, round));
                    Map<String, float[]> ours = new HashMap<>();
                    executor.run(
                            inputs, (name, value) -> ours.put(name, value.dup().data().asFloat()));
                    Map<String, INDArray> stock = backward.output(inputs, wanted);
                    assertThat(ours).containsOnlyKeys(wanted);
                    stock.forEach(
                            (name, value) ->
                                    assertThat(ours.get(name))
                                            .as(name)
                                            .containsExactly(value.dup('c').data().asFloat()));
                }
            }
        }
    }

    /**
     * Four layers; what lies within the middle two is computed twice, what the others hold once.
     */
    @Test
    void computesAgainWhatLiesBetweenCheckpoints() {
        Nd4j.getRandom().setSeed(5);
        SDVariable x = graph.placeHolder("x", DataType.FLOAT, -1, 6);
        for (int layer = 0; layer < 4; layer++) {
            SDVariable w = graph.var("w" + layer, Nd4j.randn(DataType.FLOAT, 6, 6));
            SDVariable wide = graph.math().tanh(x.mmul(w)).rename("wide" + layer);
            x = Ops.multiply(wide.reshape(-1, 6), wide).rename("x" + layer);
        }
        x.sum("loss");
        graph.setLossVariables("loss");
        graph.createGradFunction();
        SameDiff backward = graph.getFunction("grad");
        List<String> wanted =
                IntStream.range(0, 4)
                        .mapToObj(layer -> graph.getVariable("w" + layer).getGradient().name())
                        .toList();
        List<String> checkpoints = List.of("x0", "x1", "x2");

        List<String> computed =
                new Schedule(backward, wanted, checkpoints, false)
                        .entries().stream()
                                .flatMap(entry -> entry.operator().getOutputsOfOp().stream())
                                .toList();
        for (int layer = 0; layer < 4; layer++) {
            assertThat(Collections.frequency(computed, "wide" + layer))
                    .as("layer " + layer)
                    .isEqualTo(layer == 1 || layer == 2 ? 2 : 1);
        }
        assertThat(computed.lastIndexOf("wide1")).isGreaterThan(computed.lastIndexOf("wide2"));
        try (GraphExecutor executor = new GraphExecutor(backward, wanted, arena, checkpoints)) {
            for (int round = 0; round < 2; round++) {
                Map<String, INDArray> inputs = Map.of("x", Nd4j.randn(DataType.FLOAT, 3, 6));
                Map<String, INDArray> stock = backward.output(inputs, wanted);
                executor.run(
                        inputs,
                        (name, value) ->
                                assertThat(value.dup('c').data().asFloat())
                                        .as(name)
                                        .containsExactly(
                                                stock.get(name).dup('c').data().asFloat()));
            }
        }
    }

    @Test
    void writesOutputsIntoTheArraysOfTheMoment() {
        drawNetwork();
        INDArray w2 = graph.getVariable("w2").getArr();
        graph.createGradFunction();
        String gradient = graph.getVariable("w2").getGradient().name();
        Map<String, INDArray> inputs = Map.of("ids", ids(3, 4, 0));
        INDArray expected =
                graph.getFunction("grad").output(inputs, List.of(gradient)).get(gradient);
        try (GraphExecutor executor =
                new GraphExecutor(graph.getFunction("grad"), List.of(gradient), arena, List.of())) {
            for (int i = 0; i < 3; i++) {
                INDArray destination = Nd4j.createUninitialized(DataType.FLOAT, w2.shape());
                // Recorded, then replayed; then the same for another array.
                for (int round = 0; round < 2; round++) {
                    destination.assign(-1);
                    executor.run(
                            inputs,
                            Map.of(gradient, destination),
                            (name, value) -> assertThat(value).isSameAs(destination));
                    assertThat(destination.dup().data().asFloat())
                            .containsExactly(expected.dup('c').data().asFloat());
                }
                executor.run(inputs, (name, value) -> assertThat(value).isNotSameAs(destination));
                destination.close();
            }
        }
    }

    /** A tied embedding, with ids that repeat. */
    @Test
    void addsAnEmbeddingsRowsToTheHeadsGradientInPlace() {
        CorrectedGradients.install();
        Nd4j.getRandom().setSeed(5);
        SDVariable ids = graph.placeHolder("ids", DataType.INT32, -1);
        SDVariable table = graph.var("table", Nd4j.randn(DataType.FLOAT, 10, 6));
        SDVariable hidden = graph.math().tanh(Ops.gather(table, ids));
        graph.math().square(graph.mmul(hidden, table, false, true, false)).sum("loss");
        graph.setLossVariables("loss");
        graph.createGradFunction();
        SameDiff backward = graph.getFunction("grad");
        String gradient = table.getGradient().name();
        Map<String, INDArray> inputs = Map.of("ids", Nd4j.createFromArray(3, 1, 3, 9, 3));
        INDArray expected = backward.output(inputs, List.of(gradient)).get(gradient);

        List<String> operators =
                new Schedule(backward, List.of(gradient), List.of(), true)
                        .entries().stream()
                                .map(entry -> entry.operator().getOp().opName())
                                .toList();
        assertThat(operators)
                .contains(new AddedRows().opName())
                .doesNotContain("scatter_add", "zeroslike");
        INDArray destination = Nd4j.createUninitialized(DataType.FLOAT, 10, 6);
        try (GraphExecutor executor =
                new GraphExecutor(backward, List.of(gradient), arena, List.of(), Set.of(), true)) {
            for (Map<String, INDArray> into :
                    List.of(Map.<String, INDArray>of(), Map.of(gradient, destination))) {
                for (int round = 0; round < 2; round++) {
                    executor.run(
                            inputs,
                            into,
                            (name, value) -> {
                                if (!into.isEmpty()) {
                                    assertThat(value).isSameAs(destination);
                                }
                                assertThat(value.distance2(expected))
                                        .isLessThan(1e-6 * expected.norm2Number().doubleValue());
                            });
                }
            }
        }
    }

    @Test
    void readsTheParametersOfNow() {
        drawNetwork();
        try (GraphExecutor executor = new GraphExecutor(graph, List.of("loss"), arena, List.of())) {
            Map<String, INDArray> inputs = Map.of("ids", ids(2, 3, 0));
            List<Double> losses = new ArrayList<>();
            executor.run(inputs, (name, value) -> losses.add(value.getDouble(0)));
            graph.getVariable("w2").getArr().muli(2);
            executor.run(inputs, (name, value) -> losses.add(value.getDouble(0)));
            assertThat(losses.get(1)).isEqualTo(2 * losses.get(0));
        }
    }

    @Test
    void keepsNoMoreRecordingsThanItSaysAndStillAnswersAllShapes() {
        drawNetwork();
        try (GraphExecutor executor = new GraphExecutor(graph, List.of("loss"), arena, List.of())) {
            for (int round = 0; round < 2; round++) {
                for (int time = 1; time < 20; time++) {
                    Map<String, INDArray> inputs = Map.of("ids", ids(2, time, 1));
                    double expected = graph.outputSingle(inputs, "loss").getDouble(0);
                    executor.run(
                            inputs,
                            (name, value) -> assertThat(value.getDouble(0)).isEqualTo(expected));
                }
            }
        }
    }

    @Test
    void leavesTheCallersInputsAlone() {
        drawNetwork();
        INDArray ids = ids(2, 3, 0);
        try (GraphExecutor executor = new GraphExecutor(graph, List.of("loss"), arena, List.of())) {
            executor.run(Map.of("ids", ids), (name, value) -> {});
            ids.close();
            double before = graph.outputSingle(Map.of("ids", ids(2, 3, 4)), "loss").getDouble(0);
            executor.run(
                    Map.of("ids", ids(2, 3, 4)),
                    (name, value) -> assertThat(value.getDouble(0)).isEqualTo(before));
        }
    }

    @Test
    void anInputDoesNotOverwriteWhatAnotherRecordingKeeps() {
        SDVariable ids = graph.placeHolder("ids", DataType.INT32, -1);
        SDVariable fixed = graph.constant("seven", Nd4j.createFromArray(7)).add(1);
        ids.castTo(DataType.FLOAT).add(fixed.castTo(DataType.FLOAT)).rename("sums");
        INDArray few = Nd4j.createFromArray(1, 2, 3);
        INDArray many = Nd4j.ones(DataType.INT32, 40).muli(100);
        try (GraphExecutor executor = new GraphExecutor(graph, List.of("sums"), arena, List.of())) {
            for (INDArray run : List.of(many, few, many, few)) {
                executor.run(
                        Map.of("ids", run),
                        (name, value) ->
                                assertThat(value).isEqualTo(run.castTo(DataType.FLOAT).add(8)));
            }
        }
    }

    @Test
    void aResultLiesWhereOneThatIsNoLongerNeededLay() {
        Arena.Place first = arena.allocate(100);
        Arena.Place second = arena.allocate(100);
        first.free();
        assertThat(arena.allocate(50).start()).isEqualTo(first.start());
        second.free();
        assertThat(arena.allocate(1000).start()).isLessThan(second.start() + 1);
        arena.close();
    }

    @Test
    void aRunThatFailsGivesItsMemoryBack() {
        drawNetwork();
        try (GraphExecutor executor = new GraphExecutor(graph, List.of("loss"), arena, List.of())) {
            Map<String, INDArray> inputs = Map.of("ids", ids(2, 3, 0));
            assertThatThrownBy(
                            () ->
                                    executor.run(
                                            inputs,
                                            (name, value) -> {
                                                throw new IllegalStateException("no");
                                            }))
                    .hasMessage("no");
            Arena.Place first = arena.allocate(1);
            assertThat(first.start()).isZero();
            first.free();
            double expected = graph.outputSingle(inputs, "loss").getDouble(0);
            executor.run(
                    inputs, (name, value) -> assertThat(value.getDouble(0)).isEqualTo(expected));
        }
    }

    @Test
    void gapsThatTouchBecomeOne() {
        List<Arena.Place> places = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            places.add(arena.allocate(16));
        }
        for (int i : new int[] {1, 3, 2}) {
            places.get(i).free();
        }
        assertThat(arena.allocate(48).start()).isEqualTo(places.get(1).start());
        arena.close();
    }

    @Test
    void refusesAnOperatorThatReadsWhatIsNotComputedYet() {
        SDVariable x = graph.var("x", Nd4j.scalar(1f));
        SDVariable a = x.add("a", 1);
        a.add("b", 1);
        // An operator drawn first that reads what is drawn last: a loop in all but name.
        graph.getOps()
                .get(graph.getVariables().get("a").getOutputOfOp())
                .setInputsToOp(List.of("b"));
        assertThatThrownBy(() -> new GraphExecutor(graph, List.of("b"), arena, List.of()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("loops");
    }

    @Test
    void aRunIsBegunBeforeItsLastInputIsKnownAndEnded() {
        SDVariable x = graph.placeHolder("x", DataType.FLOAT, -1);
        SDVariable y = graph.placeHolder("y", DataType.FLOAT, -1);
        SDVariable weight = graph.var("weight", Nd4j.createFromArray(2f));
        SDVariable early = x.mul("early", weight);
        early.mul("late", y);
        INDArray one = Nd4j.createFromArray(1f, 2f);
        INDArray other = Nd4j.createFromArray(10f, 100f);
        Map<String, float[]> results = new HashMap<>();
        try (GraphExecutor executor =
                new GraphExecutor(graph, List.of("early", "late"), arena, List.of())) {
            assertThat(executor.begin(Map.of("x", one), (name, value) -> {})).isFalse();
            assertThatThrownBy(() -> executor.finish(Map.of("y", other), (name, value) -> {}))
                    .isInstanceOf(IllegalStateException.class);
            executor.run(Map.of("x", one, "y", one), (name, value) -> {});

            assertThat(
                            executor.begin(
                                    Map.of("x", other),
                                    (name, value) -> results.put(name, value.toFloatVector())))
                    .isTrue();
            assertThat(results).containsOnlyKeys("early");
            assertThat(results.get("early")).containsExactly(20f, 200f);
            // What comes before the last input is not run again.
            weight.getArr().assign(5);
            executor.finish(
                    Map.of("y", one), (name, value) -> results.put(name, value.toFloatVector()));
            assertThat(results.get("early")).containsExactly(20f, 200f);
            assertThat(results.get("late")).containsExactly(20f, 400f);

            executor.begin(Map.of("x", one), (name, value) -> {});
            executor.run(Map.of("x", one, "y", one), (name, value) -> {});
            assertThatThrownBy(() -> executor.finish(Map.of("y", other), (name, value) -> {}))
                    .isInstanceOf(IllegalStateException.class);
            INDArray three = Nd4j.createFromArray(1f, 2f, 3f);
            assertThat(executor.begin(Map.of("x", three), (name, value) -> {})).isFalse();
        }
    }
}
