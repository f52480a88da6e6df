package io.github.dl4jjepa.core.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.within;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.github.dl4jjepa.core.iterator.JepaMultiViewIterator;
import io.github.dl4jjepa.core.objective.DistanceKind;
import io.github.dl4jjepa.core.objective.TargetMode;
import io.github.dl4jjepa.core.view.LanguageModelLayout;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.deeplearning4j.datasets.iterator.MultiDataSetWrapperIterator;
import org.deeplearning4j.earlystopping.EarlyStoppingConfiguration;
import org.deeplearning4j.earlystopping.EarlyStoppingResult;
import org.deeplearning4j.earlystopping.saver.InMemoryModelSaver;
import org.deeplearning4j.earlystopping.scorecalc.DataSetLossCalculator;
import org.deeplearning4j.earlystopping.termination.MaxEpochsTerminationCondition;
import org.deeplearning4j.earlystopping.trainer.EarlyStoppingTrainer;
import org.deeplearning4j.exception.DL4JInvalidConfigException;
import org.deeplearning4j.exception.DL4JInvalidInputException;
import org.deeplearning4j.gradientcheck.GradientCheckUtil;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.WorkspaceMode;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.Convolution1DLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.weightnoise.DropConnect;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.transferlearning.FineTuneConfiguration;
import org.deeplearning4j.nn.transferlearning.TransferLearning;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.deeplearning4j.optimize.listeners.CollectScoresIterationListener;
import org.deeplearning4j.optimize.listeners.PerformanceListener;
import org.deeplearning4j.optimize.listeners.ScoreIterationListener;
import org.deeplearning4j.parallelism.ParallelWrapper;
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
import org.nd4j.linalg.dataset.AsyncMultiDataSetIterator;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.NoOp;
import org.nd4j.linalg.learning.config.Sgd;
import org.slf4j.LoggerFactory;

class JepaLossLayerTest {
    @BeforeAll
    static void gradientChecksWantDoublePrecision() {
        Nd4j.setDefaultDataTypes(DataType.DOUBLE, DataType.DOUBLE);
    }

    @AfterAll
    static void backToSinglePrecision() {
        Nd4j.setDefaultDataTypes(DataType.FLOAT, DataType.FLOAT);
    }

    private static MultiLayerNetwork network(DataType dataType, JepaLossLayer.Builder loss) {
        MultiLayerNetwork network =
                new MultiLayerNetwork(Networks.lstm(dataType, new Sgd(0.1), loss));
        network.init();
        return network;
    }

    private static MultiDataSet batch() {
        return Networks.iterator().build().next();
    }

    @Test
    void trainsByFit() {
        MultiLayerNetwork network =
                new MultiLayerNetwork(
                        Networks.lstm(
                                DataType.FLOAT,
                                new Adam(0.05),
                                new JepaLossLayer.Builder().lambda(0.5)));
        network.init();
        JepaMultiViewIterator batches = Networks.iterator().optSeed(1).build();
        MultiDataSet batch = batch();
        network.fit(batch.getFeatures(0), batch.getLabels(0));
        double before = network.score();
        network.fit(batches, 40);
        network.fit(batch.getFeatures(0), batch.getLabels(0));
        assertThat(network.score()).isLessThan(0.3 * before);
    }

    @Test
    void theScoreIsTheObjectivesValue() {
        MultiDataSet batch = batch();
        double[] scores = new double[3];
        for (int lambda = 0; lambda < 3; lambda++) {
            MultiLayerNetwork network =
                    network(DataType.DOUBLE, new JepaLossLayer.Builder().lambda(lambda));
            network.setInput(batch.getFeatures(0));
            network.setLabels(batch.getLabels(0));
            network.computeGradientAndScore();
            scores[lambda] = network.score();
        }
        assertThat(scores[0]).isCloseTo(Math.log(Networks.VOCABULARY), within(0.3));
        assertThat(scores[2] - scores[0]).isCloseTo(2 * (scores[1] - scores[0]), within(1e-12));
        assertThat(scores[1] - scores[0]).isBetween(0.0, 2.0);
    }

