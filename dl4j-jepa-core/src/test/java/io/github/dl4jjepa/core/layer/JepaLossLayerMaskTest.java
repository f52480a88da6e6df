package io.github.dl4jjepa.core.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.within;

import io.github.dl4jjepa.core.objective.DistanceKind;
import org.deeplearning4j.exception.DL4JInvalidInputException;
import org.deeplearning4j.gradientcheck.GradientCheckUtil;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.NoOp;

class JepaLossLayerMaskTest {
    private final org.nd4j.linalg.dataset.api.MultiDataSet batch =
            Networks.iterator().build().next();
    private final INDArray ids = batch.getFeatures(0);
    private final INDArray labels = batch.getLabels(0);

    @BeforeAll
    static void gradientChecksWantDoublePrecision() {
        Nd4j.setDefaultDataTypes(DataType.DOUBLE, DataType.DOUBLE);
    }

    @AfterAll
    static void backToSinglePrecision() {
        Nd4j.setDefaultDataTypes(DataType.FLOAT, DataType.FLOAT);
    }

    private static MultiLayerNetwork network(double lambda) {
        MultiLayerNetwork network =
                new MultiLayerNetwork(
                        Networks.lstm(
                                DataType.DOUBLE,
                                new NoOp(),
                                new JepaLossLayer.Builder()
                                        .lambda(lambda)
                                        .distance(DistanceKind.INFO_NCE)));
        network.init();
        return network;
    }

    private INDArray ones() {
        return Nd4j.ones(DataType.DOUBLE, ids.size(0), ids.size(1));
    }

    /** A mask that leaves out every second label and keeps what pairs read. */
    private INDArray half() {
        INDArray mask = ones();
        int seen = 0;
        for (int row = 0; row < ids.size(0); row++) {
            for (int t = 0; t < ids.size(1); t++) {
                if (labels.getInt(row, 0, t) >= 0 && seen++ % 2 == 0) {
                    mask.putScalar(row, t, 0);
                }
            }
        }
        return mask;
    }

