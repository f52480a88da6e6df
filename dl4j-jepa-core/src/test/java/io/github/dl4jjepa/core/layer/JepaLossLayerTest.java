package io.github.dl4jjepa.core.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.dl4jjepa.core.iterator.JepaMultiViewIterator;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.Sgd;

class JepaLossLayerTest {
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
}
