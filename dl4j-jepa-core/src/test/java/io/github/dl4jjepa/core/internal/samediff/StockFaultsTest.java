package io.github.dl4jjepa.core.internal.samediff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.dl4jjepa.core.ops.Ops;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.lang.reflect.Field;
import java.nio.charset.Charset;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.TrainingConfig;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.api.ops.impl.shape.Gather;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.dataset.adapter.SingletonMultiDataSetIterator;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.nativeblas.NativeOpsHolder;

/**
 * The faults of SameDiff 1.0.0-M2.1 that this package works around. A test that fails here is good
 * news: upstream has mended a fault, and the cure that the test names can go.
 */
class StockFaultsTest {
    @BeforeEach
    void putTheStockGatherBack() {
        CorrectedGradients.register(new Gather());
    }

    @AfterEach
    void installOurOperatorsAgain() {
        CorrectedGradients.install();
    }

    /** Cure: {@code CorrectedGradients.GatherRows}. */
    /** Cure: {@code DecoderLoader} allocates with all threads. */
    @Test
    void uninitializedArraysAreCleared() {
        for (int i = 0; i < 100; i++) {
            try (INDArray array = Nd4j.createUninitialized(DataType.FLOAT, 10_000)) {
                assertThat(array.sumNumber().doubleValue()).isZero();
                array.assign(1);
            }
        }
    }

    @Test
    void theGradientOfGatherCountsARepeatedIndexOnce() {
        SameDiff graph = SameDiff.create();
        SDVariable table = graph.var("table", Nd4j.ones(DataType.FLOAT, 3, 2));
        SDVariable indices = graph.constant("indices", Nd4j.createFromArray(0, 0, 2));
        graph.gather(table, indices, 0).sum("loss").markAsLoss();

        INDArray gradient = graph.calculateGradients(Map.of(), "table").get("table");

        assertThat(gradient.toFloatMatrix()).isDeepEqualTo(new float[][] {{1, 1}, {0, 0}, {1, 1}});
    }

    /** Cure: {@code Readouts.mean} counts by a product. */
    @Test
    void aColumnCannotBeSummedAlongItsWidth() {
        SameDiff graph = SameDiff.create();
        SDVariable column = graph.constant("column", Nd4j.ones(DataType.FLOAT, 3, 1));
        column.sum("sum", 1);

        assertThatThrownBy(() -> graph.outputSingle(Map.of(), "sum"))
                .isInstanceOf(NullPointerException.class);
    }

    /** Cure: {@code TrainableGraph}. */
    @Test
    void fitReportsNothingOfALossThatNothingReads() {
        assertThat(lossThatFitReports(false)).isZero();
        assertThat(lossThatFitReports(true)).isEqualTo(14);
    }

    private static double lossThatFitReports(boolean prepared) {
        SameDiff graph = SameDiff.create();
        SDVariable x = graph.placeHolder("x", DataType.DOUBLE, -1);
        SDVariable weight = graph.var("w", Nd4j.createFromArray(1.0));
        x.mul(weight).mul(x).sum("loss").markAsLoss();
        if (prepared) {
            TrainableGraph.prepare(graph);
        }
        graph.setTrainingConfig(
                TrainingConfig.builder()
                        .updater(new Sgd(0.1))
                        .dataSetFeatureMapping("x")
                        .markLabelsUnused()
                        .build());
        return graph.fit(
                        new SingletonMultiDataSetIterator(
                                new MultiDataSet(
                                        new INDArray[] {Nd4j.createFromArray(1.0, 2, 3)},
                                        new INDArray[0])),
                        1)
                .lossCurve()
                .meanLoss("loss")[0];
    }

    /** Cure: {@code CorrectedGradients.ConstantProduct}. */
    @Test
    void theGradientOfAProductWithAConstantIsComputedForTheConstantToo() {
        assertThat(productGradient(false)).contains("matmul_bp");
        assertThat(productGradient(true)).doesNotContain("matmul_bp");
    }

    private static List<String> productGradient(boolean ours) {
        SameDiff graph = SameDiff.create();
        SDVariable x = graph.var("x", Nd4j.ones(DataType.FLOAT, 2, 3));
        SDVariable constant = graph.constant("constant", Nd4j.ones(DataType.FLOAT, 4, 3));
        SDVariable product =
                ours ? Ops.linear(x, constant) : graph.mmul(x, constant, false, true, false);
        product.sum("loss").markAsLoss();
        graph.createGradFunction("x");
        return graph.getFunction("grad").getOps().values().stream()
                .map(operator -> operator.getOp().opName())
                .toList();
    }

