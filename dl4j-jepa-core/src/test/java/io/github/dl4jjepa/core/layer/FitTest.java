package io.github.dl4jjepa.core.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.github.dl4jjepa.core.iterator.JepaMultiViewIterator;
import io.github.dl4jjepa.core.iterator.MultiDataSetForm;
import java.time.Duration;
import java.util.function.Consumer;
import org.deeplearning4j.datasets.iterator.MultiDataSetWrapperIterator;
import org.deeplearning4j.earlystopping.EarlyStoppingConfiguration;
import org.deeplearning4j.earlystopping.EarlyStoppingResult;
import org.deeplearning4j.earlystopping.termination.MaxEpochsTerminationCondition;
import org.deeplearning4j.earlystopping.trainer.EarlyStoppingTrainer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.listeners.ScoreIterationListener;
import org.deeplearning4j.parallelism.ParallelWrapper;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.learning.config.Sgd;
import org.slf4j.LoggerFactory;

/** What a Deeplearning4j user's {@code fit} does with our iterator, in fair weather and in foul. */
class FitTest {
    private static final Duration SOON = Duration.ofSeconds(60);

    private static MultiLayerNetwork network() {
        MultiLayerNetwork network =
                new MultiLayerNetwork(
                        Networks.lstm(
                                DataType.FLOAT,
                                new Sgd(0.1),
                                new JepaLossLayer.Builder().lambda(0.1)));
        network.init();
        return network;
    }

    /** Breaks in the second of an epoch's two batches. */
    private static JepaMultiViewIterator breaking(int epoch) {
        int[] batch = {0};
        return Networks.iterator()
                .optPreProcessor(
                        data -> {
                            if (batch[0]++ == 2 * epoch + 1) {
                                throw new IllegalStateException("the disk broke");
                            }
                        })
                .build();
    }

    private static void assertReachesTheCaller(Consumer<JepaMultiViewIterator> training) {
        assertTimeoutPreemptively(
                SOON,
                () ->
                        assertThatThrownBy(() -> training.accept(breaking(0)))
                                .hasStackTraceContaining("the disk broke"));
    }

    @Test
    void aNetworkTrainsWithoutAskingForAForm() {
        MultiLayerNetwork network = network();

        assertTimeoutPreemptively(SOON, () -> network.fit(Networks.iterator().build(), 1));

        assertThat(network.score()).isBetween(1.0, 4.0);
    }

    @Test
    void anExceptionOfTheIteratorReachesANetworksCaller() {
        assertReachesTheCaller(batches -> network().fit(batches, 1));
    }

    @Test
    void anExceptionOfTheIteratorReachesAGraphsCaller() {
        assertReachesTheCaller(batches -> network().toComputationGraph().fit(batches, 1));
    }

    @Test
    void anExceptionOfTheIteratorReachesParallelWrappersCaller() {
        MultiLayerNetwork network = network();
        // With listeners the wrapper looks for deeplearning4j-core, which these tests do without.
        network.getListeners().clear();
        assertReachesTheCaller(
                batches ->
                        new ParallelWrapper.Builder<>(network)
                                .workers(2)
                                .prefetchBuffer(2)
                                .build()
                                .fit(new MultiDataSetWrapperIterator(batches)));
    }

    /** Deeplearning4j puts exceptions into the result here. */
    @Test
    void anExceptionOfTheIteratorEndsEarlyStopping() {
        EarlyStoppingConfiguration<MultiLayerNetwork> configuration =
                new EarlyStoppingConfiguration.Builder<MultiLayerNetwork>()
                        .epochTerminationConditions(new MaxEpochsTerminationCondition(2))
                        .scoreCalculator(
                                JepaScoreCalculator.languageModelLoss(Networks.iterator().build()))
                        .build();

        EarlyStoppingResult<MultiLayerNetwork> result =
                assertTimeoutPreemptively(
                        SOON,
                        () ->
                                new EarlyStoppingTrainer(
                                                configuration,
                                                network(),
                                                new MultiDataSetWrapperIterator(breaking(1)))
                                        .fit());

        assertThat(result.getTerminationReason())
                .isEqualTo(EarlyStoppingResult.TerminationReason.Error);
        assertThat(result.getTerminationDetails()).contains("the disk broke");
    }

    @Test
    void aFormThatANetworkCannotReadIsRefused() {
        for (MultiDataSetForm form :
                new MultiDataSetForm[] {MultiDataSetForm.ARRAYS, MultiDataSetForm.PACKED}) {
            assertTimeoutPreemptively(
                    SOON,
                    () ->
                            assertThatThrownBy(
                                            () ->
                                                    network()
                                                            .fit(
                                                                    Networks.iterator()
                                                                            .optForm(form)
                                                                            .build(),
                                                                    1))
                                    .hasMessageContaining("inputs/outputs of 1"));
        }
    }

    /** Logback 1.2, which Deeplearning4j's users have, falls silent under slf4j-api 2. */
    @Test
    void listenersOfDeeplearning4jAreHeard() {
        Logger logger = (Logger) LoggerFactory.getLogger(ScoreIterationListener.class);
        ListAppender<ILoggingEvent> heard = new ListAppender<>();
        heard.start();
        logger.setLevel(Level.INFO);
        logger.addAppender(heard);
        try {
            MultiLayerNetwork network = network();
            network.setListeners(new ScoreIterationListener(1));
            network.fit(Networks.iterator().build(), 1);
        } finally {
            logger.detachAppender(heard);
            logger.setLevel(null);
        }

        assertThat(heard.list)
                .extracting(ILoggingEvent::getFormattedMessage)
                .hasSize(2)
                .allMatch(message -> message.startsWith("Score at iteration "));
    }
}