    @Test
    void outputIsTheProbabilityOfTheNextTokenAndNeedsNoLabels() {
        MultiLayerNetwork network = network(DataType.FLOAT, new JepaLossLayer.Builder());
        INDArray features = batch().getFeatures(0);
        INDArray output = network.output(features);
        assertThat(output.shape())
                .containsExactly(features.size(0), Networks.VOCABULARY, features.size(1));
        INDArray sums = output.sum(1);
        assertThat(sums.distance2(Nd4j.onesLike(sums))).isLessThan(1e-5);
    }

    @ParameterizedTest
    @EnumSource(value = DistanceKind.class, names = "SEMANTIC_TUBE", mode = EnumSource.Mode.EXCLUDE)
    void gradientsAgreeWithDeeplearning4jsGradientCheck(DistanceKind distance) {
        MultiLayerNetwork network =
                new MultiLayerNetwork(
                        Networks.lstm(
                                DataType.DOUBLE,
                                new NoOp(),
                                new JepaLossLayer.Builder()
                                        .distance(distance)
                                        .lambda(0.7)
                                        .l2(0.01)));
        network.init();
        MultiDataSet batch = batch();
        assertThat(
                        GradientCheckUtil.checkGradients(
                                new GradientCheckUtil.MLNConfig()
                                        .net(network)
                                        .input(batch.getFeatures(0))
                                        .labels(batch.getLabels(0))
                                        .subset(true)
                                        .maxPerParam(20)))
                .isTrue();
    }

    @Test
    void readsBothFormatsOfABody() {
        MultiDataSet batch = batch();
        double[] scores = new double[2];
        for (RNNFormat format : RNNFormat.values()) {
            NeuralNetConfiguration.ListBuilder list =
                    new NeuralNetConfiguration.Builder()
                            .seed(7)
                            .dataType(DataType.DOUBLE)
                            .list()
                            .layer(
                                    new EmbeddingSequenceLayer.Builder()
                                            .nIn(Networks.VOCABULARY)
                                            .nOut(6)
                                            .outputDataFormat(format)
                                            .build())
                            .layer(
                                    new JepaLossLayer.Builder()
                                            .nIn(6)
                                            .nOut(Networks.VOCABULARY)
                                            .dataFormat(format)
                                            .build());
            MultiLayerNetwork network = new MultiLayerNetwork(list.build());
            network.init();
            scores[format.ordinal()] =
                    network.score(new DataSet(batch.getFeatures(0), batch.getLabels(0)));
            long[] output = network.output(batch.getFeatures(0)).shape();
            assertThat(output[format == RNNFormat.NCW ? 1 : 2]).isEqualTo(Networks.VOCABULARY);
        }
        assertThat(scores[0]).isCloseTo(scores[1], within(1e-12));
    }

    static JepaLossLayer.Builder unusual() {
        return new JepaLossLayer.Builder()
                .lambda(0.25)
                .gamma(2)
                .distance(DistanceKind.CENTERED_INFO_NCE)
                .temperature(0.2)
                .target(TargetMode.STOP_GRADIENT)
                .hasBias(false)
                .l2(0.001)
                .name("loss");
    }

    @Test
    void configurationsSurviveJsonYamlAndClone() {
        MultiLayerConfiguration configuration =
                Networks.lstm(DataType.FLOAT, new Adam(0.01), unusual());
        assertThat(MultiLayerConfiguration.fromJson(configuration.toJson()))
                .isEqualTo(configuration);
        assertThat(MultiLayerConfiguration.fromYaml(configuration.toYaml()))
                .isEqualTo(configuration);
        assertThat(configuration.clone()).isEqualTo(configuration);
        assertThat(configuration)
                .isNotEqualTo(Networks.lstm(DataType.FLOAT, new Adam(0.01), unusual().lambda(0.3)));
    }

