package io.github.dl4jjepa.models.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.within;

import io.github.dl4jjepa.core.decoder.Decoder;
import io.github.dl4jjepa.core.internal.samediff.Graphs;
import io.github.dl4jjepa.core.iterator.JepaMultiViewIterator;
import io.github.dl4jjepa.core.iterator.MultiDataSetForm;
import io.github.dl4jjepa.core.iterator.MultiViewBatch;
import io.github.dl4jjepa.core.layer.JepaLossLayer;
import io.github.dl4jjepa.core.objective.DistanceKind;
import io.github.dl4jjepa.core.objective.InfoNce;
import io.github.dl4jjepa.core.objective.JepaLoss;
import io.github.dl4jjepa.core.objective.JepaObjective;
import io.github.dl4jjepa.core.objective.Losses;
import io.github.dl4jjepa.core.objective.StepRequest;
import io.github.dl4jjepa.core.objective.TrainingGraph;
import io.github.dl4jjepa.core.ops.Ops;
import io.github.dl4jjepa.core.training.JepaTrainer;
import io.github.dl4jjepa.core.training.TrainingOptions;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.LayoutKind;
import io.github.dl4jjepa.core.view.Message;
import io.github.dl4jjepa.core.view.SequenceEncoder;
import io.github.dl4jjepa.core.view.TextTokenizer;
import io.github.dl4jjepa.core.view.ViewOptions;
import io.github.dl4jjepa.models.Fixtures;
import io.github.dl4jjepa.models.decoder.TensorNames;
import io.github.dl4jjepa.models.decoder.TransformerDecoder;
import io.github.dl4jjepa.models.huggingface.CheckpointFolder;
import io.github.dl4jjepa.models.huggingface.DecoderLoader;
import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.deeplearning4j.exception.DL4JInvalidInputException;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.transferlearning.FineTuneConfiguration;
import org.deeplearning4j.nn.transferlearning.TransferLearning;
import org.deeplearning4j.util.ModelSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.autodiff.listeners.records.History;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.TrainingConfig;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.adapter.SingletonMultiDataSetIterator;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Sgd;

/** The same mini-batch by our trainer, by a ComputationGraph and by SameDiff's fit. */
class DropInTest {
    static final double LAMBDA = 0.5;
    private static final double SGD_RATE = 0.1;
    private static final double ADAM_RATE = 1e-3;
    private static final CheckpointFolder FOLDER =
            CheckpointFolder.open(Fixtures.model("llama-untied"));
    static final int VOCABULARY = DecoderLoader.config(FOLDER).vocabularySize();

    static JepaMultiViewIterator.Builder iterator(LayoutKind layout) {
        TextTokenizer letters =
                new TextTokenizer() {
                    @Override
                    public int[] encode(String text) {
                        return text.chars().map(letter -> letter - 'a' + 5).toArray();
                    }

                    @Override
                    public int vocabularySize() {
                        return 300;
                    }
                };
        return JepaMultiViewIterator.builder()
                .setEncoder(new SequenceEncoder(letters, 1, 2, 32))
                .setExamples(List.of(pair("hello", "jepa"), pair("b", "ab"), pair("deep", "q")))
                .setLayout(layout.of(ViewOptions.predictors(298, 299)))
                .setBatchSize(3)
                .setPadId(0);
    }

    private static Example pair(String text, String code) {
        return Example.conversation(
                text, List.of(new Message("user", text), new Message("assistant", code)));
    }

    private static TransformerDecoder decoder(DataType dataType) {
        TransformerDecoder decoder = DecoderLoader.load(FOLDER);
        Map<String, INDArray> parameters = new LinkedHashMap<>();
        decoder.parameters()
                .arrays()
                .forEach((name, value) -> parameters.put(name, value.castTo(dataType)));
        return new TransformerDecoder(decoder.config(), parameters);
    }

    static JepaObjective objective(DistanceKind distance) {
        return JepaObjective.builder()
                .optLambda(LAMBDA)
                .optDistance(distance.of(InfoNce.DEFAULT_TEMPERATURE))
                .build();
    }

    /** What a step gives. */
    private record Step(double loss, Map<String, INDArray> parameters) {}

    private static Step byOurTrainer(
            DataType dataType, DistanceKind distance, LayoutKind layout, boolean adam) {
        TransformerDecoder decoder = decoder(dataType);
        JepaObjective objective = objective(distance);
        JepaMultiViewIterator batches = iterator(layout).build();
        try (TrainingGraph graph = new TrainingGraph(decoder, objective)) {
            if (adam) {
                double loss =
                        JepaTrainer.builder()
                                .setGradientSource(graph)
                                .setBatches(batches)
                                .optOptions(
                                        TrainingOptions.builder()
                                                .optMaxSteps(1)
                                                .optLearningRate(ADAM_RATE)
                                                .optMaxGradientNorm(0)
                                                .build())
                                .build()
                                .train()
                                .lastStep()
                                .orElseThrow()
                                .losses()
                                .total();
                return new Step(loss, decoder.parameters().arrays());
            }
            Map<String, INDArray> updates = new LinkedHashMap<>();
            StepRequest.Weights weights = new StepRequest.Weights(1, LAMBDA);
            try (MultiViewBatch batch = batches.nextBatch()) {
                Losses losses =
                        graph.accumulate(
                                graph.wholeStep(
                                        List.of(batch), weights, new StepRequest.Seed(0, 1)),
                                (name, gradient) ->
                                        updates.merge(
                                                name, gradient.mul(SGD_RATE), INDArray::addi));
                updates.forEach((name, update) -> decoder.parameters().array(name).subi(update));
                return new Step(losses.total(weights), decoder.parameters().arrays());
            }
        }
    }

