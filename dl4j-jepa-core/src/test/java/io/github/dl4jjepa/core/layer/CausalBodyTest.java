package io.github.dl4jjepa.core.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.github.dl4jjepa.core.objective.DistanceKind;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Stream;
import org.deeplearning4j.datasets.iterator.MultiDataSetWrapperIterator;
import org.deeplearning4j.datasets.iterator.utilty.ListDataSetIterator;
import org.deeplearning4j.exception.DL4JInvalidConfigException;
import org.deeplearning4j.exception.DL4JInvalidInputException;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.BackpropType;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.graph.AttentionVertex;
import org.deeplearning4j.nn.conf.graph.rnn.LastTimeStepVertex;
import org.deeplearning4j.nn.conf.graph.rnn.ReverseTimeSeriesVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.Convolution1DLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.LocallyConnected1D;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.conf.layers.SelfAttentionLayer;
import org.deeplearning4j.nn.conf.layers.Subsampling1DLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.conf.layers.util.MaskZeroLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.deeplearning4j.optimize.listeners.ScoreIterationListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.adapter.SingletonMultiDataSetIterator;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

class CausalBodyTest {
    private static Layer bidirectional() {
        return new Bidirectional(new LSTM.Builder().nOut(6).build());
    }

    private static MultiLayerConfiguration configuration(Layer body) {
        return Networks.body(DataType.FLOAT, new Sgd(0.1))
                .layer(body)
                .layer(new JepaLossLayer.Builder().nOut(Networks.VOCABULARY).build())
                .build();
    }

    static Stream<Arguments> layersThatLookAhead() {
        return Stream.of(
                Arguments.of(bidirectional(), "right to left"),
                Arguments.of(new MaskZeroLayer(bidirectional(), 0), "right to left"),
                Arguments.of(new FrozenLayer(bidirectional()), "right to left"),
                Arguments.of(
                        new SelfAttentionLayer.Builder()
                                .nOut(6)
                                .nHeads(1)
                                .projectInput(true)
                                .build(),
                        "causal mask"),
                Arguments.of(
                        new Convolution1DLayer.Builder()
                                .kernelSize(3)
                                .nOut(6)
                                .convolutionMode(ConvolutionMode.Same)
                                .build(),
                        "ConvolutionMode.Causal"),
                Arguments.of(
                        new LocallyConnected1D.Builder()
                                .kernelSize(3)
                                .nOut(6)
                                .setInputSize(8)
                                .convolutionMode(ConvolutionMode.Same)
                                .build(),
                        "to the right"),
                Arguments.of(
                        new Subsampling1DLayer.Builder()
                                .kernelSize(3)
                                .stride(1)
                                .convolutionMode(ConvolutionMode.Same)
                                .build(),
                        "to the right"));
    }

    @ParameterizedTest
    @MethodSource("layersThatLookAhead")
    void refusesLayersThatLookAhead(Layer layer, String message) {
        MultiLayerConfiguration configuration = configuration(new LSTM.Builder().nOut(6).build());
        assertThat(CausalBody.require(configuration)).isSameAs(configuration);
        configuration.getConf(2).setLayer(layer);
        assertThatExceptionOfType(DL4JInvalidConfigException.class)
                .isThrownBy(() -> CausalBody.require(configuration))
                .withMessageContaining(message);
    }

    private static ComputationGraphConfiguration.GraphBuilder graph(Layer body) {
        return new NeuralNetConfiguration.Builder()
                .updater(new Sgd(0.1))
                .graphBuilder()
                .addInputs("ids")
                .setInputTypes(InputType.recurrent(Networks.VOCABULARY))
                .addLayer(
                        "embedding",
                        new EmbeddingSequenceLayer.Builder()
                                .nIn(Networks.VOCABULARY)
                                .nOut(6)
                                .build(),
                        "ids")
                .addLayer("body", body, "embedding")
                .addLayer(
                        "loss",
                        new JepaLossLayer.Builder().nOut(Networks.VOCABULARY).build(),
                        "body")
                .setOutputs("loss");
    }

    private static Layer lstm() {
        return new LSTM.Builder().nOut(6).build();
    }