    @Test
    void aSavedNetworkHasTheSameScoreAndGoesOnTraining(@TempDir Path folder) throws IOException {
        MultiLayerNetwork network =
                new MultiLayerNetwork(Networks.lstm(DataType.FLOAT, new Adam(0.01), unusual()));
        network.init();
        network.fit(Networks.iterator().build(), 2);
        File file = folder.resolve("network.zip").toFile();
        ModelSerializer.writeModel(network, file, true);
        MultiLayerNetwork loaded = ModelSerializer.restoreMultiLayerNetwork(file);
        MultiDataSet batch = batch();
        DataSet data = new DataSet(batch.getFeatures(0), batch.getLabels(0));
        assertThat(loaded.score(data)).isEqualTo(network.score(data));
        loaded.fit(data);
        network.fit(data);
        assertThat(loaded.params()).isEqualTo(network.params());
        assertThat(network.clone().score(data)).isEqualTo(network.score(data));
    }

    @Test
    void configurationsOfEarlierVersionsLoad() throws IOException {
        for (String version : List.of("0.1.0")) {
            String json;
            try (InputStream in =
                    getClass().getResourceAsStream("/layer/" + version + "/lstm.json")) {
                json = new String(in.readAllBytes(), StandardCharsets.UTF_8);
            }
            MultiLayerConfiguration expected =
                    Networks.lstm(DataType.FLOAT, new Adam(0.01), unusual());
            ((JepaLossLayer) expected.getConf(2).getLayer()).setWeightOrder('c');
            assertThat(MultiLayerConfiguration.fromJson(json)).isEqualTo(expected);
        }
    }

    @Test
    void anExistingNetworksBodyIsTakenOver() {
        MultiLayerNetwork plain =
                new MultiLayerNetwork(
                        Networks.body(DataType.FLOAT, new Sgd(0.1))
                                .layer(
                                        new RnnOutputLayer.Builder()
                                                .nOut(Networks.VOCABULARY)
                                                .activation(Activation.SOFTMAX)
                                                .build())
                                .build());
        plain.init();
        MultiLayerNetwork jepa =
                new TransferLearning.Builder(plain)
                        .fineTuneConfiguration(
                                new FineTuneConfiguration.Builder().updater(new Sgd(0.1)).build())
                        .removeOutputLayer()
                        .addLayer(
                                new JepaLossLayer.Builder()
                                        .nIn(6)
                                        .nOut(Networks.VOCABULARY)
                                        .updater(new Sgd(0.1))
                                        .build())
                        .build();
        assertThat(jepa.getParam("1_W")).isEqualTo(plain.getParam("1_W"));
        jepa.fit(Networks.iterator().build(), 1);
        assertThat(jepa.getParam("1_W")).isNotEqualTo(plain.getParam("1_W"));
    }

    @ParameterizedTest
    @EnumSource(WorkspaceMode.class)
    void workspacesChangeNothing(WorkspaceMode mode) {
        if (mode != WorkspaceMode.ENABLED && mode != WorkspaceMode.NONE) {
            return; // old names for ENABLED
        }
        MultiLayerConfiguration configuration =
                Networks.lstm(DataType.DOUBLE, new Sgd(0.1), new JepaLossLayer.Builder());
        configuration.setTrainingWorkspaceMode(mode);
        configuration.setInferenceWorkspaceMode(mode);
        MultiLayerNetwork network = new MultiLayerNetwork(configuration);
        network.init();
        network.fit(Networks.iterator().build(), 3);
        MultiLayerNetwork other = network(DataType.DOUBLE, new JepaLossLayer.Builder());
        other.fit(Networks.iterator().build(), 3);
        assertThat(network.params()).isEqualTo(other.params());
    }

