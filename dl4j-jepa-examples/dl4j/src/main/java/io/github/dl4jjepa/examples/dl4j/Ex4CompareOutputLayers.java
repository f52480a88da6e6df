package io.github.dl4jjepa.examples.dl4j;

import io.github.dl4jjepa.core.iterator.JepaMultiViewIterator;
import io.github.dl4jjepa.core.iterator.JsonLinesReader;
import io.github.dl4jjepa.core.iterator.OneHotLabelIterator;
import io.github.dl4jjepa.core.layer.JepaLossLayer;
import io.github.dl4jjepa.core.layer.JepaScoreCalculator;
import io.github.dl4jjepa.core.layer.RecurrentGenerator;
import io.github.dl4jjepa.core.objective.DistanceKind;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.LanguageModelLayout;
import io.github.dl4jjepa.core.view.SeparateLayout;
import io.github.dl4jjepa.core.view.SequenceEncoder;
import io.github.dl4jjepa.core.view.TextTokenizer;
import io.github.dl4jjepa.core.view.ViewLayout;
import io.github.dl4jjepa.core.view.ViewOptions;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions;

/**
 * What the JEPA term costs an LSTM, and what it brings: the same network with Deeplearning4j's
 * RnnOutputLayer, with a JepaLossLayer and lambda 0, and with lambda 0.1, from the same weights on
 * the same pairs. The arms take turns, an epoch each, so that a busy machine slows all of them; the
 * times are those of the training thread.
 *
 * <pre>
 * OMP_NUM_THREADS=1 java -cp dl4j-jepa-examples/target/jepa.jar \
 *     io.github.dl4jjepa.examples.dl4j.Ex4CompareOutputLayers train.jsonl test.jsonl 1000 4
 * </pre>
 */
public final class Ex4CompareOutputLayers {
    private static final int MAX_TOKENS = 400;
    private static final int BATCH_SIZE = 16;
    private static final int TESTED = 200;

    private final Tokens tokens;
    private final SequenceEncoder encoder;
    private final int vocabulary;

    private Ex4CompareOutputLayers(List<Example> pairs) {
        tokens = Tokens.words(pairs);
        TextTokenizer tokenizer = tokens.tokenizer();
        encoder = new SequenceEncoder(tokenizer, Tokens.SEPARATOR, Tokens.END, MAX_TOKENS);
        vocabulary = tokenizer.vocabularySize();
    }

    /**
     * Compares.
     *
     * @param args files with pairs to train and to test on, as JSON lines; how many of the first,
     *     and epochs
     */
    public static void main(String[] args) {
        if (args.length != 4) {
            System.err.println("arguments: TRAIN_FILE TEST_FILE PAIRS EPOCHS");
            System.exit(2);
        }
        List<Example> train = head(args[0], Integer.parseInt(args[2]));
        List<Example> test = head(args[1], TESTED);
        compare(train, test, Integer.parseInt(args[3])).forEach(System.out::println);
    }

    private static List<Example> head(String file, int count) {
        List<Example> all = new JsonLinesReader(Path.of(file)).readAll();
        return all.subList(0, Math.min(count, all.size()));
    }

    /** Trains all arms, and says a line about each. */
    static List<String> compare(List<Example> train, List<Example> test, int epochs) {
        Ex4CompareOutputLayers comparison = new Ex4CompareOutputLayers(train);
        List<Arm> arms = comparison.arms(train);
        for (int epoch = 0; epoch < epochs; epoch++) {
            for (int turn = 0; turn < arms.size(); turn++) {
                arms.get((epoch + turn) % arms.size()).trainAnEpoch();
            }
        }
        return arms.stream().map(arm -> comparison.report(arm, arms.get(0), test)).toList();
    }

    /** A network, what it is trained on, and how long each epoch took. */
    private static final class Arm {
        private final String name;
        private final MultiLayerNetwork network;
        private final Runnable epoch;
        private final List<Double> seconds = new ArrayList<>();

        Arm(String name, MultiLayerNetwork network, Runnable epoch) {
            this.name = name;
            this.network = network;
            this.epoch = epoch;
        }

        void trainAnEpoch() {
            long start = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
            epoch.run();
            long end = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
            seconds.add((end - start) / 1e9);
        }
    }

