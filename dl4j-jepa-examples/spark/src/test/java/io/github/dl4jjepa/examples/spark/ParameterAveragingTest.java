package io.github.dl4jjepa.examples.spark;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jjepa.core.iterator.JepaMultiViewIterator;
import io.github.dl4jjepa.core.layer.JepaLossLayer;
import io.github.dl4jjepa.core.objective.DistanceKind;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.Message;
import io.github.dl4jjepa.core.view.SeparateLayout;
import io.github.dl4jjepa.core.view.SequenceEncoder;
import io.github.dl4jjepa.core.view.TextTokenizer;
import io.github.dl4jjepa.core.view.ViewOptions;
import io.github.dl4jjepa.examples.data.RegexGrammar;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.spark.api.RDDTrainingApproach;
import org.deeplearning4j.spark.impl.graph.SparkComputationGraph;
import org.deeplearning4j.spark.impl.paramavg.ParameterAveragingTrainingMaster;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.EnabledForJreRange;
import org.junit.jupiter.api.condition.JRE;
import org.junit.jupiter.api.condition.OS;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.learning.config.Sgd;

/** Deeplearning4j's own training on Spark: 1.0.0-M2 of it with the network of 1.0.0-M2.1. */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "Hadoop needs winutils.exe on Windows")
@EnabledForJreRange(max = JRE.JAVA_21, disabledReason = "Spark 3.5 does not run on it")
class ParameterAveragingTest {
    private static final int UNKNOWN = 0;
    private static final int SEPARATOR = 1;
    private static final int END = 2;
    private static final int PREDICTOR = 3;
    private static final int FIRST = 4;
    private static final int PAIRS = 4;

    /** Each pair is three rows: the conversation and its two views. */
    private static final int ROWS = 3 * PAIRS;

    private static List<MultiDataSet> batches(TextTokenizer letters, List<Example> examples) {
        JepaMultiViewIterator iterator =
                JepaMultiViewIterator.builder()
                        .setEncoder(new SequenceEncoder(letters, SEPARATOR, END, 200))
                        .setExamples(examples)
                        .setLayout(new SeparateLayout(ViewOptions.predictors(PREDICTOR)))
                        .setBatchSize(PAIRS)
                        .setPadId(UNKNOWN)
                        .build();
        List<MultiDataSet> batches = new ArrayList<>();
        iterator.forEachRemaining(batches::add);
        return batches;
    }

    private static TextTokenizer letters(List<Example> examples) {
        Map<String, Integer> vocabulary = new LinkedHashMap<>();
        for (Example example : examples) {
            for (Message message : example.messages()) {
                for (String letter : message.content().split("")) {
                    vocabulary.putIfAbsent(letter, FIRST + vocabulary.size());
                }
            }
        }
        return TextTokenizer.of(text -> List.of(text.split("")), vocabulary, UNKNOWN);
    }

    private static ComputationGraph network(int vocabulary) {
        MultiLayerNetwork network =
                new MultiLayerNetwork(
                        new NeuralNetConfiguration.Builder()
                                .seed(42)
                                .updater(new Sgd(0.1))
                                .list()
                                .layer(
                                        new EmbeddingSequenceLayer.Builder()
                                                .nIn(vocabulary)
                                                .nOut(8)
                                                .build())
                                .layer(new LSTM.Builder().nOut(12).build())
                                .layer(
                                        new JepaLossLayer.Builder()
                                                .nOut(vocabulary)
                                                .lambda(1)
                                                .distance(DistanceKind.INFO_NCE)
                                                .build())
                                .setInputType(InputType.recurrent(vocabulary))
                                .build());
        network.init();
        return network.toComputationGraph();
    }

    @Test
    void averagesTheNetworksThatEachWorkerTrainedOnItsOwnPairs() {
        List<Example> examples = RegexGrammar.examples(2 * PAIRS, 42);
        TextTokenizer letters = letters(examples);
        List<MultiDataSet> batches = batches(letters, examples);
        assertThat(batches).hasSize(2).allMatch(batch -> batch.getFeatures(0).size(0) == ROWS);
        ComputationGraph network = network(letters.vocabularySize());
        INDArray begin = network.params().dup();

        ComputationGraph first = network.clone();
        first.fit(batches.get(0));
        ComputationGraph second = network.clone();
        second.fit(batches.get(1));
        INDArray expected = first.params().add(second.params()).muli(0.5);

        ParameterAveragingTrainingMaster master =
                new ParameterAveragingTrainingMaster.Builder(2, ROWS)
                        // Rows, not pairs: of a batch that is cut, the views would be lost.
                        .batchSizePerWorker(ROWS)
                        .averagingFrequency(1)
                        .workerPrefetchNumBatches(0)
                        .rddTrainingApproach(RDDTrainingApproach.Direct)
                        .build();
        try (JavaSparkContext context =
                new JavaSparkContext(
                        new SparkConf()
                                .setMaster("local[2]")
                                .setAppName("test")
                                .set("spark.ui.enabled", "false")
                                .set("spark.driver.host", "127.0.0.1")
                                .set("spark.driver.bindAddress", "127.0.0.1"))) {
            INDArray trained =
                    new SparkComputationGraph(context, network, master)
                            .fitMultiDataSet(context.parallelize(batches, 2))
                            .params();
            assertThat(trained.equalsWithEps(begin, 1e-3)).isFalse();
            assertThat(trained.equalsWithEps(expected, 1e-6)).isTrue();
        }
    }
}