    @Test
    void listenersSeeScoresParametersAndGradients() {
        MultiLayerNetwork network = network(DataType.FLOAT, new JepaLossLayer.Builder());
        CollectScoresIterationListener scores = new CollectScoresIterationListener();
        List<String> gradients = new ArrayList<>();
        network.setListeners(
                scores,
                new ScoreIterationListener(1),
                new PerformanceListener(1),
                new BaseTrainingListener() {
                    @Override
                    public void onGradientCalculation(Model model) {
                        gradients.addAll(model.gradient().gradientForVariable().keySet());
                    }
                });
        network.fit(Networks.iterator().build(), 2);
        assertThat(scores.getScoreVsIter().getScores().get(0)[0]).isBetween(1.0, 6.0);
        assertThat(gradients).contains("2_W", "2_b", "1_W");
    }

    @Test
    void layersHaveLearningRatesOfTheirOwn() {
        MultiLayerNetwork network =
                network(DataType.FLOAT, new JepaLossLayer.Builder().updater(new Sgd(0)));
        INDArray head = network.getParam("2_W").dup();
        INDArray body = network.getParam("1_W").dup();
        network.fit(Networks.iterator().build(), 1);
        assertThat(network.getParam("2_W")).isEqualTo(head);
        assertThat(network.getParam("1_W")).isNotEqualTo(body);
    }

    @Test
    void stopsEarlyByTheScoreOfValidationData() {
        MultiLayerConfiguration configuration =
                Networks.lstm(DataType.FLOAT, new Adam(0.05), new JepaLossLayer.Builder());
        MultiDataSetIterator validation = Networks.iterator().build();
        EarlyStoppingConfiguration<MultiLayerNetwork> early =
                new EarlyStoppingConfiguration.Builder<MultiLayerNetwork>()
                        .epochTerminationConditions(new MaxEpochsTerminationCondition(4))
                        .scoreCalculator(
                                new DataSetLossCalculator(
                                        new MultiDataSetWrapperIterator(validation), true))
                        .modelSaver(new InMemoryModelSaver<>())
                        .build();
        EarlyStoppingResult<MultiLayerNetwork> result =
                new EarlyStoppingTrainer(
                                early,
                                configuration,
                                new MultiDataSetWrapperIterator(
                                        Networks.iterator().optSeed(1).build()))
                        .fit();
        assertThat(result.getTotalEpochs()).isEqualTo(4);
        assertThat(result.getScoreVsEpoch().values()).allMatch(score -> score > 0);
        assertThat(result.getScoreVsEpoch().get(3)).isLessThan(result.getScoreVsEpoch().get(0));
    }

    @Test
    void eachLossIsAScore() {
        MultiLayerNetwork network =
                network(DataType.DOUBLE, new JepaLossLayer.Builder().lambda(0.5).gamma(2));
        MultiDataSetIterator all = Networks.iterator().setBatchSize(5).build();
        MultiDataSet batch = all.next();
        double score = network.score(new DataSet(batch.getFeatures(0), batch.getLabels(0)));
        double jepa =
                JepaScoreCalculator.jepaLoss(Networks.iterator().build()).calculateScore(network);
        double languageModel =
                JepaScoreCalculator.languageModelLoss(Networks.iterator().build())
                        .calculateScore(network);
        assertThat(2 * languageModel + 0.5 * jepa).isCloseTo(score, within(1e-12));
        assertThat(jepa).isBetween(0.0, 2.0);
    }

    @Test
    void aSameDiffLayerOfOnesOwnIsABody() {
        MultiLayerNetwork network =
                new MultiLayerNetwork(
                        new NeuralNetConfiguration.Builder()
                                .seed(7)
                                .dataType(DataType.DOUBLE)
                                .updater(new Adam(0.01))
                                .list()
                                .layer(
                                        new EmbeddingSequenceLayer.Builder()
                                                .nIn(Networks.VOCABULARY)
                                                .nOut(5)
                                                .build())
                                .layer(new TanhLayer())
                                .layer(
                                        new JepaLossLayer.Builder()
                                                .nOut(Networks.VOCABULARY)
                                                .build())
                                .setInputType(InputType.recurrent(Networks.VOCABULARY))
                                .build());
        network.init();
        MultiDataSet batch = batch();
        DataSet data = new DataSet(batch.getFeatures(0), batch.getLabels(0));
        double before = network.score(data);
        network.fit(Networks.iterator().build(), 5);
        assertThat(network.score(data)).isLessThan(before);
    }