    private INDArray labelsWithout(INDArray mask) {
        INDArray dropped = labels.dup();
        for (int row = 0; row < ids.size(0); row++) {
            for (int t = 0; t < ids.size(1); t++) {
                if (mask.getInt(row, t) == 0) {
                    dropped.putScalar(row, 0, t, -1);
                }
            }
        }
        return dropped;
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 0.5})
    void aMaskedLabelIsNoLabel(double lambda) {
        MultiLayerNetwork network = network(lambda);
        DataSet masked = new DataSet(ids, labels, null, half());
        DataSet dropped = new DataSet(ids, labelsWithout(half()));
        double score = network.score(masked);
        assertThat(score)
                .isEqualTo(network.score(dropped))
                .isNotEqualTo(network.score(new DataSet(ids, labels)));
        assertThat(
                        Networks.distance(
                                Networks.gradients(network, masked),
                                Networks.gradients(network, dropped)))
                .isZero();
        network.fit(masked);
        assertThat(network.score()).isEqualTo(score);
    }

    @Test
    void inAGraphToo() {
        ComputationGraph network = network(0.5).toComputationGraph();
        MultiDataSet masked =
                new MultiDataSet(
                        new INDArray[] {ids},
                        new INDArray[] {labels},
                        null,
                        new INDArray[] {half()});
        double score = network.score(masked);
        assertThat(score).isEqualTo(network.score(new MultiDataSet(ids, labelsWithout(half()))));
        network.fit(masked);
        assertThat(network.score()).isEqualTo(score);
        assertThat(network.score(new MultiDataSet(ids, labels))).isNotEqualTo(score);
    }

    @Test
    void aMaskOfOnesChangesNothingAndOneOfZerosLeavesNoLabel() {
        MultiLayerNetwork network = network(0);
        double score = network.score(new DataSet(ids, labels));
        assertThat(network.score(new DataSet(ids, labels, ones(), ones()))).isEqualTo(score);
        assertThat(network.score(new DataSet(ids, labels, null, ones().muli(0)))).isZero();
    }

    @Test
    void aMaskedRowScoresAsARnnOutputLayerScoresIt() {
        MultiLayerNetwork network = network(0);
        MultiLayerNetwork rnn = new MultiLayerNetwork(Networks.rnn(DataType.DOUBLE, new NoOp()));
        rnn.init();
        DataSet oneHot = Networks.oneHot(batch);
        INDArray mask = oneHot.getLabelsMaskArray().mul(half());
        double expected =
                rnn.score(new DataSet(ids, oneHot.getLabels(), null, mask))
                        * ids.size(0)
                        / mask.sumNumber().doubleValue();
        assertThat(network.score(new DataSet(ids, labels, null, half())))
                .isCloseTo(expected, within(1e-12));
        assertThat(
                        network.output(ids, false, null, half())
                                .distance2(rnn.output(ids, false, null, half())))
                .isLessThan(1e-12);
    }

    @Test
    void gradientsUnderMasksAgreeWithFiniteDifferences() {
        assertThat(
                        GradientCheckUtil.checkGradients(
                                new GradientCheckUtil.MLNConfig()
                                        .net(network(0.5))
                                        .input(ids)
                                        .labels(labels)
                                        .inputMask(paddingMask())
                                        .labelMask(half())
                                        .subset(true)
                                        .maxPerParam(20)))
                .isTrue();
    }

    /** 0 where no channel uses a token and none to its right. */
    private INDArray paddingMask() {
        INDArray mask = ones();
        for (int row = 0; row < ids.size(0); row++) {
            for (int t = (int) ids.size(1) - 1; t >= 0 && unused(row, t); t--) {
                mask.putScalar(row, t, 0);
            }
        }
        assertThat(mask.minNumber().doubleValue()).isZero();
        return mask;
    }

    private boolean unused(int row, int t) {
        return labels.getInt(row, 0, t) < 0
                && labels.getInt(row, 1, t) < 0
                && labels.getInt(row, 2, t) < 0;
    }

    @Test
    void aMaskOfThePaddingChangesNothing() {
        MultiLayerNetwork network = network(0.5);
        assertThat(network.score(new DataSet(ids, labels, paddingMask(), null)))
                .isEqualTo(network.score(new DataSet(ids, labels)));
    }

    @Test
    void aLabelAtAMaskedFeatureIsNoLabel() {
        MultiLayerNetwork network = network(0);
        INDArray mask = ones();
        INDArray dropped = labels.dup();
        for (int row = 0; row < ids.size(0); row++) {
            for (int t = 3; t < ids.size(1); t++) {
                mask.putScalar(row, t, 0);
                dropped.putScalar(row, 0, t, -1);
            }
        }
        assertThat(network.score(new DataSet(ids, labels, mask, null)))
                .isEqualTo(network.score(new DataSet(ids, dropped)))
                .isNotEqualTo(network.score(new DataSet(ids, labels)));
    }

    @Test
    void refusesAMaskThatHidesWhatAPairReads() {
        MultiLayerNetwork network = network(0.5);
        INDArray zeros = ones().muli(0);
        assertRefused(network, new DataSet(ids, labels, null, zeros), "mask of the labels is 0");
        assertRefused(network, new DataSet(ids, labels, null, zeros), "reads its prediction");
        assertRefused(network, new DataSet(ids, labels, zeros, null), "mask of the features is 0");
    }

    @Test
    void refusesMasksOfOtherShapesAndValues() {
        MultiLayerNetwork network = network(0);
        assertRefused(
                network,
                new DataSet(ids, labels, null, Nd4j.ones(DataType.DOUBLE, ids.size(0), 1)),
                "must be [rows, time]");
        assertRefused(
                network, new DataSet(ids, labels, null, ones().muli(0.5)), "masks are of 0 and 1");
    }

    private static void assertRefused(MultiLayerNetwork network, DataSet data, String message) {
        assertThatExceptionOfType(DL4JInvalidInputException.class)
                .isThrownBy(() -> network.score(data))
                .withMessageContaining(message);
        network.clearLayerMaskArrays();
    }

    @Test
    void masksOfOneBatchAreGoneAtTheNext() {
        MultiLayerNetwork network = network(0);
        network.fit(new DataSet(ids, labels, ones(), half()));
        MultiLayerNetwork unmasked = network(0);
        unmasked.setParams(network.params());
        assertThat(network.score(new DataSet(ids, labels)))
                .isEqualTo(unmasked.score(new DataSet(ids, labels)));
    }
}
