package io.github.dl4jjepa.core.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.dl4jjepa.core.objective.DistanceKind;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.transferlearning.TransferLearning;
import org.deeplearning4j.nn.weights.WeightInit;
import org.deeplearning4j.util.ModelSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.Sgd;

class JepaLossLayerParametersTest {
    private static MultiLayerNetwork initialized(MultiLayerConfiguration configuration) {
        MultiLayerNetwork network = new MultiLayerNetwork(configuration);
        network.init();
        return network;
    }

    private static MultiLayerNetwork jepa() {
        return initialized(
                Networks.lstm(
                        DataType.DOUBLE,
                        new Sgd(0.1),
                        new JepaLossLayer.Builder().lambda(0.1).distance(DistanceKind.INFO_NCE)));
    }

    @Test
    void aSeedGivesTheParametersOfARnnOutputLayer() {
        MultiLayerNetwork rnn = initialized(Networks.rnn(DataType.DOUBLE, new Sgd(0.1)));
        assertThat(jepa().params()).isEqualTo(rnn.params());
    }

    @Test
    void theParametersOfANetworkThatEndedInARnnOutputLayerCarryOver() {
        MultiLayerNetwork rnn = initialized(Networks.rnn(DataType.DOUBLE, new Sgd(0.1)));
        rnn.fit(Networks.oneHot(Networks.iterator().build().next()));
        MultiLayerNetwork jepa = jepa();
        jepa.setParams(rnn.params());
        INDArray ids = Networks.iterator().build().next().getFeatures(0);
        assertThat(jepa.output(ids).distance2(rnn.output(ids))).isLessThan(1e-12);
        assertThat(jepa.getParam("2_W")).isEqualTo(rnn.getParam("2_W"));
        assertThat(jepa.getParam("2_b")).isEqualTo(rnn.getParam("2_b"));
    }

    /** What 0.1.0-SNAPSHOT wrote, before and after three more steps on one batch. */
    @Test
    void aNetworkSavedBy010ScoresAndTrainsAsItDid(@TempDir Path folder) throws IOException {
        MultiLayerNetwork network;
        try (InputStream zip = getClass().getResourceAsStream("/layer/0.1.0/lstm.zip")) {
            network = ModelSerializer.restoreMultiLayerNetwork(zip, true);
        }
        int[][] ids = {{4, 5, 0, 8}, {4, 5, 2, 1}, {8, 1, 1, 1}};
        int[][][] labels = {
            {{5, 0, 8, 1}, {-1, -1, -1, -1}, {-1, -1, -1, -1}, {-1, -1, -1, -1}},
            {{-1, -1, -1, -1}, {-1, -1, 0, -1}, {-1, -1, -1, -1}, {-1, -1, -1, -1}},
            {{-1, -1, -1, -1}, {-1, -1, -1, -1}, {-1, 0, -1, -1}, {-1, 0, -1, -1}}
        };
        DataSet data = new DataSet(Nd4j.createFromArray(ids), Nd4j.createFromArray(labels));
        assertThat(network.getParam("2_W").getDouble(5, 11)).isEqualTo(-0.33255818486213684);
        assertThat(network.score(data)).isCloseTo(5.046147241564431, within(1e-6));
        for (int step = 0; step < 3; step++) {
            network.fit(data);
        }
        assertThat(network.score(data)).isCloseTo(4.915958544770713, within(1e-6));
        assertThat(network.getParam("2_W").getDouble(2, 3))
                .isCloseTo(0.5334564447402954, within(1e-6));
        assertThat(network.getParam("2_b").getDouble(7))
                .isCloseTo(-0.08917208760976791, within(1e-6));

        File again = folder.resolve("again.zip").toFile();
        ModelSerializer.writeModel(network, again, true);
        assertThat(ModelSerializer.restoreMultiLayerNetwork(again).score(data))
                .isEqualTo(network.score(data));
        assertThat(network.clone().score(data)).isEqualTo(network.score(data));
    }

    @Test
    void nOutIsReplacedOnTheLayerAndBeforeIt() {
        MultiDataSet batch = Networks.iterator().build().next();
        DataSet data = new DataSet(batch.getFeatures(0), batch.getLabels(0));
        MultiLayerNetwork wider =
                new TransferLearning.Builder(jepa())
                        .nOutReplace(2, Networks.VOCABULARY + 5, WeightInit.XAVIER)
                        .build();
        assertThat(wider.getParam("2_W").shape()).containsExactly(6, Networks.VOCABULARY + 5);
        assertThat(wider.getParam("2_W").stdNumber().doubleValue()).isPositive();
        wider.fit(data);
        MultiLayerNetwork narrower =
                new TransferLearning.Builder(jepa()).nOutReplace(1, 4, WeightInit.XAVIER).build();
        assertThat(narrower.getParam("2_W").shape()).containsExactly(4, Networks.VOCABULARY);
        narrower.fit(data);
        assertThat(narrower.score()).isFinite().isPositive();
    }

    @Test
    void nOutIsReplacedInAGraph() {
        MultiDataSet batch = Networks.iterator().build().next();
        ComputationGraph graph = jepa().toComputationGraph();
        String body = graph.getConfiguration().getNetworkOutputs().get(0).replace("2", "1");
        String loss = graph.getConfiguration().getNetworkOutputs().get(0);
        ComputationGraph wider =
                new TransferLearning.GraphBuilder(graph)
                        .nOutReplace(loss, Networks.VOCABULARY + 5, WeightInit.XAVIER)
                        .build();
        assertThat(wider.getParam(loss + "_W").shape()).containsExactly(6, Networks.VOCABULARY + 5);
        wider.fit(batch);
        ComputationGraph narrower =
                new TransferLearning.GraphBuilder(graph)
                        .nOutReplace(body, 4, WeightInit.XAVIER)
                        .build();
        assertThat(narrower.getParam(loss + "_W").shape()).containsExactly(4, Networks.VOCABULARY);
        narrower.fit(batch);
        assertThat(narrower.score()).isFinite().isPositive();
    }

    @Test
    void summaryAndToStringNameTheLayerItsSizesAndItsObjective() {
        MultiLayerNetwork network = jepa();
        assertThat(network.summary())
                .contains("JepaLossLayer(lambda=0.1, info-nce) (JepaOutputLayer)")
                .contains("6,12")
                .contains("W:{6,12}, b:{12}");
        assertThat(network.getLayerWiseConfigurations().getConf(2).getLayer().toString())
                .contains("JepaLossLayer")
                .contains("nIn=6", "nOut=12", "lambda=0.1", "distance=info-nce");
        assertThat(network.getOutputLayer().toString()).contains("nOut=12", "distance=info-nce");
        assertThat(JepaVertex.of(DistanceKind.L2, 0.5).toString())
                .contains("JepaVertex", "lambda=0.5", "distance=l2");
    }

    @Test
    void weightInitializationIsTheNetworks() {
        MultiLayerConfiguration configuration =
                Networks.lstm(
                        DataType.DOUBLE,
                        new Adam(0.01),
                        new JepaLossLayer.Builder().weightInit(WeightInit.ONES).biasInit(0.5));
        MultiLayerNetwork network = initialized(configuration);
        assertThat(network.getParam("2_W")).isEqualTo(Nd4j.ones(DataType.DOUBLE, 6, 12));
        assertThat(network.getParam("2_b").meanNumber().doubleValue()).isEqualTo(0.5);
    }
}
