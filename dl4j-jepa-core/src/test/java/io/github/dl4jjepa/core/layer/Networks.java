package io.github.dl4jjepa.core.layer;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jjepa.core.iterator.JepaMultiViewIterator;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.Message;
import io.github.dl4jjepa.core.view.SeparateLayout;
import io.github.dl4jjepa.core.view.SequenceEncoder;
import io.github.dl4jjepa.core.view.TextTokenizer;
import io.github.dl4jjepa.core.view.ViewOptions;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.IUpdater;

/** Small networks and data for this package's tests. */
final class Networks {
    static final int SEPARATOR = 0;
    static final int END = 1;
    static final int PREDICTOR = 2;
    static final int UNKNOWN = 3;
    static final int VOCABULARY = 12;

    private static final Map<String, Integer> WORDS =
            Map.of("a", 4, "b", 5, "c", 6, "d", 7, "x", 8, "y", 9, "z", 10, "w", 11);

    private Networks() {}

    static SequenceEncoder encoder() {
        return new SequenceEncoder(
                TextTokenizer.of(text -> List.of(text.split(" ")), WORDS, UNKNOWN),
                SEPARATOR,
                END,
                16);
    }

    private static Example pair(String text, String code) {
        return Example.conversation(
                text, List.of(new Message("user", text), new Message("assistant", code)));
    }

    static List<Example> examples() {
        return List.of(
                pair("a b c", "x y z"),
                pair("c", "z"),
                pair("b d", "y w"),
                pair("d a b", "w x y"),
                pair("c c", "z"));
    }

    static JepaMultiViewIterator.Builder iterator() {
        return JepaMultiViewIterator.builder()
                .setEncoder(encoder())
                .setExamples(examples())
                .setLayout(new SeparateLayout(ViewOptions.predictors(PREDICTOR)))
                .setBatchSize(3)
                .setPadId(END);
    }

    static NeuralNetConfiguration.ListBuilder body(DataType dataType, IUpdater updater) {
        return new NeuralNetConfiguration.Builder()
                .seed(7)
                .dataType(dataType)
                .updater(updater)
                .list()
                .layer(
                        new EmbeddingSequenceLayer.Builder()
                                .nIn(VOCABULARY)
                                .nOut(5)
                                .hasBias(false)
                                .build())
                .layer(new LSTM.Builder().nOut(6).build())
                .setInputType(InputType.recurrent(VOCABULARY));
    }

    /** The same body under Deeplearning4j's own output layer. */
    static MultiLayerConfiguration rnn(DataType dataType, IUpdater updater) {
        return body(dataType, updater)
                .layer(
                        new RnnOutputLayer.Builder()
                                .nOut(VOCABULARY)
                                .activation(Activation.SOFTMAX)
                                .build())
                .build();
    }

    /** A batch's labels as a {@code RnnOutputLayer} takes them: one-hot, with a mask. */
    static DataSet oneHot(MultiDataSet batch) {
        INDArray packed = batch.getLabels(0);
        INDArray labels = Nd4j.zeros(DataType.DOUBLE, packed.size(0), VOCABULARY, packed.size(2));
        INDArray mask = Nd4j.zeros(DataType.DOUBLE, packed.size(0), packed.size(2));
        for (int row = 0; row < packed.size(0); row++) {
            for (int t = 0; t < packed.size(2); t++) {
                int label = packed.getInt(row, 0, t);
                if (label >= 0) {
                    labels.putScalar(row, label, t, 1);
                    mask.putScalar(row, t, 1);
                }
            }
        }
        return new DataSet(batch.getFeatures(0), labels, null, mask);
    }

    /** Gradients by parameter, of a network that is not trained by it. */
    static Map<String, INDArray> gradients(MultiLayerNetwork network, DataSet data) {
        network.setLayerMaskArrays(data.getFeaturesMaskArray(), data.getLabelsMaskArray());
        network.setInput(data.getFeatures());
        network.setLabels(data.getLabels());
        network.computeGradientAndScore();
        Map<String, INDArray> gradients = new TreeMap<>();
        network.gradient()
                .gradientForVariable()
                .forEach((name, gradient) -> gradients.put(name, gradient.dup()));
        network.clearLayerMaskArrays();
        return gradients;
    }

    /** The largest difference between two networks' gradients. */
    static double distance(Map<String, INDArray> some, Map<String, INDArray> others) {
        assertThat(some.keySet()).isEqualTo(others.keySet());
        return some.keySet().stream()
                .mapToDouble(
                        name ->
                                some.get(name)
                                        .sub(others.get(name).reshape(some.get(name).shape()))
                                        .amaxNumber()
                                        .doubleValue())
                .max()
                .orElseThrow();
    }

    static MultiLayerConfiguration lstm(
            DataType dataType, IUpdater updater, JepaLossLayer.Builder loss) {
        return body(dataType, updater).layer(loss.nOut(VOCABULARY).build()).build();
    }
}