    /** Cure: {@code InfoNce} compares with a row of zeros more. */
    @Test
    void theGradientOfAProductWithOneElementIsWrong() {
        SameDiff graph = SameDiff.create();
        SDVariable row = graph.var("row", Nd4j.createFromArray(new double[][] {{1, 2, 3}}));
        SDVariable other = graph.var("other", Nd4j.createFromArray(new double[][] {{4, 5, 6}}));
        graph.mmul(row, other, false, true, false).sum("loss").markAsLoss();

        INDArray gradient = graph.calculateGradients(Map.of(), "row").get("row");

        assertThat(gradient.toDoubleVector()).isNotEqualTo(new double[] {4, 5, 6});
    }

    @Test
    void theGradientOfAProductWithOneElementIsRightInAPreparedGraph() {
        SameDiff graph = SameDiff.create();
        SDVariable row = graph.var("row", Nd4j.createFromArray(new double[][] {{1, 2, 3}}));
        SDVariable other = graph.var("other", Nd4j.createFromArray(new double[][] {{4, 5, 6}}));
        graph.mmul(row, other, false, true, false).sum("loss").markAsLoss();
        TrainableGraph.prepare(graph);

        INDArray gradient = graph.calculateGradients(Map.of(), "row").get("row");

        assertThat(gradient.toDoubleVector()).containsExactly(4, 5, 6);
    }

    @ParameterizedTest
    @CsvSource({
        "false, false, false",
        "true, false, false",
        "false, true, false",
        "true, true, false",
        "false, false, true",
        "true, true, true"
    })
    void productsInAPreparedGraphAreDifferentiatedAsInAStockOne(boolean a, boolean b, boolean c) {
        for (boolean batched : new boolean[] {false, true}) {
            SameDiff graph = SameDiff.create();
            Nd4j.getRandom().setSeed(7);
            SDVariable left =
                    graph.var("left", Nd4j.randn(DataType.DOUBLE, shape(batched, 3, 4, a)));
            SDVariable right =
                    graph.var("right", Nd4j.randn(DataType.DOUBLE, shape(batched, 4, 5, b)));
            graph.math().sin(graph.mmul(left, right, a, b, c)).sum("loss").markAsLoss();
            Map<String, INDArray> stock = graph.calculateGradients(Map.of(), "left", "right");
            TrainableGraph.prepare(graph);
            Map<String, INDArray> prepared = graph.calculateGradients(Map.of(), "left", "right");
            stock.forEach(
                    (name, gradient) ->
                            assertThat(prepared.get(name).distance2(gradient))
                                    .as(name)
                                    .isLessThan(1e-12));
        }
    }

    private static long[] shape(boolean batched, long rows, long columns, boolean transposed) {
        long first = transposed ? columns : rows;
        long second = transposed ? rows : columns;
        return batched ? new long[] {2, first, second} : new long[] {first, second};
    }

    /** Cure: {@code CorrectedGradients.GatherRows} has {@code scatter_add} lock. */
    @Test
    void scatterAddWithSeveralThreadsLosesSums() {
        assumeTrue(
                NativeOpsHolder.getInstance().getDeviceNativeOps().ompGetMaxThreads() > 1
                        && Runtime.getRuntime().availableProcessors() > 1,
                "one thread overwrites nobody's sums");
        boolean lost = false;
        for (int attempt = 0; attempt < 200 && !lost; attempt++) {
            lost = !sumOfOnes(20_000, false).equals(Set.of(20_000f));
        }
        assertThat(lost).as("sums were lost in one of 200 attempts").isTrue();
    }

    @Test
    void scatterAddThatLocksLosesNone() {
        for (int attempt = 0; attempt < 20; attempt++) {
            assertThat(sumOfOnes(2000, true)).containsExactly(2000f);
        }
    }

    /** The sums, all of which should be the number of rows, of rows of ones with one index. */
    private static Set<Float> sumOfOnes(int rows, boolean lock) {
        INDArray sums = Nd4j.create(DataType.FLOAT, 1, 256);
        Nd4j.exec(
                DynamicCustomOp.builder("scatter_add")
                        .addInputs(
                                Nd4j.create(DataType.FLOAT, 1, 256),
                                Nd4j.createFromArray(new int[rows]),
                                Nd4j.ones(DataType.FLOAT, rows, 256))
                        .addBooleanArguments(lock)
                        .addOutputs(sums)
                        .build());
        Set<Float> distinct = new HashSet<>();
        for (float sum : sums.data().asFloat()) {
            distinct.add(sum);
        }
        return distinct;
    }

    /** Cure: {@code Ops.crossEntropy}, made of operators whose gradient is scaled. */
    @Test
    void builtInLossesIgnoreTheWeightTheyAreMultipliedWith() {
        assertThat(gradientOfWeightedLoss(0.5)).isEqualTo(gradientOfWeightedLoss(1.0));
    }

