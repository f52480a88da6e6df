package io.github.dl4jjepa.core.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.dl4jjepa.core.training.MetricsFile;
import io.github.dl4jjepa.core.view.LanguageModelLayout;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.learning.config.Adam;
import org.slf4j.LoggerFactory;

class JepaLossListenerTest {
    private static final double LEARNING_RATE = 0.01;

    private final Logger logger = (Logger) LoggerFactory.getLogger(JepaLossListener.class);
    private final ListAppender<ILoggingEvent> heard = new ListAppender<>();

    @TempDir private Path folder;
    private Path file;

    @BeforeEach
    void listen() {
        file = folder.resolve("metrics.jsonl");
        heard.start();
        logger.setLevel(Level.INFO);
        logger.addAppender(heard);
    }

    @AfterEach
    void stopListening() {
        logger.detachAppender(heard);
        logger.setLevel(null);
    }

    private static MultiLayerNetwork network(double lambda) {
        MultiLayerNetwork network =
                new MultiLayerNetwork(
                        Networks.lstm(
                                DataType.FLOAT,
                                new Adam(LEARNING_RATE),
                                new JepaLossLayer.Builder().lambda(lambda)));
        network.init();
        return network;
    }

    private List<String> messages() {
        return heard.list.stream().map(ILoggingEvent::getFormattedMessage).toList();
    }

    private List<JsonNode> lines() throws IOException {
        List<JsonNode> lines = new ArrayList<>();
        for (String line : Files.readAllLines(file)) {
            lines.add(new ObjectMapper().readTree(line));
        }
        return lines;
    }

    @Test
    void logsTheMeansOfBothLosses() {
        MultiLayerNetwork network = network(0.5);
        network.setListeners(new JepaLossListener(2));

        network.fit(Networks.iterator().build(), 2);

        assertThat(messages())
                .hasSize(2)
                .allMatch(
                        message ->
                                message.matches(
                                        "Iteration [13]: language-model loss \\d\\.\\d{4}, JEPA"
                                                + " loss \\d\\.\\d{4}"));
    }

    @Test
    void saysThatThereIsNoJepaLossWithoutViews() {
        MultiLayerNetwork network = network(0);
        network.setListeners(new JepaLossListener(1));

        network.fit(Networks.iterator().setLayout(new LanguageModelLayout()).build(), 1);

        assertThat(messages()).hasSize(2).allMatch(message -> message.endsWith("JEPA loss none"));
    }

    @Test
    void theTwoLossesOfTheFileMakeTheScore() throws IOException {
        MultiLayerNetwork network = network(0.5);
        List<Double> scores = new ArrayList<>();
        network.setListeners(
                new JepaLossListener(100, new MetricsFile(file)),
                new org.deeplearning4j.optimize.api.BaseTrainingListener() {
                    @Override
                    public void iterationDone(Model model, int iteration, int epoch) {
                        scores.add(model.score());
                    }
                });

        network.fit(Networks.iterator().build(), 2);

        List<JsonNode> lines = lines();
        assertThat(lines).extracting(line -> line.path("step").asInt()).containsExactly(1, 2, 3, 4);
        assertThat(lines)
                .extracting(line -> line.path("epoch").asInt())
                .containsExactly(0, 0, 1, 1);
        for (int i = 0; i < 4; i++) {
            JsonNode line = lines.get(i);
            double sum = line.path("lm_loss").asDouble() + 0.5 * line.path("jepa_loss").asDouble();
            assertThat(line.path("jepa_loss").asDouble()).isPositive();
            assertThat(sum).isCloseTo(scores.get(i), within(1e-5));
            assertThat(line.path("loss").asDouble()).isCloseTo(sum, within(1e-12));
            assertThat(line.path("learning_rate").asDouble()).isEqualTo(LEARNING_RATE);
            assertThat(line.path("lambda").asDouble()).isEqualTo(0.5);
            assertThat(line.path("seconds").asDouble()).isPositive();
        }
    }

    @Test
    void aNetworkThatTrainsAgainContinuesItsFile() throws IOException {
        MultiLayerNetwork network = network(0.5);
        network.setListeners(new JepaLossListener(100, new MetricsFile(file)));
        network.fit(Networks.iterator().build(), 1);
        File saved = folder.resolve("network.zip").toFile();
        network.save(saved);
        network.fit(Networks.iterator().build(), 1);
        assertThat(lines()).hasSize(4);

        MultiLayerNetwork again = MultiLayerNetwork.load(saved, true);
        again.setListeners(new JepaLossListener(100, new MetricsFile(file)));
        again.fit(Networks.iterator().build().next());

        assertThat(lines()).extracting(line -> line.path("step").asInt()).containsExactly(1, 2, 3);
    }

    @Test
    void followsAGraphToo() throws IOException {
        ComputationGraph graph = network(0.5).toComputationGraph();
        graph.setListeners(new JepaLossListener(1, new MetricsFile(file)));

        graph.fit(Networks.iterator().build(), 1);

        assertThat(messages()).hasSize(2);
        assertThat(lines())
                .hasSize(2)
                .allMatch(line -> line.path("learning_rate").asDouble() == LEARNING_RATE);
    }

    @Test
    void refusesANetworkThatEndsOtherwise() {
        MultiLayerNetwork network =
                new MultiLayerNetwork(
                        Networks.body(DataType.FLOAT, new Adam(LEARNING_RATE))
                                .layer(
                                        new RnnOutputLayer.Builder()
                                                .nOut(Networks.VOCABULARY)
                                                .activation(Activation.SOFTMAX)
                                                .build())
                                .build());
        network.init();

        assertThatIllegalArgumentException()
                .isThrownBy(() -> new JepaLossListener(1).iterationDone(network, 0, 0))
                .withMessage("the network does not end in a JepaLossLayer");
    }

    @Test
    void refusesAFrequencyBelowOne() {
        assertThatIllegalArgumentException().isThrownBy(() -> new JepaLossListener(0));
    }
}
