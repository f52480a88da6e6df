package io.github.dl4jjepa.examples.dl4j;

import io.github.dl4jjepa.core.iterator.JepaMultiViewIterator;
import io.github.dl4jjepa.core.layer.JepaLossLayer;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.SharedPrefixLayout;
import io.github.dl4jjepa.core.view.ViewOptions;
import io.github.dl4jjepa.examples.data.RegexGrammar;
import io.github.dl4jjepa.models.huggingface.CheckpointFolder;
import io.github.dl4jjepa.models.layer.DecoderVertex;
import io.github.dl4jjepa.models.tokenizer.ChatExampleEncoder;
import io.github.dl4jjepa.models.tokenizer.ChatTemplate;
import io.github.dl4jjepa.models.tokenizer.ModelTokenizer;
import io.github.dl4jjepa.models.tokenizer.TokenizerFiles;
import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.optimize.listeners.ScoreIterationListener;
import org.deeplearning4j.util.ModelSerializer;
import org.nd4j.linalg.learning.config.Adam;

/**
 * A Hugging Face checkpoint as the body of a ComputationGraph, fine-tuned under the JEPA objective
 * by Deeplearning4j's own fit, and saved by its ModelSerializer.
 *
 * <pre>
 * java -cp dl4j-jepa-examples/target/jepa.jar \
 *     io.github.dl4jjepa.examples.dl4j.Ex2DecoderInComputationGraph SmolLM2-135M-Instruct network.zip
 * </pre>
 */
public final class Ex2DecoderInComputationGraph {
    private static final int MAX_LENGTH = 120;

    private Ex2DecoderInComputationGraph() {}

    /**
     * Fine-tunes.
     *
     * @param args the folder of the checkpoint, and the file for the trained network
     */
    public static void main(String[] args) throws IOException {
        if (args.length != 2) {
            System.err.println("arguments: CHECKPOINT_FOLDER NETWORK_FILE");
            System.exit(2);
        }
        ComputationGraph network = train(Path.of(args[0]), RegexGrammar.examples(40, 42), 1);
        ModelSerializer.writeModel(network, new File(args[1]), true);
    }

    static ComputationGraph train(Path checkpoint, List<Example> pairs, int epochs) {
        CheckpointFolder folder = CheckpointFolder.open(checkpoint);
        // The tokenizer gets a [PRED] token, and the decoder an embedding for it.
        TokenizerFiles files = TokenizerFiles.read(folder.path()).withPredictors(1);
        try (ModelTokenizer tokenizer = ModelTokenizer.open(files)) {
            ChatExampleEncoder encoder =
                    new ChatExampleEncoder(tokenizer, ChatTemplate.of(files), MAX_LENGTH);
            // A decoder keeps the views of one row apart: any layout will do, this one is cheapest.
            JepaMultiViewIterator batches =
                    JepaMultiViewIterator.builder()
                            .setEncoder(encoder)
                            .setExamples(pairs)
                            .setLayout(
                                    new SharedPrefixLayout(
                                            ViewOptions.predictors(tokenizer.predictorIds())))
                            .setBatchSize(4)
                            .setPadId(encoder.padId())
                            .optSeed(42)
                            .build();

            DecoderVertex decoder = DecoderVertex.load(folder, tokenizer.vocabularySize());
            ComputationGraphConfiguration configuration =
                    new NeuralNetConfiguration.Builder()
                            .updater(new Adam(2e-5))
                            .graphBuilder()
                            .addInputs("ids", "positions", "segments", "prefixes")
                            .addVertex(
                                    "decoder", decoder, "ids", "positions", "segments", "prefixes")
                            .addLayer(
                                    "loss",
                                    new JepaLossLayer.Builder()
                                            .nIn(decoder.hiddenSize())
                                            .nOut(decoder.vocabularySize())
                                            .hasBias(false)
                                            .lambda(0.5)
                                            .build(),
                                    "decoder")
                            .setOutputs("loss")
                            .build();

            ComputationGraph network = new ComputationGraph(configuration);
            network.init();
            // The checkpoint's head; a layer of Deeplearning4j cannot share the embedding's array.
            network.getParam("loss_W").assign(decoder.headOf());
            network.setListeners(new ScoreIterationListener(1));
            network.fit(batches, epochs);
            return network;
        }
    }
}