    /**
     * Deeplearning4j's Adam adds its epsilon before the bias is corrected, torch's and ours after
     * it: at the first step that is a factor of sqrt(1 - beta2).
     */
    private static IUpdater updater(boolean adam) {
        return adam
                ? new Adam(ADAM_RATE, 0.9, 0.999, 1e-8 * Math.sqrt(1 - 0.999))
                : new Sgd(SGD_RATE);
    }

    static ComputationGraph network(DataType dataType, DistanceKind distance, IUpdater updater) {
        return network(dataType, distance, updater, DecoderVertex.load(FOLDER, VOCABULARY));
    }

    static ComputationGraph network(
            DataType dataType, DistanceKind distance, IUpdater updater, DecoderVertex decoder) {
        ComputationGraphConfiguration configuration =
                new NeuralNetConfiguration.Builder()
                        .dataType(dataType)
                        .updater(updater)
                        .graphBuilder()
                        .addInputs("ids", "positions", "segments", "prefixes")
                        .addVertex("decoder", decoder, "ids", "positions", "segments", "prefixes")
                        .addLayer(
                                "loss",
                                new JepaLossLayer.Builder()
                                        .nIn(decoder.hiddenSize())
                                        .nOut(decoder.vocabularySize())
                                        .hasBias(false)
                                        .lambda(LAMBDA)
                                        .distance(distance)
                                        .build(),
                                "decoder")
                        .setOutputs("loss")
                        .build();
        ComputationGraph network = new ComputationGraph(configuration);
        network.init();
        network.getParam("loss_W").assign(decoder.headOf());
        return network;
    }

    private static Step byComputationGraph(
            DataType dataType, DistanceKind distance, LayoutKind layout, boolean adam) {
        ComputationGraph network = network(dataType, distance, updater(adam));
        network.fit(iterator(layout).optForm(MultiDataSetForm.PACKED).build().next());
        Map<String, INDArray> parameters = new LinkedHashMap<>();
        network.getVertex("decoder")
                .paramTable(false)
                .forEach((name, array) -> parameters.put(name.replace('-', '_'), array));
        parameters.put(TensorNames.LLAMA.headWeight(), network.getParam("loss_W").transpose());
        return new Step(network.score(), parameters);
    }

    private static Step bySameDiff(
            DataType dataType, DistanceKind distance, LayoutKind layout, boolean adam) {
        TransformerDecoder decoder = decoder(dataType);
        SameDiff sd = Graphs.create();
        SDVariable hidden =
                decoder.hiddenStates(
                        sd,
                        new Decoder.TokenInputs(
                                sd.placeHolder("input_ids", DataType.INT32, -1, -1),
                                sd.placeHolder("position_ids", DataType.INT32, -1, -1),
                                sd.placeHolder("segment_ids", DataType.INT32, -1, -1),
                                sd.placeHolder("prefix_ids", DataType.INT32, -1, -1)));
        SDVariable labels = sd.placeHolder("label_ids", DataType.INT32, -1);
        SDVariable rows = Ops.gather(hidden, sd.placeHolder("label_indices", DataType.INT32, -1));
        SDVariable languageModel =
                Ops.crossEntropySum(decoder.logits(rows), labels, VOCABULARY)
                        .div(sd.sizeAt(labels, 0).castTo(dataType));
        JepaLoss loss = JepaLoss.attach(hidden, languageModel, objective(distance));
        sd.setTrainingConfig(
                TrainingConfig.builder()
                        .updater(updater(adam))
                        .dataSetFeatureMapping(
                                "input_ids", "position_ids", "segment_ids", "prefix_ids")
                        .dataSetLabelMapping(
                                "label_indices",
                                "label_ids",
                                loss.names().predictionIndices(),
                                loss.names().targetIndices(),
                                loss.names().answerIds())
                        .build());
        History history =
                sd.fit(
                        new SingletonMultiDataSetIterator(
                                iterator(layout).optForm(MultiDataSetForm.ARRAYS).build().next()),
                        1);
        Map<String, INDArray> parameters = new LinkedHashMap<>();
        decoder.parameters()
                .names()
                .forEach(name -> parameters.put(name, sd.getVariable(name).getArr()));
        return new Step(history.lossCurve().meanLoss(loss.loss())[0], parameters);
    }