    @Test
    void refusesVerticesThatLookAhead() {
        var reversed = graph(lstm()).build();
        reversed.getVertices().put("embedding", new ReverseTimeSeriesVertex("ids"));
        var last = graph(lstm()).build();
        last.getVertices().put("embedding", new LastTimeStepVertex("ids"));
        var attention = graph(lstm()).build();
        attention
                .getVertices()
                .put(
                        "embedding",
                        new AttentionVertex.Builder()
                                .nHeads(1)
                                .headSize(6)
                                .nInKeys(6)
                                .nInQueries(6)
                                .nInValues(6)
                                .nOut(6)
                                .build());
        assertRefused(() -> CausalBody.require(reversed), "turns a row round");
        assertRefused(() -> CausalBody.require(last), "drops time steps");
        assertRefused(() -> CausalBody.require(attention), "causal mask");
    }

    @Test
    void aBranchThatDoesNotLeadToTheLossMayLookAhead() {
        assertThatCode(
                        () ->
                                CausalBody.require(
                                        graph(lstm())
                                                .addLayer("other", bidirectional(), "embedding")
                                                .setOutputs("loss", "other")
                                                .build()))
                .doesNotThrowAnyException();
    }

    private static MultiDataSet batch() {
        return Networks.iterator().build().next();
    }

    private static DataSet data() {
        return new DataSet(batch().getFeatures(0), batch().getLabels(0));
    }

    private static void assertRefused(Runnable action, String message) {
        assertThatExceptionOfType(DL4JInvalidConfigException.class)
                .isThrownBy(action::run)
                .withMessageContaining(message);
    }

