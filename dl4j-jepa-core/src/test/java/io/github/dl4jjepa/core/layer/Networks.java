package io.github.dl4jjepa.core.layer;

import io.github.dl4jjepa.core.iterator.JepaMultiViewIterator;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.Message;
import io.github.dl4jjepa.core.view.SeparateLayout;
import io.github.dl4jjepa.core.view.SequenceEncoder;
import io.github.dl4jjepa.core.view.TextTokenizer;
import io.github.dl4jjepa.core.view.ViewOptions;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.nd4j.linalg.api.buffer.DataType;
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

    static MultiLayerConfiguration lstm(
            DataType dataType, IUpdater updater, JepaLossLayer.Builder loss) {
        return body(dataType, updater).layer(loss.nOut(VOCABULARY).build()).build();
    }
}
