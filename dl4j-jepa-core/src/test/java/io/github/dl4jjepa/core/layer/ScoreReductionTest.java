package io.github.dl4jjepa.core.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.dl4jjepa.core.view.LanguageModelLayout;
import java.util.Map;
import java.util.stream.IntStream;
import org.deeplearning4j.gradientcheck.GradientCheckUtil;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.NoOp;
import org.nd4j.linalg.learning.config.Sgd;

class ScoreReductionTest {
    private static final double TOLERANCE = 1e-12;

    private static MultiLayerNetwork initialized(MultiLayerConfiguration configuration) {
        MultiLayerNetwork network = new MultiLayerNetwork(configuration);
        network.init();
        return network;
    }

    private static MultiLayerNetwork jepa(double lambda, JepaLossLayer.ScoreReduction reduction) {
        return initialized(
                Networks.lstm(
                        DataType.DOUBLE,
                        new Sgd(0.1),
                        new JepaLossLayer.Builder().lambda(lambda).scoreReduction(reduction)));
    }

    private static MultiLayerNetwork rnn() {
        return initialized(Networks.rnn(DataType.DOUBLE, new Sgd(0.1)));
    }

    private static DataSet packed(MultiDataSet batch) {
        return new DataSet(batch.getFeatures(0), batch.getLabels(0));
    }

    /** A batch whose rows are the sequences alone. */
    private static MultiDataSet sequences() {
        return Networks.iterator().setLayout(new LanguageModelLayout()).build().next();
    }

    @Test
    void theSumPerRowIsWhatARnnOutputLayerScoresAndTrainsBy() {
        MultiDataSet batch = sequences();
        DataSet oneHot = Networks.oneHot(batch);
        MultiLayerNetwork jepa = jepa(0, JepaLossLayer.ScoreReduction.SUM_PER_ROW);
        MultiLayerNetwork rnn = rnn();
        assertThat(jepa.score(packed(batch))).isCloseTo(rnn.score(oneHot), within(TOLERANCE));
        assertThat(
                        Networks.distance(
                                Networks.gradients(jepa, packed(batch)),
                                Networks.gradients(rnn, oneHot)))
                .isLessThan(TOLERANCE);
        for (int step = 0; step < 3; step++) {
            jepa.fit(packed(batch));
            rnn.fit(oneHot);
        }
        assertThat(jepa.params().distance2(rnn.params())).isLessThan(TOLERANCE);
    }

    @Test
    void theMeanIsThatDividedByTheLabelsOfARow() {
        MultiDataSet batch = sequences();
        DataSet oneHot = Networks.oneHot(batch);
        double labelsPerRow =
                oneHot.getLabelsMaskArray().sumNumber().doubleValue()
                        / batch.getFeatures(0).size(0);
        MultiLayerNetwork jepa = jepa(0, JepaLossLayer.ScoreReduction.MEAN);
        MultiLayerNetwork rnn = rnn();
        assertThat(jepa.score(packed(batch)) * labelsPerRow)
                .isCloseTo(rnn.score(oneHot), within(TOLERANCE));
        Map<String, INDArray> gradients = Networks.gradients(jepa, packed(batch));
        gradients.values().forEach(gradient -> gradient.muli(labelsPerRow));
        assertThat(Networks.distance(gradients, Networks.gradients(rnn, oneHot)))
                .isLessThan(TOLERANCE);
    }

    /** The views' own rows have no labels and do not thin the sum out. */
    @Test
    void rowsWithoutLabelsDoNotCount() {
        MultiDataSet views = Networks.iterator().build().next();
        INDArray packed = views.getLabels(0);
        int[] labeled =
                IntStream.range(0, (int) packed.size(0))
                        .filter(
                                row ->
                                        IntStream.range(0, (int) packed.size(2))
                                                .anyMatch(t -> packed.getInt(row, 0, t) >= 0))
                        .toArray();
        assertThat(labeled).hasSizeLessThan((int) packed.size(0));
        MultiDataSet alone =
                new org.nd4j.linalg.dataset.MultiDataSet(
                        Nd4j.pullRows(views.getFeatures(0), 1, labeled), rows(packed, labeled));
        MultiLayerNetwork jepa = jepa(0, JepaLossLayer.ScoreReduction.SUM_PER_ROW);
        assertThat(jepa.score(packed(views)))
                .isCloseTo(rnn().score(Networks.oneHot(alone)), within(TOLERANCE));
    }

    private static INDArray rows(INDArray array, int[] rows) {
        INDArray[] slices =
                IntStream.of(rows).mapToObj(row -> array.slice(row)).toArray(INDArray[]::new);
        return Nd4j.stack(0, slices);
    }

    @Test
    void theReductionIsOneFactorForBothTerms() {
        DataSet data = packed(Networks.iterator().build().next());
        double plain = factor(0, data);
        assertThat(factor(0.7, data)).isCloseTo(plain, within(TOLERANCE));
        assertThat(plain).isGreaterThan(2);
    }

    private static double factor(double lambda, DataSet data) {
        return jepa(lambda, JepaLossLayer.ScoreReduction.SUM_PER_ROW).score(data)
                / jepa(lambda, JepaLossLayer.ScoreReduction.MEAN).score(data);
    }

    @Test
    void gradientsOfTheSumAgreeWithFiniteDifferences() {
        Nd4j.setDefaultDataTypes(DataType.DOUBLE, DataType.DOUBLE);
        try {
            MultiDataSet batch = Networks.iterator().build().next();
            MultiLayerNetwork network =
                    initialized(
                            Networks.lstm(
                                    DataType.DOUBLE,
                                    new NoOp(),
                                    new JepaLossLayer.Builder()
                                            .lambda(0.7)
                                            .scoreReduction(
                                                    JepaLossLayer.ScoreReduction.SUM_PER_ROW)
                                            .l2(0.01)));
            assertThat(
                            GradientCheckUtil.checkGradients(
                                    new GradientCheckUtil.MLNConfig()
                                            .net(network)
                                            .input(batch.getFeatures(0))
                                            .labels(batch.getLabels(0))
                                            .subset(true)
                                            .maxPerParam(20)))
                    .isTrue();
        } finally {
            Nd4j.setDefaultDataTypes(DataType.FLOAT, DataType.FLOAT);
        }
    }

    @Test
    void theReductionSurvivesJson() {
        MultiLayerConfiguration configuration =
                jepa(1, JepaLossLayer.ScoreReduction.SUM_PER_ROW).getLayerWiseConfigurations();
        assertThat(MultiLayerConfiguration.fromJson(configuration.toJson()))
                .isEqualTo(configuration)
                .isNotEqualTo(
                        jepa(1, JepaLossLayer.ScoreReduction.MEAN).getLayerWiseConfigurations());
    }
}