    /** The ways to train a network. */
    static Stream<Arguments> fits() {
        return Stream.of(
                Arguments.of(
                        "iterator",
                        (Consumer<MultiLayerNetwork>)
                                network -> network.fit(Networks.iterator().build(), 1)),
                Arguments.of(
                        "wrapped iterator",
                        (Consumer<MultiLayerNetwork>)
                                network ->
                                        network.fit(
                                                new MultiDataSetWrapperIterator(
                                                        Networks.iterator().build()))),
                Arguments.of(
                        "data set", (Consumer<MultiLayerNetwork>) network -> network.fit(data())),
                Arguments.of(
                        "arrays",
                        (Consumer<MultiLayerNetwork>)
                                network -> network.fit(data().getFeatures(), data().getLabels())));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("fits")
    void everyFitOfANetworkRefusesABodyThatLooksAheadUnasked(
            String way, Consumer<MultiLayerNetwork> fit) {
        for (boolean listening : new boolean[] {false, true}) {
            MultiLayerNetwork network = new MultiLayerNetwork(configuration(bidirectional()));
            network.init();
            if (listening) {
                network.setListeners(new ScoreIterationListener(1));
            }
            INDArray before = network.params().dup();
            assertRefused(() -> fit.accept(network), "right to left");
            assertThat(network.params()).isEqualTo(before);
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("fits")
    void everyFitOfANetworkRefusesTruncatedBackpropagation(
            String way, Consumer<MultiLayerNetwork> fit) {
        MultiLayerConfiguration configuration =
                Networks.lstm(DataType.FLOAT, new Sgd(0.1), new JepaLossLayer.Builder());
        configuration.setBackpropType(BackpropType.TruncatedBPTT);
        configuration.setTbpttFwdLength(2);
        configuration.setTbpttBackLength(2);
        assertRefused(() -> CausalBody.require(configuration), "BackpropType.Standard");
        MultiLayerNetwork network = new MultiLayerNetwork(configuration);
        network.init();
        assertRefused(() -> fit.accept(network), "BackpropType.Standard");
        // Without the listener that is told of the network, the end of fit still tells.
        MultiLayerNetwork unheard = new MultiLayerNetwork(configuration.clone());
        unheard.init();
        unheard.setListeners(List.of(new ScoreIterationListener(1)));
        assertRefused(() -> fit.accept(unheard), "BackpropType.Standard");
    }

    @Test
    void scoringAndOutputNeedNoTraining() {
        MultiLayerNetwork network =
                new MultiLayerNetwork(
                        Networks.lstm(DataType.FLOAT, new Sgd(0.1), new JepaLossLayer.Builder()));
        network.init();
        assertThatCode(
                        () -> {
                            network.output(data().getFeatures());
                            network.score(data());
                            network.clear();
                            network.fit(data());
                        })
                .doesNotThrowAnyException();
    }

    /** All of it before the first gradient, within fit. */
    @Test
    void aListenerMayAskForOutputsAndScores() {
        MultiLayerNetwork network =
                new MultiLayerNetwork(
                        Networks.lstm(DataType.FLOAT, new Sgd(0.1), new JepaLossLayer.Builder()));
        network.init();
        network.setListeners(
                new BaseTrainingListener() {
                    @Override
                    public void onEpochStart(Model model) {
                        network.output(data().getFeatures());
                        network.score(data());
                    }
                });
        assertThatCode(() -> network.fit(Networks.iterator().build(), 2))
                .doesNotThrowAnyException();
    }

    @Test
    void aFitWithoutABatchSaysSo() {
        MultiLayerNetwork network =
                new MultiLayerNetwork(
                        Networks.lstm(DataType.FLOAT, new Sgd(0.1), new JepaLossLayer.Builder()));
        network.init();
        assertRefused(
                () -> network.fit(new ListDataSetIterator<>(List.<DataSet>of(), 1)), "no batch");
    }

    private static ComputationGraph initialized(ComputationGraphConfiguration configuration) {
        ComputationGraph network = new ComputationGraph(configuration);
        network.init();
        return network;
    }

    @Test
    void fitOfAGraphWithListenersRefusesABodyThatLooksAheadUnasked() {
        for (Function<ComputationGraph, Runnable> fit :
                List.<Function<ComputationGraph, Runnable>>of(
                        network -> () -> network.fit(batch()),
                        network -> () -> network.fit(Networks.iterator().build()))) {
            ComputationGraph network = initialized(graph(bidirectional()).build());
            network.setListeners(new ScoreIterationListener(1));
            assertRefused(fit.apply(network), "right to left");
        }
    }

    /** Deeplearning4j shows this layer nothing of its graph; the documentation says so. */
    @Test
    void aGraphWithoutListenersIsNotChecked() {
        ComputationGraph network = initialized(graph(bidirectional()).build());
        assertThatCode(() -> network.fit(batch())).doesNotThrowAnyException();
    }

    @Test
    void initRefusesAGraphWithAVertexOfOurs() {
        ComputationGraph network =
                new ComputationGraph(
                        graph(bidirectional())
                                .addInputs("one", "other")
                                .setInputTypes(InputType.feedForward(3), InputType.feedForward(3))
                                .addVertex(
                                        "jepa", JepaVertex.of(DistanceKind.L2, 1), "one", "other")
                                .addLayer(
                                        "pairs",
                                        new LossLayer.Builder(LossFunction.L1)
                                                .activation(Activation.IDENTITY)
                                                .build(),
                                        "jepa")
                                .setOutputs("loss", "pairs")
                                .build());
        assertRefused(network::init, "right to left");
    }

    @Test
    void fitOfAGraphRefusesTruncatedBackpropagation() {
        ComputationGraphConfiguration configuration =
                graph(lstm())
                        .backpropType(BackpropType.TruncatedBPTT)
                        .tBPTTForwardLength(2)
                        .tBPTTBackwardLength(2)
                        .build();
        assertRefused(() -> CausalBody.require(configuration), "BackpropType.Standard");
        ComputationGraph silent = initialized(configuration);
        assertThatExceptionOfType(DL4JInvalidInputException.class)
                .isThrownBy(() -> silent.fit(batch()))
                .withMessageContaining("backpropType must be Standard");
        ComputationGraph listening = initialized(configuration.clone());
        listening.setListeners(new ScoreIterationListener(1));
        assertRefused(
                () -> listening.fit(new SingletonMultiDataSetIterator(batch())),
                "BackpropType.Standard");
    }

    @Test
    void scoringByOneOfTheLossesRefusesABodyThatLooksAhead() {
        Model network = initialized(graph(bidirectional()).build());
        assertRefused(
                () ->
                        JepaScoreCalculator.languageModelLoss(Networks.iterator().build())
                                .calculateScore(network),
                "right to left");
    }
}
