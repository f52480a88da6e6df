package io.github.dl4jjepa.core.layer;

import io.github.dl4jjepa.core.objective.Losses;
import java.util.function.Consumer;
import org.deeplearning4j.earlystopping.scorecalc.ScoreCalculator;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;

/**
 * One of the two losses of a network that ends in a {@link JepaLossLayer}, on validation data, for
 * early stopping. For the objective as a whole there is Deeplearning4j's {@code
 * DataSetLossCalculator}.
 *
 * <p>A cosine distance near 0 may be a collapse and no success: stop by the language-model loss, or
 * by a distance that tells pairs apart.
 */
public final class JepaScoreCalculator implements ScoreCalculator<Model> {
    private static final long serialVersionUID = 1L;

    private final MultiDataSetIterator validation;
    private final boolean jepa;

    private JepaScoreCalculator(MultiDataSetIterator validation, boolean jepa) {
        this.validation = validation;
        this.jepa = jepa;
    }

    /**
     * The mean distance of a pair.
     *
     * @param validation batches in the form that the network is trained with
     */
    public static JepaScoreCalculator jepaLoss(MultiDataSetIterator validation) {
        return new JepaScoreCalculator(validation, true);
    }

    /**
     * The mean cross entropy of a token, in nats.
     *
     * @param validation batches in the form that the network is trained with
     */
    public static JepaScoreCalculator languageModelLoss(MultiDataSetIterator validation) {
        return new JepaScoreCalculator(validation, false);
    }

    /**
     * {@inheritDoc}
     *
     * @throws IllegalArgumentException if the network does not end in a {@link JepaLossLayer}
     */
    @Override
    public double calculateScore(Model network) {
        BodyCheck.check(network);
        Losses sum = Losses.NONE;
        Consumer<MultiDataSet> score = scorer(network);
        JepaOutputLayer layer = outputLayer(network);
        validation.reset();
        while (validation.hasNext()) {
            score.accept(validation.next());
            sum = sum.plus(layer.losses());
        }
        return jepa ? sum.jepa() : sum.languageModel();
    }

    /** Computes the losses of a batch; the output layer keeps them. */
    private static Consumer<MultiDataSet> scorer(Model network) {
        return network instanceof ComputationGraph graph
                ? batch -> graph.score(batch, false)
                : batch ->
                        ((MultiLayerNetwork) network)
                                .score(
                                        new DataSet(
                                                batch.getFeatures(0),
                                                batch.getLabels(0),
                                                batch.getFeaturesMaskArray(0),
                                                batch.getLabelsMaskArray(0)),
                                        false);
    }

    /**
     * A network's output layer.
     *
     * @throws IllegalArgumentException if that is not a {@link JepaLossLayer}
     */
    static JepaOutputLayer outputLayer(Model network) {
        Layer last = null;
        if (network instanceof MultiLayerNetwork layers) {
            last = layers.getOutputLayer();
        } else if (network instanceof ComputationGraph graph) {
            last = graph.getOutputLayer(0);
        }
        if (last instanceof JepaOutputLayer layer) {
            return layer;
        }
        throw new IllegalArgumentException("the network does not end in a JepaLossLayer");
    }

    @Override
    public boolean minimizeScore() {
        return true;
    }
}