    private List<Arm> arms(List<Example> pairs) {
        MultiLayerNetwork plain =
                network(
                        new RnnOutputLayer.Builder(LossFunctions.LossFunction.MCXENT)
                                .nOut(vocabulary)
                                .activation(Activation.SOFTMAX)
                                .build());
        DataSetIterator oneHot =
                new OneHotLabelIterator(batches(pairs, new LanguageModelLayout()), vocabulary);
        List<Arm> arms = new ArrayList<>();
        arms.add(new Arm("RnnOutputLayer", plain, () -> plain.fit(oneHot, 1)));
        arms.add(arm("lambda 0", 0, pairs, new LanguageModelLayout()));
        arms.add(
                arm(
                        "lambda 0.1, a [PRED] token of its own",
                        0.1,
                        pairs,
                        new SeparateLayout(ViewOptions.predictors(Tokens.PREDICTOR))));
        arms.add(
                arm(
                        "lambda 0.1, the separator is [PRED]",
                        0.1,
                        pairs,
                        new SeparateLayout(ViewOptions.predictors(Tokens.SEPARATOR))));
        for (Arm arm : arms.subList(1, arms.size())) {
            copyWeights(plain, arm.network);
        }
        return arms;
    }

    private Arm arm(String name, double lambda, List<Example> pairs, ViewLayout layout) {
        MultiLayerNetwork network = jepaNetwork(lambda);
        JepaMultiViewIterator batches = batches(pairs, layout);
        return new Arm(name, network, () -> network.fit(batches, 1));
    }

    private MultiLayerNetwork jepaNetwork(double lambda) {
        return network(
                new JepaLossLayer.Builder()
                        .nOut(vocabulary)
                        .lambda(lambda)
                        .distance(DistanceKind.INFO_NCE)
                        .build());
    }

    private JepaMultiViewIterator batches(List<Example> pairs, ViewLayout layout) {
        return JepaMultiViewIterator.builder()
                .setEncoder(encoder)
                .setExamples(pairs)
                .setLayout(layout)
                .setBatchSize(BATCH_SIZE)
                .setPadId(Tokens.PADDING)
                .optSeed(42)
                .build();
    }

    private MultiLayerNetwork network(Layer outputLayer) {
        MultiLayerNetwork network =
                new MultiLayerNetwork(
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
                                .layer(outputLayer)
                                .setInputType(InputType.recurrent(vocabulary))
                                .build());
        network.init();
        return network;
    }

    private static void copyWeights(MultiLayerNetwork from, MultiLayerNetwork to) {
        from.paramTable().forEach((name, value) -> to.getParam(name).assign(value));
    }

    private String report(Arm arm, Arm baseline, List<Example> test) {
        MultiLayerNetwork measured = jepaNetwork(0);
        copyWeights(arm.network, measured);
        JepaMultiViewIterator batches = batches(test, new LanguageModelLayout());
        double loss = JepaScoreCalculator.languageModelLoss(batches).calculateScore(measured);
        double accuracy =
                measured.evaluate(new OneHotLabelIterator(batches, vocabulary)).accuracy();
        return String.format(
                Locale.ROOT,
                "%-38s %6.1f s an epoch (%.2f of RnnOutputLayer), held out: loss %.4f, perplexity"
                        + " %.3f, accuracy %.4f, exact %.3f",
                arm.name,
                median(arm.seconds),
                median(
                        IntStream.range(0, arm.seconds.size())
                                .mapToObj(i -> arm.seconds.get(i) / baseline.seconds.get(i))
                                .toList()),
                loss,
                Math.exp(loss),
                accuracy,
                exactMatch(measured, test));
    }

    private static double median(List<Double> values) {
        return values.isEmpty()
                ? Double.NaN
                : values.stream().sorted().toList().get(values.size() / 2);
    }

    private double exactMatch(MultiLayerNetwork network, List<Example> test) {
        RecurrentGenerator generator = new RecurrentGenerator(network, Tokens.END, MAX_TOKENS);
        return test.stream()
                .mapToInt(
                        pair -> {
                            String sentence = text(pair, 2);
                            int[] ids = generator.generate(encoder.encodePrompt(sentence)).ids();
                            return tokens.text(ids).equals(text(pair, 1)) ? 1 : 0;
                        })
                .average()
                .orElseThrow();
    }

    private static String text(Example pair, int fromTheEnd) {
        return pair.messages().get(pair.messages().size() - fromTheEnd).content();
    }
}