    @Test
    void aFrozenBodyStaysAsItIs() {
        MultiLayerNetwork trained = network(DataType.FLOAT, new JepaLossLayer.Builder());
        MultiLayerNetwork frozen =
                new TransferLearning.Builder(trained)
                        .fineTuneConfiguration(
                                new FineTuneConfiguration.Builder().updater(new Sgd(0.1)).build())
                        .setFeatureExtractor(1)
                        .build();
        INDArray body = frozen.getParam("1_W").dup();
        INDArray head = frozen.getParam("2_W").dup();
        frozen.fit(Networks.iterator().build(), 1);
        assertThat(frozen.getParam("1_W")).isEqualTo(body);
        assertThat(frozen.getParam("2_W")).isNotEqualTo(head);
    }

    @Test
    void workersTrainInParallel() throws Exception {
        MultiLayerNetwork network = network(DataType.FLOAT, new JepaLossLayer.Builder());
        MultiDataSet batch = batch();
        DataSet data = new DataSet(batch.getFeatures(0), batch.getLabels(0));
        double before = network.score(data);
        // With listeners the wrapper looks for deeplearning4j-core, which these tests do without.
        network.getListeners().clear();
        ParallelWrapper wrapper =
                new ParallelWrapper.Builder<>(network)
                        .workers(2)
                        .averagingFrequency(1)
                        .trainingMode(ParallelWrapper.TrainingMode.AVERAGING)
                        .build();
        for (int epoch = 0; epoch < 10; epoch++) {
            wrapper.fit(
                    new MultiDataSetWrapperIterator(Networks.iterator().setBatchSize(1).build()));
        }
        wrapper.close();
        assertThat(network.score(data)).isLessThan(before);
    }

    @Test
    void batchesMadeAheadAreTheSame() {
        MultiLayerNetwork ahead = network(DataType.DOUBLE, new JepaLossLayer.Builder());
        ahead.fit(new AsyncMultiDataSetIterator(Networks.iterator().optSeed(3).build(), 2), 2);
        MultiLayerNetwork one = network(DataType.DOUBLE, new JepaLossLayer.Builder());
        JepaMultiViewIterator batches = Networks.iterator().optSeed(3).build();
        for (int epoch = 0; epoch < 2; epoch++) {
            while (batches.hasNext()) {
                MultiDataSet batch = batches.next();
                one.fit(new DataSet(batch.getFeatures(0), batch.getLabels(0)));
            }
            batches.reset();
        }
        assertThat(ahead.params()).isEqualTo(one.params());
    }

    @Test
    void assignsAParameter() {
        MultiLayerNetwork network = network(DataType.FLOAT, new JepaLossLayer.Builder());
        INDArray value = Nd4j.ones(DataType.FLOAT, 6, Networks.VOCABULARY);
        network.getLayer(2).setParam("W", value);
        assertThat(network.getParam("2_W")).isEqualTo(value);
    }

