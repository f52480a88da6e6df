package io.github.dl4jjepa.core.internal.samediff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.dl4jjepa.core.ops.Ops;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class FusedOperatorsTest {
    /** Enough rows for several threads, and widths that are no multiple of a block. */
    private static final int ROWS = 333;

    private static final int WIDTH = 1300;

    /** A graph with every operator, large enough for several threads. */
    private static Map<String, float[]> gradients(int threads) {
        Nd4j.getRandom().setSeed(3);
        SameDiff graph = Graphs.createForExecutor();
        SDVariable x = graph.var("x", Nd4j.randn(DataType.FLOAT, ROWS, WIDTH));
        SDVariable up = graph.var("up", Nd4j.randn(DataType.FLOAT, ROWS, WIDTH));
        SDVariable gain = graph.var("gain", Nd4j.rand(DataType.FLOAT, WIDTH));
        SDVariable bias = graph.var("bias", Nd4j.rand(DataType.FLOAT, WIDTH));
        SDVariable angles = graph.constant(Nd4j.rand(DataType.FLOAT, ROWS, 13));
        SDVariable mask = graph.constant(Nd4j.rand(DataType.FLOAT, 1, 1, ROWS, 13));
        SDVariable targets = graph.constant(Nd4j.ones(DataType.INT32, ROWS));
        SDVariable normed = FusedOperators.layerNorm(x, gain, bias, 1e-5);
        SDVariable turned =
                FusedOperators.rotary(
                        FusedOperators.rmsNorm(normed, gain, 1, 1e-6),
                        graph.math().cos(angles),
                        graph.math().sin(angles),
                        6);
        SDVariable heads = turned.reshape(1, ROWS, 100, 13).permute(0, 2, 1, 3);
        SDVariable probabilities = FusedOperators.maskedSoftmax(heads, mask);
        SDVariable logits =
                FusedOperators.silu(
                        probabilities.permute(0, 2, 1, 3).reshape(ROWS, WIDTH),
                        FusedOperators.geluTanh(up));
        FusedOperators.crossEntropySum(logits, targets).rename("loss");
        graph.setLossVariables("loss");
        Map<String, float[]> results = new HashMap<>();
        int before = Nd4j.factory().blas().getMaxThreads();
        Nd4j.factory().blas().setMaxThreads(threads);
        try (Arena arena = new Arena(DataType.FLOAT);
                GradientFunction function =
                        new GradientFunction(
                                graph,
                                List.of("x", "up", "gain", "bias"),
                                List.of("loss"),
                                arena,
                                List.of())) {
            function.run(
                    Map.of(),
                    (name, value) -> results.put(name, value.dup('c').data().asFloat()),
                    (name, value) -> results.put(name, value.dup('c').data().asFloat()));
        } finally {
            Nd4j.factory().blas().setMaxThreads(before);
        }
        return results;
    }

    @Test
    void resultsAreTheSameBitsWhateverTheNumberOfThreads() {
        Map<String, float[]> one = gradients(1);
        for (int threads : new int[] {2, 5}) {
            Map<String, float[]> several = gradients(threads);
            one.forEach((name, values) -> assertThat(several.get(name)).isEqualTo(values));
        }
        assertThat(one.get("x")).isNotEqualTo(new float[ROWS * WIDTH]);
    }

    @Test
    void aKernelsFailureOnAnotherThreadReachesTheCaller() {
        int before = Nd4j.factory().blas().getMaxThreads();
        Nd4j.factory().blas().setMaxThreads(2);
        try {
            assertThatThrownBy(
                            () ->
                                    KernelThreads.run(
                                            2,
                                            1 << 20,
                                            (from, to) -> {
                                                if (from > 0) {
                                                    throw new IllegalArgumentException("no");
                                                }
                                            }))
                    .hasRootCauseMessage("no");
        } finally {
            Nd4j.factory().blas().setMaxThreads(before);
        }
    }

    @Test
    void theExponentialIsRightInItsWholeRange() {
        float[] x = new float[1024];
        for (int i = 0; i < x.length; i++) {
            x[i] = -87 + 175f * i / (x.length - 1);
        }
        float[] result = new float[x.length];
        VectorLoops.Scratch.get().exp(x, result, x.length);
        for (int i = 0; i < x.length; i++) {
            assertThat(result[i] / Math.exp(x[i])).isCloseTo(1, within(2e-7));
        }
    }

    @Test
    void aValueThatIsNotANumberStaysSo() {
        float[] x = {Float.NaN, 1};
        float[] result = new float[2];
        VectorLoops.Scratch.get().sigmoid(x, result, 2);
        assertThat(result[0]).isNaN();
        VectorLoops.Scratch.get().expOrZero(x, 2);
        assertThat(x[0]).isNaN();
    }

    /** Where everything is far below the maximum, what is masked counts nothing at all. */
    @Test
    void whatIsMaskedHasTheProbabilityZero() {
        float[] x = {0, -1e9f, -88, -20};
        VectorLoops.Scratch.get().expOrZero(x, 4);
        assertThat(x[1]).isZero();
        assertThat(x[2]).isZero();
        assertThat(x[3]).isCloseTo((float) Math.exp(-20), within(1e-15f));
    }

    @Test
    void graphsInDoublePrecisionAndStockGraphsGetSameDiffsOperators() {
        for (SameDiff graph : List.of(Graphs.create(), Graphs.createForExecutor())) {
            DataType type = Graphs.isForExecutor(graph) ? DataType.DOUBLE : DataType.FLOAT;
            SDVariable logits = graph.var("logits", Nd4j.rand(type, 3, 7));
            SDVariable loss =
                    Ops.crossEntropySum(logits, graph.constant(Nd4j.createFromArray(1, -1, 6)), 7);
            assertThat(graph.outputSingle(Map.of(), loss.name()).getDouble(0)).isPositive();
        }
    }

    @Test
    void theSystemPropertySwitchesThemOff() {
        System.setProperty(Graphs.FUSED_OPERATORS, "false");
        try {
            assertThat(Graphs.isForExecutor(Graphs.createForExecutor())).isFalse();
        } finally {
            System.clearProperty(Graphs.FUSED_OPERATORS);
        }
        assertThat(Graphs.isForExecutor(Graphs.createForExecutor())).isTrue();
    }

    @Test
    void cachedAttentionReadsViewsAndIgnoresWhatIsMasked() {
        Nd4j.getRandom().setSeed(5);
        int rows = 2;
        int heads = 3;
        int group = 2;
        int past = 5;
        int dim = 11;
        double softcap = 1.5;
        long width = (long) heads * dim;
        INDArray query = Nd4j.randn(DataType.FLOAT, rows, group * width);
        INDArray key = Nd4j.randn(DataType.FLOAT, rows, width);
        INDArray value = Nd4j.randn(DataType.FLOAT, rows, width);
        // [row, token, key heads and value heads], with room for more tokens
        INDArray cache = Nd4j.randn(DataType.FLOAT, rows, past + 2, 2 * width);
        long[] shape = {rows, heads, past, dim};
        long[] strides = {cache.stride(0), dim, cache.stride(1), 1};
        INDArray pastKeys = Nd4j.create(cache.data(), shape, strides, 0, 'c', DataType.FLOAT);
        INDArray pastValues = Nd4j.create(cache.data(), shape, strides, width, 'c', DataType.FLOAT);
        INDArray mask = Nd4j.zeros(DataType.FLOAT, rows, 1, 1, past);
        mask.putScalar(new int[] {1, 0, 0, 4}, -1e9);

        SameDiff graph = Graphs.createForExecutor();
        Map<String, INDArray> inputs = new HashMap<>();
        SDVariable[] variables = new SDVariable[6];
        List<INDArray> arrays = List.of(query, key, value, pastKeys, pastValues, mask);
        for (int i = 0; i < 6; i++) {
            INDArray array = arrays.get(i);
            variables[i] = graph.placeHolder("input" + i, DataType.FLOAT, array.shape());
            inputs.put("input" + i, array);
        }
        FusedOperators.cachedAttention(
                        variables[0],
                        variables[1],
                        variables[2],
                        variables[3],
                        variables[4],
                        variables[5],
                        softcap)
                .rename("mixed");
        INDArray[] result = new INDArray[1];
        try (Arena arena = new Arena(DataType.FLOAT);
                GraphExecutor executor =
                        new GraphExecutor(
                                graph,
                                List.of("mixed"),
                                arena,
                                List.of(),
                                Set.of("input3", "input4", "input5"))) {
            executor.run(inputs, (name, array) -> result[0] = array.dup());
        }

        for (int row = 0; row < rows; row++) {
            int tokens = row == 1 ? 4 : past;
            for (int head = 0; head < heads * group; head++) {
                int shared = head / group;
                double[] weights = new double[tokens + 1];
                double sum = 0;
                for (int token = 0; token <= tokens; token++) {
                    double score = 0;
                    for (int d = 0; d < dim; d++) {
                        score +=
                                query.getDouble(row, head * dim + d)
                                        * (token == tokens
                                                ? key.getDouble(row, shared * dim + d)
                                                : cache.getDouble(row, token, shared * dim + d));
                    }
                    weights[token] = Math.exp(softcap * Math.tanh(score / softcap));
                    sum += weights[token];
                }
                for (int d = 0; d < dim; d++) {
                    double expected = 0;
                    for (int token = 0; token <= tokens; token++) {
                        expected +=
                                weights[token]
                                        / sum
                                        * (token == tokens
                                                ? value.getDouble(row, shared * dim + d)
                                                : cache.getDouble(
                                                        row, token, (heads + shared) * dim + d));
                    }
                    assertThat(result[0].getDouble(row, head * dim + d))
                            .isCloseTo(expected, within(2e-6));
                }
            }
        }
    }

    @Test
    void memoryRefusesWhatIsNotDense() {
        INDArray matrix = Nd4j.rand(DataType.FLOAT, 4, 6);
        assertThat(FloatMemory.isReadable(matrix)).isTrue();
        assertThat(FloatMemory.isReadable(matrix.getColumn(1))).isFalse();
        assertThat(FloatMemory.isReadable(matrix.dup('f'))).isFalse();
        assertThat(FloatMemory.isReadable(matrix.getRow(1))).isTrue();
        float[] row = new float[6];
        FloatMemory.of(matrix.getRow(2)).get(0, row, 6);
        assertThat(row).containsExactly(matrix.getRow(2).toFloatVector());
        assertThatThrownBy(() -> FloatMemory.of(matrix.castTo(DataType.DOUBLE)))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
