package io.github.dl4jjepa.core.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.within;

import io.github.dl4jjepa.core.objective.DistanceKind;
import io.github.dl4jjepa.core.objective.TargetMode;
import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import org.deeplearning4j.exception.DL4JInvalidConfigException;
import org.deeplearning4j.exception.DL4JInvalidInputException;
import org.deeplearning4j.gradientcheck.GradientCheckUtil;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.inputs.InvalidInputTypeException;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.deeplearning4j.util.ModelSerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.NoOp;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

class JepaVertexTest {
    private static final INDArray ONE = Nd4j.randn(DataType.DOUBLE, new long[] {5, 3});
    private static final INDArray OTHER = Nd4j.randn(DataType.DOUBLE, new long[] {5, 4});
    private static final INDArray ZEROS = Nd4j.zeros(DataType.DOUBLE, 5, 1);

    @BeforeAll
    static void gradientChecksWantDoublePrecision() {
        Nd4j.setDefaultDataTypes(DataType.DOUBLE, DataType.DOUBLE);
    }

    @AfterAll
    static void backToSinglePrecision() {
        Nd4j.setDefaultDataTypes(DataType.FLOAT, DataType.FLOAT);
    }

    /** Two towers whose outputs are compared. */
    private static ComputationGraphConfiguration towers(JepaVertex vertex) {
        return towers(vertex, new Adam(0.01));
    }

    private static ComputationGraphConfiguration towers(JepaVertex vertex, IUpdater updater) {
        return new NeuralNetConfiguration.Builder()
                .seed(3)
                .dataType(DataType.DOUBLE)
                .updater(updater)
                .activation(Activation.TANH)
                .graphBuilder()
                .addInputs("one", "other")
                .setInputTypes(InputType.feedForward(3), InputType.feedForward(4))
                .addLayer("predicted", new DenseLayer.Builder().nOut(6).build(), "one")
                .addLayer("encoded", new DenseLayer.Builder().nOut(6).build(), "other")
                .addVertex("jepa", vertex, "predicted", "encoded")
                .addLayer(
                        "loss",
                        new LossLayer.Builder(LossFunction.L1)
                                .activation(Activation.IDENTITY)
                                .build(),
                        "jepa")
                .setOutputs("loss")
                .build();
    }

    private static ComputationGraph network(JepaVertex vertex) {
        ComputationGraph network = new ComputationGraph(towers(vertex));
        network.init();
        return network;
    }

    private static MultiDataSet batch() {
        return new MultiDataSet(new INDArray[] {ONE, OTHER}, new INDArray[] {ZEROS});
    }

    @Test
    void theScoreIsTheMeanDistance() {
        ComputationGraph network = network(JepaVertex.of(DistanceKind.L2, 0.5));
        INDArray[] towers = {
            network.feedForward(new INDArray[] {ONE, OTHER}, false).get("predicted").dup(),
            network.feedForward(new INDArray[] {ONE, OTHER}, false).get("encoded").dup()
        };
        double expected = 0.5 * towers[0].sub(towers[1]).norm2(1).meanNumber().doubleValue();
        assertThat(network.score(batch())).isCloseTo(expected, within(1e-9));
    }

    @ParameterizedTest
    @EnumSource(
            value = DistanceKind.class,
            names = {"COSINE", "CENTERED_COSINE", "INFO_NCE", "MSE"})
    void gradientsAgreeWithDeeplearning4jsGradientCheck(DistanceKind distance) {
        ComputationGraph network =
                new ComputationGraph(towers(JepaVertex.of(distance, 0.7), new NoOp()));
        network.init();
        assertThat(
                        GradientCheckUtil.checkGradients(
                                new GradientCheckUtil.GraphConfig()
                                        .net(network)
                                        .inputs(new INDArray[] {ONE, OTHER})
                                        .labels(new INDArray[] {ZEROS})))
                .isTrue();
    }

    @Test
    void bothTowersAreTrainedUnlessTheTargetIsStopped() {
        for (TargetMode target : new TargetMode[] {TargetMode.GRADIENT, TargetMode.STOP_GRADIENT}) {
            ComputationGraph network =
                    network(JepaVertex.of(DistanceKind.INFO_NCE, 1, 0.1, target));
            INDArray predicted = network.getParam("predicted_W").dup();
            INDArray encoded = network.getParam("encoded_W").dup();
            double before = network.score(batch());
            for (int i = 0; i < 20; i++) {
                network.fit(batch());
            }
            assertThat(network.score(batch())).isLessThan(before);
            assertThat(network.getParam("predicted_W")).isNotEqualTo(predicted);
            assertThat(network.getParam("encoded_W").equals(encoded))
                    .isEqualTo(target == TargetMode.STOP_GRADIENT);
        }
    }

    @Test
    void survivesJsonAndSaving(@TempDir Path folder) throws IOException {
        JepaVertex vertex =
                JepaVertex.of(DistanceKind.INFO_NCE, 0.3, 0.2, TargetMode.STOP_GRADIENT);
        ComputationGraphConfiguration configuration = towers(vertex);
        assertThat(ComputationGraphConfiguration.fromJson(configuration.toJson()))
                .isEqualTo(configuration);
        assertThat(configuration).isNotEqualTo(towers(JepaVertex.of(DistanceKind.INFO_NCE, 0.3)));
        ComputationGraph network = network(vertex);
        network.fit(batch());
        File file = folder.resolve("network.zip").toFile();
        ModelSerializer.writeModel(network, file, true);
        assertThat(ModelSerializer.restoreComputationGraph(file).score(batch()))
                .isEqualTo(network.score(batch()));
    }