    /**
     * Operators that {@code GradientFaults} refuses; each is given the matrix x, no entry small.
     */
    static Stream<Arguments> operatorsWithWrongGradients() {
        return Stream.of(
                operator("cumsum", x -> x.getSameDiff().cumsum(x, 1)),
                operator("cumprod", x -> x.getSameDiff().cumprod(x, 1)),
                operator(
                        "scatter_mul",
                        x ->
                                x.getSameDiff()
                                        .scatterMul(x, x.getSameDiff().constant(ROWS), x.add(1))),
                operator("mod", x -> x.getSameDiff().math().mod(x, x.mul(0.3).add(1))),
                operator("floormod", x -> x.getSameDiff().math().floorMod(x, x.mul(0.3).add(1))),
                operator("clipbynorm", x -> x.getSameDiff().math().clipByNorm(x, 1, 1)),
                operator(
                        "matrix_inverse",
                        x ->
                                x.getSameDiff()
                                        .math()
                                        .matrixInverse(
                                                x.mmul(x.getSameDiff().transpose(x))
                                                        .add(
                                                                x.getSameDiff()
                                                                        .constant(
                                                                                Nd4j.eye(3)
                                                                                        .castTo(
                                                                                                DataType
                                                                                                        .DOUBLE))))),
                operator(
                        "cross",
                        x ->
                                x.getSameDiff()
                                        .math()
                                        .cross(
                                                x.getSameDiff().transpose(x),
                                                x.getSameDiff().transpose(x.mul(x)))),
                operator(
                        "maximum",
                        x ->
                                x.getSameDiff()
                                        .math()
                                        .max(
                                                x,
                                                x.getSameDiff()
                                                        .var(
                                                                "row",
                                                                Nd4j.ones(1, 4)
                                                                        .castTo(
                                                                                DataType
                                                                                        .DOUBLE)))));
    }

    private static final INDArray ROWS = Nd4j.createFromArray(0, 0, 1);

    private static Arguments operator(String name, UnaryOperator<SDVariable> operator) {
        return Arguments.of(name, operator);
    }