    @Test
    void refusesSettingsOutOfRange() {
        assertRefused(new JepaLossLayer.Builder().nOut(5).lambda(-1), "lambda");
        assertRefused(new JepaLossLayer.Builder().nOut(5).lambda(0).gamma(0), "nothing");
        assertRefused(new JepaLossLayer.Builder(), "nOut");
        assertRefused(
                new JepaLossLayer.Builder().nOut(5).distance(DistanceKind.SEMANTIC_TUBE), "tube");
        assertRefused(new JepaLossLayer.Builder().nOut(5).target(TargetMode.EMA), "averaged");
        assertRefused(
                new JepaLossLayer.Builder().nOut(5).distance(DistanceKind.INFO_NCE).temperature(0),
                "temperature");
        assertRefused(
                new JepaLossLayer.Builder().nOut(5).activation(Activation.SIGMOID), "softmax");
        assertRefused(
                new JepaLossLayer.Builder().nOut(5).weightNoise(new DropConnect(0.5)),
                "weight noise");
    }

    @Test
    void refusesWeightNoiseOfTheWholeNetwork() {
        MultiLayerConfiguration configuration =
                new NeuralNetConfiguration.Builder()
                        .weightNoise(new DropConnect(0.5))
                        .list()
                        .layer(new LSTM.Builder().nIn(3).nOut(6).build())
                        .layer(new JepaLossLayer.Builder().nOut(5).build())
                        .setInputType(InputType.recurrent(3))
                        .build();
        assertThatExceptionOfType(DL4JInvalidConfigException.class)
                .isThrownBy(() -> new MultiLayerNetwork(configuration).init())
                .withMessageContaining("weight noise");
    }

    /** With the seed set, the draws of two passes are the same ones. */
    @Test
    void dropsOutHiddenStatesInTrainingOnlyAndDifferentiatesThat() {
        MultiLayerNetwork network =
                network(DataType.DOUBLE, new JepaLossLayer.Builder().dropOut(0.5).lambda(0.5));
        MultiLayerNetwork whole = network(DataType.DOUBLE, new JepaLossLayer.Builder().lambda(0.5));
        MultiDataSet batch = batch();
        DataSet data = new DataSet(batch.getFeatures(0), batch.getLabels(0));
        assertThat(network.score(data)).isEqualTo(whole.score(data));
        network.setInput(batch.getFeatures(0));
        network.setLabels(batch.getLabels(0));
        INDArray weight = network.getParam("2_W");
        double analytic = seeded(network).gradient().getGradientFor("2_W").getDouble(3, 5);
        double value = weight.getDouble(3, 5);
        weight.putScalar(3, 5, value + 1e-5);
        double above = seeded(network).score();
        weight.putScalar(3, 5, value - 1e-5);
        double below = seeded(network).score();
        assertThat(above).isNotEqualTo(whole.score(data));
        // Deeplearning4j divides gradients by the number of rows when it updates.
        assertThat(analytic / batch.getFeatures(0).size(0))
                .isCloseTo((above - below) / 2e-5, within(1e-8));
    }

    private static MultiLayerNetwork seeded(MultiLayerNetwork network) {
        Nd4j.getRandom().setSeed(11);
        network.computeGradientAndScore();
        return network;
    }

    @Test
    void oneContrastedPairIsWarnedOfOnce() {
        OnePairWarning.SAID.set(false);
        MultiLayerNetwork network =
                network(
                        DataType.FLOAT,
                        new JepaLossLayer.Builder().distance(DistanceKind.INFO_NCE));
        MultiDataSetIterator single = Networks.iterator().setBatchSize(1).build();
        Logger logger = (Logger) LoggerFactory.getLogger(OnePairWarning.class);
        ListAppender<ILoggingEvent> log = new ListAppender<>();
        log.start();
        logger.addAppender(log);
        try {
            network.fit(single.next());
            network.fit(single.next());
        } finally {
            logger.detachAppender(log);
        }
        assertThat(log.list)
                .singleElement()
                .satisfies(
                        event ->
                                assertThat(event.getFormattedMessage())
                                        .contains("one pair", "info-nce"));
    }

    @Test
    void itsMemoryIsFreedByCloseAndTakenAgainByTheNextRun() {
        MultiLayerNetwork network = network(DataType.DOUBLE, new JepaLossLayer.Builder());
        MultiDataSet batch = batch();
        DataSet data = new DataSet(batch.getFeatures(0), batch.getLabels(0));
        double score = network.score(data);
        network.getOutputLayer().close();
        assertThat(network.score(data)).isEqualTo(score);
    }

