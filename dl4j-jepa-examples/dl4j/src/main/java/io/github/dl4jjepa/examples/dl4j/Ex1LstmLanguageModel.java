package io.github.dl4jjepa.examples.dl4j;

import io.github.dl4jjepa.core.iterator.JepaMultiViewIterator;
import io.github.dl4jjepa.core.layer.CausalBody;
import io.github.dl4jjepa.core.layer.JepaLossLayer;
import io.github.dl4jjepa.core.layer.JepaLossListener;
import io.github.dl4jjepa.core.layer.RecurrentGenerator;
import io.github.dl4jjepa.core.objective.DistanceKind;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.SeparateLayout;
import io.github.dl4jjepa.core.view.SequenceEncoder;
import io.github.dl4jjepa.core.view.ViewOptions;
import io.github.dl4jjepa.examples.data.RegexGrammar;
import java.util.List;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.learning.config.Adam;

/**
 * An LSTM language model, letter by letter, that writes a regular expression for a sentence, turned
 * JEPA by two changes: the output layer (2) and the iterator (1). The rest is Deeplearning4j as you
 * know it.
 *
 * <p>Run it from your IDE, or:
 *
 * <pre>
 * java -cp dl4j-jepa-examples/target/jepa.jar io.github.dl4jjepa.examples.dl4j.Ex1LstmLanguageModel
 * </pre>
 *
 * It takes a minute or two, writes the two losses every 20 iterations, and then answers one
 * sentence. Do not expect much of so small a network.
 */
public final class Ex1LstmLanguageModel {
    private static final int MAX_LETTERS = 200;

    private Ex1LstmLanguageModel() {}

    /** Trains, and answers a sentence. */
    public static void main(String[] args) {
        List<Example> pairs = RegexGrammar.examples(601, 42);
        Tokens letters = Tokens.letters(pairs);
        MultiLayerNetwork network = train(pairs.subList(0, 600), letters, 3);
        String sentence = pairs.get(600).messages().get(1).content();
        System.out.println(sentence);
        System.out.println("    " + answer(network, letters, sentence));
    }

    static MultiLayerNetwork train(List<Example> pairs, Tokens letters, int epochs) {
        // 1. The iterator. Each example becomes three rows: the sequence that the language model
        //    learns, the Text followed by a [PRED] token, and the Code alone. It packs which hidden
        //    states are used for what into the label array.
        JepaMultiViewIterator batches =
                JepaMultiViewIterator.builder()
                        .setEncoder(encoder(letters))
                        .setExamples(pairs)
                        .setLayout(new SeparateLayout(ViewOptions.predictors(Tokens.PREDICTOR)))
                        .setBatchSize(8)
                        .setPadId(Tokens.PADDING)
                        .optSeed(42)
                        .build();

        // 2. The output layer, where an RnnOutputLayer was.
        int vocabulary = letters.tokenizer().vocabularySize();
        MultiLayerConfiguration configuration =
                new NeuralNetConfiguration.Builder()
                        .seed(42)
                        .updater(new Adam(5e-3))
                        .list()
                        .layer(
                                new EmbeddingSequenceLayer.Builder()
                                        .nIn(vocabulary)
                                        .nOut(32)
                                        .build())
                        .layer(new LSTM.Builder().nOut(96).build())
                        .layer(
                                new JepaLossLayer.Builder()
                                        .nOut(vocabulary)
                                        .lambda(0.1)
                                        .distance(DistanceKind.INFO_NCE)
                                        .build())
                        .setInputType(InputType.recurrent(vocabulary))
                        .build();

        // Refuses a body whose hidden states see the tokens that they are to predict.
        CausalBody.require(configuration);

        // From here on nothing is new, except that a listener tells the two losses apart.
        MultiLayerNetwork network = new MultiLayerNetwork(configuration);
        network.init();
        network.setListeners(new JepaLossListener(20));
        network.fit(batches, epochs);
        return network;
    }

    /** Takes the most probable next letter until the end. */
    static String answer(MultiLayerNetwork network, Tokens letters, String sentence) {
        RecurrentGenerator generator = new RecurrentGenerator(network, Tokens.END, MAX_LETTERS);
        return letters.text(generator.generate(encoder(letters).encodePrompt(sentence)).ids());
    }

    private static SequenceEncoder encoder(Tokens letters) {
        return new SequenceEncoder(letters.tokenizer(), Tokens.SEPARATOR, Tokens.END, MAX_LETTERS);
    }
}