    /** Cure: {@code GradientFaults} refuses them. */
    @ParameterizedTest(name = "{0}")
    @MethodSource("operatorsWithWrongGradients")
    void theGradientOfAnOperatorIsWrongAndRefused(String name, UnaryOperator<SDVariable> operator) {
        SameDiff graph = SameDiff.create();
        Nd4j.getRandom().setSeed(7);
        SDVariable x = graph.var("x", Nd4j.randn(DataType.DOUBLE, 3, 4));
        graph.math().sin(operator.apply(x)).sum("loss").markAsLoss();
        List<String> trained = graph.hasVariable("row") ? List.of("x", "row") : List.of("x");
        Map<String, INDArray> gradients = graph.calculateGradients(Map.of(), trained);
        double worst = 0;
        for (String variable : trained) {
            INDArray values = graph.getVariable(variable).getArr();
            for (long entry = 0; entry < values.length(); entry++) {
                double value = values.getDouble(entry);
                values.putScalar(entry, value + 1e-6);
                double above = graph.outputSingle(Map.of(), "loss").getDouble(0);
                values.putScalar(entry, value - 1e-6);
                double below = graph.outputSingle(Map.of(), "loss").getDouble(0);
                values.putScalar(entry, value);
                double difference = (above - below) / 2e-6;
                worst =
                        Math.max(
                                worst,
                                Math.abs(difference - gradients.get(variable).getDouble(entry)));
            }
        }
        assertThat(worst).as("largest error of the gradient").isGreaterThan(0.01);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> TrainableGraph.prepare(graph))
                .withMessageContaining("operator " + name);
    }

    private static float[][] gradientOfWeightedLoss(double weight) {
        SameDiff graph = SameDiff.create();
        SDVariable logits = graph.var("logits", Nd4j.createFromArray(new float[][] {{1, 2, 3}}));
        SDVariable labels = graph.constant("labels", Nd4j.createFromArray(0));
        graph.loss().sparseSoftmaxCrossEntropy(logits, labels).mul(weight).sum("loss").markAsLoss();
        return graph.calculateGradients(Map.of(), "logits").get("logits").toFloatMatrix();
    }

    /** Cure: {@code GradientFunction} hands out the losses themselves. */
    @Test
    void fitReportsALossOfZero() {
        SameDiff graph = SameDiff.create();
        SDVariable x = graph.placeHolder("x", DataType.FLOAT, -1, 2);
        SDVariable w = graph.var("w", Nd4j.ones(DataType.FLOAT, 2, 1));
        graph.placeHolder("unused", DataType.FLOAT, -1, 1);
        x.mmul(w).sum("loss").markAsLoss();
        graph.setTrainingConfig(
                TrainingConfig.builder()
                        .updater(new Sgd(0.0))
                        .dataSetFeatureMapping("x")
                        .dataSetLabelMapping("unused")
                        .build());
        INDArray features = Nd4j.ones(DataType.FLOAT, 1, 2);
        MultiDataSet data = new MultiDataSet(features, Nd4j.ones(DataType.FLOAT, 1, 1));

        double reported =
                graph.fit(
                                new org.nd4j.linalg.dataset.adapter.SingletonMultiDataSetIterator(
                                        data),
                                1)
                        .lossCurve()
                        .meanLoss(0)
                        .totalLoss();

        assertThat(graph.outputSingle(Map.of("x", features), "loss").getDouble(0)).isEqualTo(2);
        assertThat(reported).isZero();
    }

    /** Cure: {@code Graphs.create}. */
    @Test
    void aGraphKeepsAHiddenCopyOfEachVariable() throws Exception {
        INDArray array = Nd4j.ones(DataType.FLOAT, 3);
        SameDiff stock = SameDiff.create();
        stock.var("w", array);
        Object holder = mapOf(stock).get("w");
        Object hidden = field(holder.getClass().getSuperclass(), holder, "delayedArray");
        assertThat(hidden).isNotNull().isNotSameAs(array);

        SameDiff ours = Graphs.create();
        ours.var("w", array);
        assertThat(mapOf(ours).get("w")).isSameAs(array);
    }

    private static Map<?, ?> mapOf(SameDiff graph) throws ReflectiveOperationException {
        return (Map<?, ?>) field(field(graph, "variablesArrays"), "map");
    }

    private static Object field(Object object, String name) throws ReflectiveOperationException {
        return field(object.getClass(), object, name);
    }

    private static Object field(Class<?> declaring, Object object, String name)
            throws ReflectiveOperationException {
        Field field = declaring.getDeclaredField(name);
        field.setAccessible(true);
        return field.get(object);
    }

    /** Cure: {@code GradientFunction.withoutStandardOutput}. */
    @Test
    void differentiatingAGraphPrintsToStandardOutput() {
        PrintStream standard = System.out;
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        System.setOut(new PrintStream(printed));
        try {
            SameDiff graph = SameDiff.create();
            graph.var("x", Nd4j.ones(DataType.FLOAT, 2)).sum("loss").markAsLoss();
            graph.createGradFunction();
        } finally {
            System.setOut(standard);
        }
        assertThat(printed.toString(Charset.defaultCharset())).contains("Added differentiated op");
    }

    /** Cure: {@code Activation.SILU} of the models is composed. */
    @Test
    void theGradientOfSwishIsNotANumberForLargeArguments() {
        SameDiff graph = SameDiff.create();
        SDVariable x = graph.var("x", Nd4j.createFromArray(40f, 50f));
        graph.nn().swish(x).sum("loss").markAsLoss();
        float[] gradient = graph.calculateGradients(Map.of(), "x").get("x").toFloatVector();
        assertThat(gradient[0]).isEqualTo(1f);
        assertThat(gradient[1]).isNaN();
    }

    /** Cure: everything outside attention is a matrix. */
    @Test
    void aBatchOfMatricesCannotBeMultipliedWithAMatrix() {
        SameDiff graph = SameDiff.create();
        SDVariable x = graph.var("x", Nd4j.ones(DataType.FLOAT, 2, 3, 4));
        SDVariable w = graph.var("w", Nd4j.ones(DataType.FLOAT, 4, 5));
        assertThatThrownBy(() -> x.mmul(w).eval()).isInstanceOf(Exception.class);
    }

    /** A DL4J project may have used SameDiff before it first touches one of our classes. */
    @Test
    void theCureWorksInAProcessThatHasDifferentiatedGraphsBefore() {
        theGradientOfGatherCountsARepeatedIndexOnce();
        CorrectedGradients.install();

        SameDiff graph = SameDiff.create();
        SDVariable table = graph.var("table", Nd4j.ones(DataType.FLOAT, 3, 2));
        SDVariable indices = graph.constant("indices", Nd4j.createFromArray(0, 0, 2));
        graph.gather(table, indices, 0).sum("loss").markAsLoss();

        assertThat(graph.calculateGradients(Map.of(), "table").get("table").toFloatMatrix())
                .isDeepEqualTo(new float[][] {{2, 2}, {0, 0}, {1, 1}});
    }

    @Test
    void aFieldThatTheModuleSystemKeepsIsRefusedWithTheOptionThatOpensIt() {
        assertThatThrownBy(() -> CorrectedGradients.privateField(String.class, "value", ""))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("--add-opens java.base/java.lang=ALL-UNNAMED");
    }
}