    @ParameterizedTest
    @CsvSource({
        "DOUBLE, COSINE, SHARED_PREFIX, false, 1e-9",
        "DOUBLE, INFO_NCE, SEPARATE, false, 1e-9",
        "DOUBLE, COSINE, BLOCK, true, 1e-5",
        "FLOAT, COSINE, SHARED_PREFIX, false, 1e-5",
        // Adam divides small gradients by their own size, so that their rounding shows.
        "FLOAT, INFO_NCE, SHARED_PREFIX, true, 5e-5"
    })
    void allThreeWaysGiveTheSameLossAndWeights(
            DataType dataType,
            DistanceKind distance,
            LayoutKind layout,
            boolean adam,
            double tolerance) {
        Step ours = byOurTrainer(dataType, distance, layout, adam);
        assertSame(
                "ComputationGraph",
                byComputationGraph(dataType, distance, layout, adam),
                ours,
                tolerance);
        assertSame("SameDiff", bySameDiff(dataType, distance, layout, adam), ours, tolerance);
    }

    private static void assertSame(String way, Step actual, Step expected, double tolerance) {
        // A History holds floats.
        assertThat(actual.loss).as(way).isCloseTo(expected.loss, within(Math.max(tolerance, 1e-6)));
        assertThat(actual.parameters.keySet()).isEqualTo(expected.parameters.keySet());
        expected.parameters.forEach(
                (name, values) ->
                        assertThat(
                                        actual.parameters
                                                .get(name)
                                                .sub(values)
                                                .amaxNumber()
                                                .doubleValue())
                                .as("%s, %s", way, name)
                                .isLessThan(tolerance));
    }

    @Test
    void aGraphWithADecoderSurvivesJsonAndSaving(@TempDir Path folder) throws IOException {
        ComputationGraph network = network(DataType.FLOAT, DistanceKind.COSINE, new Adam(1e-3));
        var batch =
                iterator(LayoutKind.SHARED_PREFIX).optForm(MultiDataSetForm.PACKED).build().next();
        network.fit(batch);
        ComputationGraphConfiguration configuration = network.getConfiguration();
        assertThat(ComputationGraphConfiguration.fromJson(configuration.toJson()))
                .isEqualTo(configuration);
        File file = folder.resolve("network.zip").toFile();
        ModelSerializer.writeModel(network, file, true);
        ComputationGraph loaded = ModelSerializer.restoreComputationGraph(file);
        assertThat(loaded.score(batch)).isEqualTo(network.score(batch));
        loaded.fit(batch);
        network.fit(batch);
        assertThat(loaded.params()).isEqualTo(network.params());
    }

    @Test
    void aFrozenDecoderStaysAsItIs() {
        ComputationGraph network =
                new TransferLearning.GraphBuilder(
                                network(DataType.FLOAT, DistanceKind.COSINE, new Sgd(0.1)))
                        .fineTuneConfiguration(
                                new FineTuneConfiguration.Builder().updater(new Sgd(0.1)).build())
                        .setFeatureExtractor("decoder")
                        .build();
        INDArray embedding = embedding(network).dup();
        INDArray head = network.getParam("loss_W").dup();
        network.fit(
                iterator(LayoutKind.SHARED_PREFIX).optForm(MultiDataSetForm.PACKED).build().next());
        assertThat(embedding(network)).isEqualTo(embedding);
        assertThat(network.getParam("loss_W")).isNotEqualTo(head);
    }

    @Test
    void aMaskOfPaddingOnTheRightCountsAndOneOnTheLeftIsRefused() {
        ComputationGraph network = network(DataType.FLOAT, DistanceKind.COSINE, new Sgd(0.1));
        var batch = iterator(LayoutKind.SEPARATE).optForm(MultiDataSetForm.PACKED).build().next();
        double score = network.score(batch);
        INDArray packed = batch.getLabels(0);
        INDArray padding = Nd4j.ones(DataType.FLOAT, packed.size(0), packed.size(2));
        for (int row = 0; row < packed.size(0); row++) {
            for (int t = (int) packed.size(2) - 1; t >= 0 && unused(packed, row, t); t--) {
                padding.putScalar(row, t, 0);
            }
        }
        assertThat(padding.minNumber().intValue()).isZero();
        batch.setFeaturesMaskArrays(new INDArray[] {padding, padding, padding, padding});
        assertThat(network.score(batch)).isEqualTo(score);
        padding.put(0, 0, 0);
        assertThatExceptionOfType(DL4JInvalidInputException.class)
                .isThrownBy(() -> network.score(batch))
                .withMessageContaining("input_ids leaves out token 0 of row 0");
    }

    private static boolean unused(INDArray packed, int row, int t) {
        return IntStream.range(0, 3).allMatch(channel -> packed.getInt(row, channel, t) < 0);
    }

    @Test
    void theVertexIsPrintedWithItsSizes() {
        assertThat(DecoderVertex.load(FOLDER, VOCABULARY).toString())
                .isEqualTo(
                        "DecoderVertex(hiddenSize=%s, vocabularySize=%s)"
                                .formatted(DecoderLoader.config(FOLDER).hiddenSize(), VOCABULARY));
    }

    private static INDArray embedding(ComputationGraph network) {
        return network.getVertex("decoder").paramTable(false).get("model.embed-tokens.weight");
    }
}