    private static void assertRefused(JepaLossLayer.Builder builder, String message) {
        assertThatExceptionOfType(DL4JInvalidConfigException.class)
                .isThrownBy(builder::build)
                .withMessageContaining("JepaLossLayer")
                .withMessageContaining(message);
    }

    @Test
    void refusesABodyThatKeepsNoTimeSteps() {
        assertThatExceptionOfType(DL4JInvalidConfigException.class)
                .isThrownBy(
                        () ->
                                new NeuralNetConfiguration.Builder()
                                        .list()
                                        .layer(new DenseLayer.Builder().nIn(4).nOut(6).build())
                                        .layer(new JepaLossLayer.Builder().nOut(5).build())
                                        .setInputType(InputType.feedForward(4))
                                        .build())
                .withMessageContaining("hidden state for each token");
        assertThatExceptionOfType(DL4JInvalidConfigException.class)
                .isThrownBy(
                        () ->
                                Networks.lstm(
                                        DataType.FLOAT,
                                        new Sgd(1),
                                        new JepaLossLayer.Builder().nIn(7)))
                .withMessageContaining("nIn is 7");
    }

    @Test
    void causalConvolutionsAreABody() {
        MultiLayerConfiguration configuration =
                CausalBody.require(
                        Networks.body(DataType.FLOAT, new Adam(0.01))
                                .layer(
                                        new Convolution1DLayer.Builder()
                                                .kernelSize(3)
                                                .nOut(6)
                                                .convolutionMode(ConvolutionMode.Causal)
                                                .build())
                                .layer(
                                        new JepaLossLayer.Builder()
                                                .nOut(Networks.VOCABULARY)
                                                .build())
                                .build());
        MultiLayerNetwork network = new MultiLayerNetwork(configuration);
        network.init();
        MultiDataSet batch = batch();
        DataSet data = new DataSet(batch.getFeatures(0), batch.getLabels(0));
        double before = network.score(data);
        network.fit(Networks.iterator().build(), 10);
        assertThat(network.score(data)).isLessThan(before);
    }

    @Test
    void refusesLabelsThatAreNotPackedAndTokensBeyondTheVocabulary() {
        MultiDataSet batch = batch();
        MultiLayerNetwork network = network(DataType.FLOAT, new JepaLossLayer.Builder());
        INDArray oneHot = Nd4j.zeros(DataType.FLOAT, batch.getFeatures(0).size(0), 12, 9);
        assertInvalid(network, new DataSet(batch.getFeatures(0), oneHot), "JepaMultiViewIterator");
        INDArray large = batch.getLabels(0).dup();
        large.putScalar(0, 0, 0, 99);
        assertInvalid(network, new DataSet(batch.getFeatures(0), large), "token 99, nOut is 12");
        INDArray fourClasses = Nd4j.zeros(DataType.FLOAT, batch.getLabels(0).shape());
        fourClasses.get(NDArrayIndex.all(), NDArrayIndex.point(1), NDArrayIndex.all()).assign(1);
        assertInvalid(network, new DataSet(batch.getFeatures(0), fourClasses), "one-hot");
        INDArray plain =
                Networks.iterator()
                        .setLayout(new LanguageModelLayout())
                        .build()
                        .next()
                        .getLabels(0);
        INDArray ids = Nd4j.zeros(DataType.INT32, plain.size(0), plain.size(2));
        assertInvalid(network, new DataSet(ids, plain), "no views to compare");
    }

    private static void assertInvalid(MultiLayerNetwork network, DataSet data, String message) {
        assertThatExceptionOfType(DL4JInvalidInputException.class)
                .isThrownBy(() -> network.fit(data))
                .withMessageContaining(message);
    }
}
