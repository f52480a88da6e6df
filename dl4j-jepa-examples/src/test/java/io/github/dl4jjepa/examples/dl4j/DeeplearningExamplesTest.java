package io.github.dl4jjepa.examples.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.examples.quickstart.RegexGrammar;
import io.github.dl4jjepa.examples.training.TinyModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.autodiff.listeners.records.History;

class DeeplearningExamplesTest {
    private static final List<Example> PAIRS = RegexGrammar.examples(16, 1);

    @Test
    void anLstmLearnsAndAnswers() {
        Tokens letters = Tokens.letters(PAIRS);
        MultiLayerNetwork once = Ex1LstmLanguageModel.train(PAIRS, letters, 1);
        MultiLayerNetwork often = Ex1LstmLanguageModel.train(PAIRS, letters, 8);
        assertThat(often.score()).isLessThan(once.score());
        assertThat(Ex1LstmLanguageModel.answer(often, letters, "lines")).isNotNull();
    }

    @Test
    void aCheckpointIsTrainedInAComputationGraph(@TempDir Path folder) throws IOException {
        Path model = TinyModel.write(folder.resolve("model"));
        ComputationGraph network = Ex2DecoderInComputationGraph.train(model, PAIRS, 1);
        assertThat(network.score()).isBetween(1.0, 8.0);
    }

    @Test
    void aGraphOfOnesOwnLearnsAndReportsItsLoss() {
        History history = Ex3PlainSameDiff.train(PAIRS, 4);
        double[] first = history.lossCurve().getLossValues().getRow(0).toDoubleVector();
        double[] last = history.lossCurve().getLossValues().getRow(3).toDoubleVector();
        assertThat(first[0]).isGreaterThan(2);
        assertThat(last[0]).isLessThan(first[0] - 0.2);
    }

    @Test
    void theOutputLayersAreComparedOnTheSameWeights() {
        List<String> report = Ex4CompareOutputLayers.compare(PAIRS, PAIRS.subList(0, 2), 0);
        assertThat(report).hasSize(4).allMatch(line -> line.contains("perplexity"));
        // Nothing was learnt, so that all predict the same.
        assertThat(report.stream().map(line -> line.replaceAll(".*held out", "")).distinct())
                .hasSize(1);
    }
}
