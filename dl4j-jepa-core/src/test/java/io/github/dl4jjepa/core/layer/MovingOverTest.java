package io.github.dl4jjepa.core.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.github.dl4jjepa.core.iterator.JepaMultiViewIterator;
import io.github.dl4jjepa.core.iterator.MultiDataSetForm;
import io.github.dl4jjepa.core.iterator.OneHotLabelIterator;
import io.github.dl4jjepa.core.view.LanguageModelLayout;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.nd4j.evaluation.classification.Evaluation;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions;

/** From a trained network that ends in an RnnOutputLayer to one that ends in a JepaLossLayer. */
class MovingOverTest {
    private static JepaMultiViewIterator conversations() {
        return Networks.iterator().setLayout(new LanguageModelLayout()).build();
    }

    private static OneHotLabelIterator oneHot() {
        return new OneHotLabelIterator(conversations(), Networks.VOCABULARY);
    }

    private static MultiLayerNetwork trained;

    @BeforeAll
    static void train() {
        trained =
                new MultiLayerNetwork(
                        Networks.body(DataType.DOUBLE, new Adam(0.05))
                                .layer(
                                        new RnnOutputLayer.Builder(
                                                        LossFunctions.LossFunction.MCXENT)
                                                .nOut(Networks.VOCABULARY)
                                                .activation(Activation.SOFTMAX)
                                                .build())
                                .build());
        trained.init();
        trained.fit(oneHot(), 10);
    }

    /** The recipe of docs/deeplearning4j.md. */
    private static MultiLayerNetwork moved(double lambda) {
        MultiLayerNetwork network =
                new MultiLayerNetwork(
                        Networks.lstm(
                                DataType.DOUBLE,
                                new Adam(0.05),
                                new JepaLossLayer.Builder().lambda(lambda)));
        network.init();
        trained.paramTable().forEach((name, value) -> network.getParam(name).assign(value));
        return network;
    }

    @Test
    void aTrainedNetworkKeepsItsPredictions() {
        MultiLayerNetwork moved = moved(0.1);
        INDArray ids = conversations().next().getFeatures(0);

        INDArray difference = moved.output(ids).sub(trained.output(ids));

        assertThat(difference.amaxNumber().doubleValue()).isLessThan(1e-12);
    }

    @Test
    void aMovedNetworkTrainsOn() {
        MultiLayerNetwork moved = moved(0.1);
        double before = moved.score(data(Networks.iterator().build()));

        moved.fit(Networks.iterator().build(), 10);

        assertThat(moved.score(data(Networks.iterator().build()))).isLessThan(before - 0.1);
    }

    @Test
    void theLanguageModelLossIsRnnOutputLayersWhichSumsOverTokens() {
        DataSet batch = oneHot().next();
        double labels = batch.getLabelsMaskArray().sumNumber().doubleValue();

        double mean =
                JepaScoreCalculator.languageModelLoss(
                                Networks.iterator()
                                        .setLayout(new LanguageModelLayout())
                                        .setExamples(Networks.examples().subList(0, 3))
                                        .build())
                        .calculateScore(moved(0));

        assertThat(mean)
                .isCloseTo(trained.score(batch) * batch.numExamples() / labels, within(1e-9));
    }

    @Test
    void deeplearning4jEvaluatesBothAlike() {

        Evaluation before = trained.evaluate(oneHot());
        Evaluation after = moved(0.1).evaluate(oneHot());

        assertThat(after.accuracy()).isEqualTo(before.accuracy()).isBetween(0.3, 1.0);
        // The tokens of five codes and their ends.
        assertThat(after.getNumRowCounter()).isEqualTo(15);
    }

    @Test
    void perplexityIsThatOfTheCorrectTokensProbabilities() {
        MultiLayerNetwork moved = moved(0);
        DataSet batch =
                new OneHotLabelIterator(
                                Networks.iterator()
                                        .setLayout(new LanguageModelLayout())
                                        .setBatchSize(5)
                                        .build(),
                                Networks.VOCABULARY)
                        .next();
        INDArray correct = moved.output(batch.getFeatures()).mul(batch.getLabels()).sum(1);
        double logLikelihood = 0;
        for (double probability : correct.ravel().toDoubleVector()) {
            logLikelihood += probability > 0 ? Math.log(probability) : 0;
        }

        double perplexity =
                Math.exp(
                        JepaScoreCalculator.languageModelLoss(conversations())
                                .calculateScore(moved));

        assertThat(perplexity).isCloseTo(Math.exp(-logLikelihood / 15), within(1e-9));
    }

    @Test
    void viewsHaveNoOneHotLabels() {
        DataSet batch =
                new OneHotLabelIterator(Networks.iterator().build(), Networks.VOCABULARY).next();

        assertThat(batch.getLabels().shape())
                .containsExactly(9, Networks.VOCABULARY, batch.getFeatures().size(1));
        assertThat(batch.getLabelsMaskArray().sum(1).toDoubleVector())
                .containsExactly(4, 0, 0, 2, 0, 0, 3, 0, 0);
        assertThat(batch.getLabels().sum(1)).isEqualTo(batch.getLabelsMaskArray());
    }

    @Test
    void refusesALabelOutsideTheVocabulary() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new OneHotLabelIterator(conversations(), 8).next())
                .withMessageContaining("the vocabulary has 8 tokens");
    }

    @Test
    void refusesBatchesOfAnotherForm() {
        JepaMultiViewIterator arrays = Networks.iterator().optForm(MultiDataSetForm.ARRAYS).build();

        assertThatIllegalArgumentException()
                .isThrownBy(() -> new OneHotLabelIterator(arrays, Networks.VOCABULARY).next())
                .withMessageContaining("MultiDataSetForm.SEQUENCE");
    }

    private static DataSet data(JepaMultiViewIterator batches) {
        org.nd4j.linalg.dataset.api.MultiDataSet batch = batches.next();
        return new DataSet(batch.getFeatures(0), batch.getLabels(0));
    }
}
