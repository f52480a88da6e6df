package io.github.dl4jjepa.core.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.github.dl4jjepa.core.layer.RecurrentGenerator.Generation;
import java.util.Arrays;
import org.deeplearning4j.exception.DL4JInvalidConfigException;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.Convolution1DLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;

class RecurrentGeneratorTest {
    private static final int[] PROMPT = {4, 5, 6, Networks.SEPARATOR};

    private static MultiLayerNetwork trained(int epochs) {
        MultiLayerNetwork network =
                new MultiLayerNetwork(
                        Networks.lstm(
                                DataType.FLOAT,
                                new Adam(0.05),
                                new JepaLossLayer.Builder().lambda(0.1)));
        network.init();
        network.fit(
                Networks.iterator().setExamples(Networks.examples().subList(0, 1)).build(), epochs);
        return network;
    }

    @Test
    void writesWhatTheNetworkLearnt() {
        Generation generation =
                new RecurrentGenerator(trained(60), Networks.END, 10).generate(PROMPT);

        assertThat(generation.ids()).containsExactly(8, 9, 10);
        assertThat(generation.stopped()).isTrue();
    }

    @Test
    void generatesWhatWholeSequencesWouldHaveGiven() {
        MultiLayerNetwork network = trained(3);
        int[] ids = PROMPT;
        for (int i = 0; i < 6; i++) {
            INDArray output = network.output(Nd4j.createFromArray(new int[][] {ids}));
            INDArray last =
                    output.reshape(output.size(1), output.size(2)).getColumn(ids.length - 1L);
            ids = Arrays.copyOf(ids, ids.length + 1);
            ids[ids.length - 1] = last.argMax().getInt(0);
        }
        int[] expected = Arrays.copyOfRange(ids, PROMPT.length, ids.length);
        int neverGenerated = Networks.PREDICTOR;

        Generation ofNetwork = new RecurrentGenerator(network, neverGenerated, 6).generate(PROMPT);
        Generation ofGraph =
                new RecurrentGenerator(network.toComputationGraph(), neverGenerated, 6)
                        .generate(PROMPT);

        assertThat(ofNetwork.ids()).containsExactly(expected);
        assertThat(ofGraph.ids()).containsExactly(expected);
        assertThat(ofNetwork.stopped()).isFalse();
    }

    @Test
    void aSecondPromptDoesNotSeeTheFirst() {
        RecurrentGenerator generator = new RecurrentGenerator(trained(3), Networks.END, 6);

        int[] first = generator.generate(PROMPT).ids();
        generator.generate(7, Networks.SEPARATOR);

        assertThat(generator.generate(PROMPT).ids()).containsExactly(first);
    }

    @Test
    void readsABodyWhoseTimeComesBeforeItsFeatures() {
        MultiLayerNetwork network =
                new MultiLayerNetwork(
                        new NeuralNetConfiguration.Builder()
                                .seed(7)
                                .list()
                                .layer(
                                        new EmbeddingSequenceLayer.Builder()
                                                .nIn(Networks.VOCABULARY)
                                                .nOut(5)
                                                .outputDataFormat(RNNFormat.NWC)
                                                .build())
                                .layer(
                                        new LSTM.Builder()
                                                .nIn(5)
                                                .nOut(6)
                                                .dataFormat(RNNFormat.NWC)
                                                .build())
                                .layer(
                                        new JepaLossLayer.Builder()
                                                .nIn(6)
                                                .nOut(Networks.VOCABULARY)
                                                .dataFormat(RNNFormat.NWC)
                                                .build())
                                .build());
        network.init();

        assertThat(new RecurrentGenerator(network, Networks.END, 3).generate(PROMPT).ids())
                .hasSizeLessThanOrEqualTo(3);
    }

    @Test
    void refusesANetworkWithoutState() {
        MultiLayerNetwork network =
                new MultiLayerNetwork(
                        new NeuralNetConfiguration.Builder()
                                .seed(7)
                                .list()
                                .layer(
                                        new EmbeddingSequenceLayer.Builder()
                                                .nIn(Networks.VOCABULARY)
                                                .nOut(5)
                                                .build())
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
                                .setInputType(InputType.recurrent(Networks.VOCABULARY))
                                .build());
        network.init();

        assertThatExceptionOfType(DL4JInvalidConfigException.class)
                .isThrownBy(() -> new RecurrentGenerator(network, Networks.END, 3).generate(PROMPT))
                .withMessageContaining("state does not carry over from step to step");
    }

    @Test
    void refusesAnEmptyPrompt() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new RecurrentGenerator(trained(1), Networks.END, 3).generate());
    }

    @Test
    void refusesToGenerateNothing() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new RecurrentGenerator(trained(1), Networks.END, 0));
    }
}