    @Test
    void refusesAnotherNumberOfInputsThanTwo() {
        ComputationGraphConfiguration.GraphBuilder typed = oneInput();
        assertThatExceptionOfType(InvalidInputTypeException.class)
                .isThrownBy(() -> typed.setInputTypes(InputType.feedForward(3)).build())
                .withMessageContaining("two embeddings");
        ComputationGraph untyped = new ComputationGraph(oneInput().build());
        assertThatExceptionOfType(DL4JInvalidConfigException.class)
                .isThrownBy(untyped::init)
                .withMessageContaining(
                        "\"jepa\" needs the inputs [prediction, target], in this order; it is"
                                + " connected to [predicted]");
    }

    private static ComputationGraphConfiguration.GraphBuilder oneInput() {
        return new NeuralNetConfiguration.Builder()
                .graphBuilder()
                .addInputs("one")
                .addLayer("predicted", new DenseLayer.Builder().nIn(3).nOut(6).build(), "one")
                .addVertex("jepa", JepaVertex.of(DistanceKind.COSINE, 1), "predicted")
                .addLayer(
                        "loss",
                        new LossLayer.Builder(LossFunction.L1)
                                .activation(Activation.IDENTITY)
                                .build(),
                        "jepa")
                .setOutputs("loss");
    }

    @Test
    void refusesMasksThatLeavePairsOutAndTakesThoseThatDoNot() {
        ComputationGraph network = network(JepaVertex.of(DistanceKind.INFO_NCE, 1));
        INDArray ones = Nd4j.ones(DataType.DOUBLE, 5, 1);
        INDArray[] inputs = {ONE, OTHER};
        INDArray[] labels = {ZEROS};
        assertThat(
                        network.score(
                                new MultiDataSet(
                                        inputs, labels, new INDArray[] {ones, ones}, null)))
                .isEqualTo(network.score(batch()));
        INDArray without = ones.dup();
        without.putScalar(2, 0, 0);
        assertThatExceptionOfType(DL4JInvalidInputException.class)
                .isThrownBy(
                        () ->
                                network.score(
                                        new MultiDataSet(
                                                inputs,
                                                labels,
                                                new INDArray[] {ones, without},
                                                null)))
                .withMessageContaining("leaves out pairs of target");
    }

    @Test
    void aSinglePairIsWarnedOfWhereItIsContrasted() {
        OnePairWarning.SAID.set(false);
        MultiDataSet single =
                new MultiDataSet(
                        new INDArray[] {ONE.getRow(0, true), OTHER.getRow(0, true)},
                        new INDArray[] {ZEROS.getRow(0, true)});
        network(JepaVertex.of(DistanceKind.L2, 1)).score(single);
        assertThat(OnePairWarning.SAID).isFalse();
        network(JepaVertex.of(DistanceKind.INFO_NCE, 1)).score(single);
        assertThat(OnePairWarning.SAID).isTrue();
    }

    @Test
    void refusesWhatIsBeyondAVertex() {
        assertThatExceptionOfType(DL4JInvalidConfigException.class)
                .isThrownBy(() -> JepaVertex.of(DistanceKind.SEMANTIC_TUBE, 1))
                .withMessageContaining("tube");
        assertThatExceptionOfType(DL4JInvalidConfigException.class)
                .isThrownBy(() -> JepaVertex.of(DistanceKind.COSINE, -1))
                .withMessageContaining("lambda");
    }

    private static final LayerWorkspaceMgr NO_WORKSPACES = LayerWorkspaceMgr.noWorkspaces();

    /** The inputs' gradients, where something happens between forward and backward pass. */
    private static INDArray[] gradients(GraphVertex vertex, INDArray one, Runnable between) {
        vertex.setInputs(one, OTHERS);
        vertex.doForward(true, NO_WORKSPACES);
        between.run();
        vertex.setInputs(one, OTHERS);
        vertex.setEpsilon(Nd4j.ones(DataType.DOUBLE, 5, 1));
        return vertex.doBackward(false, NO_WORKSPACES).getSecond();
    }

    private static final INDArray OTHERS = Nd4j.randn(DataType.DOUBLE, new long[] {5, 6});

    @Test
    void theBackwardPassEndsWhatTheForwardPassOfTheSameInputsBegan() {
        GraphVertex vertex = network(new JepaVertex()).getVertex("jepa");
        INDArray one = Nd4j.randn(DataType.DOUBLE, new long[] {5, 6});
        INDArray another = Nd4j.randn(DataType.DOUBLE, new long[] {5, 6});
        // The first step records both passes.
        INDArray[] expected = gradients(vertex, one, () -> {});
        INDArray[] ofAnother = gradients(vertex, another, () -> {});
        assertThat(ofAnother[0]).isNotEqualTo(expected[0]);

        assertThat(gradients(vertex, one, () -> {})).isEqualTo(expected);
        INDArray changed = one.dup();
        // It does not look at the inputs again.
        assertThat(gradients(vertex, changed, () -> changed.assign(another))).isEqualTo(expected);
        assertThat(gradients(vertex, one, () -> forward(vertex, another, false)))
                .isEqualTo(expected);
        assertThat(gradients(vertex, one, () -> forward(vertex, another, true)))
                .isEqualTo(expected);
        // A second backward pass after one forward pass.
        vertex.setEpsilon(Nd4j.ones(DataType.DOUBLE, 5, 1));
        assertThat(vertex.doBackward(false, NO_WORKSPACES).getSecond()).isEqualTo(expected);
    }

    private static void forward(GraphVertex vertex, INDArray one, boolean training) {
        vertex.setInputs(one, OTHERS);
        vertex.doForward(training, NO_WORKSPACES);
    }
}
