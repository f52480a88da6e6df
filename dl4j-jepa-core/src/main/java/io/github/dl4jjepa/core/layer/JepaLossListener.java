package io.github.dl4jjepa.core.layer;

import io.github.dl4jjepa.core.objective.Losses;
import io.github.dl4jjepa.core.objective.StepRequest;
import io.github.dl4jjepa.core.training.MeanLosses;
import io.github.dl4jjepa.core.training.MetricsFile;
import java.util.Locale;
import java.util.Objects;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.nd4j.linalg.learning.config.IUpdater;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells the two losses of a network apart that ends in a {@link JepaLossLayer} while {@code fit}
 * trains it: the score is their weighted sum.
 *
 * <pre>{@code
 * network.setListeners(new JepaLossListener(20, new MetricsFile(Path.of("metrics.jsonl"))));
 * }</pre>
 *
 * <p>Not for use by several threads at once.
 */
public final class JepaLossListener extends BaseTrainingListener {
    private static final Logger LOG = LoggerFactory.getLogger(JepaLossListener.class);

    private final int frequency;
    private final MetricsFile metrics;
    private Losses sinceLogged = Losses.NONE;
    private int iterationsSinceLogged;
    private boolean started;
    private long lastNanos = System.nanoTime();

    /**
     * Logs the losses.
     *
     * @param frequency after how many iterations their mean over them is logged; 1 or more
     */
    public JepaLossListener(int frequency) {
        this(null, frequency);
    }

    /**
     * Logs the losses, and writes those of each iteration into a file. Lines of later iterations
     * that the file may have are removed when the first is written: a network that was saved and
     * trains again continues its file.
     *
     * @param frequency after how many iterations their mean over them is logged; 1 or more
     * @param metrics the file
     */
    public JepaLossListener(int frequency, MetricsFile metrics) {
        this(Objects.requireNonNull(metrics, "metrics"), frequency);
    }

    private JepaLossListener(MetricsFile metrics, int frequency) {
        if (frequency < 1) {
            throw new IllegalArgumentException("a frequency of " + frequency + " is less than 1");
        }
        this.frequency = frequency;
        this.metrics = metrics;
    }

    @Override
    public void onEpochStart(Model network) {
        lastNanos = System.nanoTime();
    }

    /**
     * {@inheritDoc}
     *
     * @throws IllegalArgumentException if the network does not end in a {@link JepaLossLayer}
     * @throws io.github.dl4jjepa.core.JepaException if the file cannot be written
     */
    @Override
    public void iterationDone(Model network, int iteration, int epoch) {
        JepaOutputLayer layer = JepaScoreCalculator.outputLayer(network);
        if (metrics != null) {
            write(layer, iteration, epoch);
        }
        sinceLogged = sinceLogged.plus(layer.losses());
        if (++iterationsSinceLogged == frequency) {
            LOG.info(
                    "Iteration {}: language-model loss {}, JEPA loss {}",
                    iteration,
                    format(sinceLogged.languageModel()),
                    format(sinceLogged.jepa()));
            sinceLogged = Losses.NONE;
            iterationsSinceLogged = 0;
        }
    }

    private void write(JepaOutputLayer layer, int iteration, int epoch) {
        if (!started) {
            started = true;
            metrics.keepUpTo(iteration);
        }
        JepaLossLayer configuration = (JepaLossLayer) layer.conf().getLayer();
        double lambda = configuration.getLambda();
        Losses losses = layer.losses();
        long nanos = System.nanoTime();
        metrics.onIteration(
                iteration + 1L,
                epoch,
                new MeanLosses(
                        losses.languageModel(),
                        losses.jepa(),
                        losses.total(new StepRequest.Weights(configuration.getGamma(), lambda))),
                lambda,
                learningRate(configuration, iteration, epoch),
                (nanos - lastNanos) / 1e9);
        lastNanos = nanos;
    }

    /** That of the output layer; NaN where its updater has none. */
    private static double learningRate(JepaLossLayer layer, int iteration, int epoch) {
        IUpdater updater = layer.getUpdaterByParam(JepaLossLayer.WEIGHT);
        return updater.hasLearningRate() ? updater.getLearningRate(iteration, epoch) : Double.NaN;
    }

    private static String format(double loss) {
        return Double.isNaN(loss) ? "none" : String.format(Locale.ROOT, "%.4f", loss);
    }
}
