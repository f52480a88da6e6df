package io.github.dl4jjepa.examples.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.examples.data.RegexGrammar;
import io.github.dl4jjepa.models.decoder.TransformerDecoder;
import io.github.dl4jjepa.models.huggingface.CheckpointExporter;
import io.github.dl4jjepa.models.huggingface.CheckpointFolder;
import io.github.dl4jjepa.models.huggingface.DecoderLoader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.autodiff.listeners.records.History;

class DeeplearningExamplesTest {
    private static final Path MODELS_FIXTURES =
            Path.of("../../dl4j-jepa-models/src/test/resources");
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
        ComputationGraph network = Ex2DecoderInComputationGraph.train(checkpoint(folder), PAIRS, 1);
        assertThat(network.score()).isBetween(1.0, 8.0);
    }

    /** A checkpoint with random weights, of the configuration and the tokenizer of other tests. */
    private static Path checkpoint(Path folder) throws IOException {
        Path bare = Files.createDirectory(folder.resolve("bare"));
        Path tokenizer = MODELS_FIXTURES.resolve("tokenizers/nlrx-bpe-1k");
        for (String name : List.of("tokenizer.json", "tokenizer_config.json")) {
            Files.copy(tokenizer.resolve(name), bare.resolve(name));
        }
        String config = Files.readString(MODELS_FIXTURES.resolve("models/llama/config.json"));
        Files.writeString(
                bare.resolve("config.json"),
                config.replace("\"vocab_size\": 300", "\"vocab_size\": 1000"));
        CheckpointFolder source = CheckpointFolder.open(bare);
        CheckpointExporter.builder()
                .setSource(source)
                .build()
                .export(
                        TransformerDecoder.random(DecoderLoader.config(source), 1)
                                .parameters()
                                .arrays(),
                        folder.resolve("model"));
        return folder.resolve("model");
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
