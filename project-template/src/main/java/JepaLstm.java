import io.github.dl4jjepa.core.iterator.CsvExampleReader;
import io.github.dl4jjepa.core.iterator.JepaMultiViewIterator;
import io.github.dl4jjepa.core.layer.JepaLossLayer;
import io.github.dl4jjepa.core.layer.JepaLossListener;
import io.github.dl4jjepa.core.layer.RecurrentGenerator;
import io.github.dl4jjepa.core.objective.DistanceKind;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.SeparateLayout;
import io.github.dl4jjepa.core.view.SequenceEncoder;
import io.github.dl4jjepa.core.view.TextTokenizer;
import io.github.dl4jjepa.core.view.ViewOptions;
import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.learning.config.Adam;

public class JepaLstm {
    static final int PADDING = 0, SEPARATOR = 1, END = 2, UNKNOWN = 3, PREDICTOR = 4;

    /** Words, a backslash with what it escapes, and any other character. */
    static List<String> split(String text) {
        return Pattern.compile("\\\\.|\\w+|\\W").matcher(text).results()
                .map(MatchResult::group)
                .toList();
    }

    public static void main(String[] args) throws IOException {
        List<Example> pairs = CsvExampleReader.builder(Path.of(args[0]))
                .setText("sentence")
                .setCode("regex")
                .build()
                .readAll();

        Map<String, Integer> ids = new HashMap<>();
        pairs.forEach(pair -> pair.messages().forEach(message ->
                split(message.content()).forEach(token -> ids.putIfAbsent(token, 5 + ids.size()))));
        TextTokenizer tokenizer = TextTokenizer.of(JepaLstm::split, ids, UNKNOWN);
        SequenceEncoder encoder = new SequenceEncoder(tokenizer, SEPARATOR, END, 200);

        JepaMultiViewIterator batches = JepaMultiViewIterator.builder()
                .setEncoder(encoder)
                .setExamples(pairs)
                .setLayout(new SeparateLayout(ViewOptions.predictors(PREDICTOR)))
                .setBatchSize(16)
                .setPadId(PADDING)
                .optSeed(42)
                .build();

        int vocabulary = tokenizer.vocabularySize();
        MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder()
                .seed(42)
                .updater(new Adam(5e-3))
                .list()
                .layer(new EmbeddingSequenceLayer.Builder().nIn(vocabulary).nOut(32).build())
                .layer(new LSTM.Builder().nOut(96).build())
                .layer(new JepaLossLayer.Builder()
                        .nOut(vocabulary).lambda(0.1).distance(DistanceKind.INFO_NCE).build())
                .setInputType(InputType.recurrent(vocabulary))
                .build());
        network.init();
        network.setListeners(new JepaLossListener(10));
        network.fit(batches, 5);
        network.save(new File(args[1]));

        String sentence = pairs.get(0).messages().get(0).content();
        int[] answer = new RecurrentGenerator(network, END, 100)
                .generate(encoder.encodePrompt(sentence))
                .ids();
        Map<Integer, String> tokens = new HashMap<>();
        ids.forEach((token, id) -> tokens.put(id, token));
        System.out.println(sentence);
        System.out.println("    " + IntStream.of(answer)
                .mapToObj(id -> tokens.getOrDefault(id, "?"))
                .collect(Collectors.joining()));
    }
}
