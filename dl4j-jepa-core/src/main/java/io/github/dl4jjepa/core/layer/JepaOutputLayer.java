package io.github.dl4jjepa.core.layer;

import io.github.dl4jjepa.core.iterator.PackedLabels;
import io.github.dl4jjepa.core.objective.Losses;
import io.github.dl4jjepa.core.samediff.Arena;
import io.github.dl4jjepa.core.samediff.GradientFunction;
import io.github.dl4jjepa.core.samediff.GraphExecutor;
import io.github.dl4jjepa.core.samediff.Graphs;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import org.deeplearning4j.exception.DL4JInvalidInputException;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.layers.samediff.SameDiffOutputLayer;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.regularization.Regularization;

/** Runs a {@link JepaLossLayer}. */
final class JepaOutputLayer extends SameDiffOutputLayer {
    private static final long serialVersionUID = 1L;

    private transient Graph graph;

    /** The input of the last backward pass and its loss, for the score that is asked for next. */
    private transient INDArray scoredInput;

    private transient double scoredLoss;

    private transient Losses losses = Losses.NONE;

    JepaOutputLayer(NeuralNetConfiguration conf, DataType dataType) {
        super(conf, dataType);
    }

    /** The layer's graph over this instance's parameters. */
    private static final class Graph {
        private final Arena arena;
        private final GradientFunction losses;
        private final GraphExecutor probabilities;

        Graph(JepaLossLayer conf, Map<String, INDArray> parameters, DataType dataType) {
            SameDiff graph = Graphs.create();
            SDVariable input = graph.placeHolder(JepaLossLayer.INPUT, dataType, -1, -1, -1);
            Map<String, SDVariable> variables = new LinkedHashMap<>();
            parameters.forEach((name, array) -> variables.put(name, graph.var(name, array)));
            SDVariable loss = conf.defineLayer(graph, input, null, variables);
            graph.setLossVariables(loss.name());
            List<String> sums = new ArrayList<>(List.of(JepaLossLayer.LM_SUM));
            if (conf.getLambda() > 0) {
                sums.add(JepaLossLayer.JEPA_SUM);
            }
            List<String> differentiated = new ArrayList<>(parameters.keySet());
            differentiated.add(JepaLossLayer.INPUT);
            arena = new Arena(dataType);
            losses = new GradientFunction(graph, differentiated, sums, arena, List.of());
            probabilities =
                    new GraphExecutor(
                            graph, List.of(JepaLossLayer.PROBABILITIES), arena, List.of());
        }
    }

    private JepaLossLayer jepa() {
        return (JepaLossLayer) layerConf();
    }

    private Graph graph() {
        if (graph == null) {
            graph = new Graph(jepa(), paramTable, dataType);
        }
        return graph;
    }

    /** The input in row-major order, outside workspaces. */
    private INDArray ownInput() {
        int features = jepa().isTimeMajor() ? 2 : 1;
        if (input.rank() != 3 || input.size(features) != jepa().getNIn()) {
            throw new DL4JInvalidInputException(
                    String.format(
                            Locale.ROOT,
                            "JepaLossLayer: the input has the shape %s; it must be %s with nIn = %d",
                            Arrays.toString(input.shape()),
                            jepa().isTimeMajor() ? "[rows, time, nIn]" : "[rows, nIn, time]",
                            jepa().getNIn()));
        }
        return input.castTo(dataType).dup('c');
    }

    @Override
    public INDArray activate(boolean training, LayerWorkspaceMgr workspaceMgr) {
        assertInputSet(false);
        return Workspaces.outside(
                () -> {
                    INDArray[] result = new INDArray[1];
                    INDArray own = ownInput();
                    graph().probabilities
                            .run(
                                    Map.of(JepaLossLayer.INPUT, own),
                                    (name, value) ->
                                            result[0] =
                                                    workspaceMgr.dup(ArrayType.ACTIVATIONS, value));
                    own.close();
                    return result[0];
                });
    }

    /** The labels and weights of the batch. */
    private final class Feed implements AutoCloseable {
        private final Map<String, INDArray> placeholders = new HashMap<>();
        private final int count;
        private final int pairs;
        private final double lmWeight;
        private final double jepaWeight;

        Feed() {
            PackedLabels unpacked = unpackedLabels();
            double rows = input.size(0);
            count = unpacked.labels();
            pairs = unpacked.pairs();
            lmWeight = count == 0 ? 0 : jepa().getGamma() * rows / count;
            jepaWeight = pairs == 0 ? 0 : jepa().getLambda() * rows / pairs;
            placeholders.put(JepaLossLayer.INPUT, ownInput());
            placeholders.put(JepaLossLayer.LABEL_INDICES, unpacked.labelIndices());
            placeholders.put(JepaLossLayer.LABEL_IDS, unpacked.labelIds());
            placeholders.put(JepaLossLayer.LM_WEIGHT, Nd4j.scalar(dataType, lmWeight));
            if (jepa().getLambda() > 0) {
                placeholders.put(JepaLossLayer.PREDICTION_INDICES, unpacked.predictionIndices());
                placeholders.put(JepaLossLayer.TARGET_INDICES, unpacked.targetIndices());
                placeholders.put(JepaLossLayer.ANSWER_IDS, unpacked.answerIds());
                placeholders.put(JepaLossLayer.JEPA_WEIGHT, Nd4j.scalar(dataType, jepaWeight));
            }
        }

        @Override
        public void close() {
            placeholders.values().forEach(INDArray::close);
        }

        double loss(Map<String, Double> sums) {
            losses =
                    new Losses(
                            sums.get(JepaLossLayer.LM_SUM),
                            count,
                            sums.getOrDefault(JepaLossLayer.JEPA_SUM, 0.0),
                            jepa().getLambda() > 0 ? pairs : 0);
            return lmWeight * losses.languageModelSum() + jepaWeight * losses.jepaSum();
        }
    }

    private PackedLabels unpackedLabels() {
        PackedLabels unpacked;
        try {
            unpacked = PackedLabels.unpack(labels);
        } catch (IllegalArgumentException e) {
            throw new DL4JInvalidInputException("JepaLossLayer: " + e.getMessage());
        }
        long time = input.size(jepa().isTimeMajor() ? 1 : 2);
        require(
                labels.size(0) == input.size(0) && labels.size(2) == time,
                String.format(
                        Locale.ROOT,
                        "the labels are of %d rows of %d tokens, the body's output is of %d rows of"
                                + " %d: the body must keep the time steps",
                        labels.size(0),
                        labels.size(2),
                        input.size(0),
                        time));
        int largest = IntStream.of(unpacked.labelIds().toIntVector()).max().orElse(-1);
        require(
                largest < jepa().getNOut(),
                String.format(
                        Locale.ROOT,
                        "a label is token %d, nOut is %d: raise nOut to the size of the vocabulary,"
                                + " [PRED] tokens included",
                        largest,
                        jepa().getNOut()));
        require(
                jepa().getLambda() == 0 || unpacked.pairs() > 0,
                "the labels have no views to compare, and lambda is above 0: give the iterator a"
                        + " SeparateLayout with two views, or set lambda to 0");
        return unpacked;
    }

    private static void require(boolean condition, String message) {
        if (!condition) {
            throw new DL4JInvalidInputException("JepaLossLayer: " + message);
        }
    }

    @Override
    public Pair<Gradient, INDArray> backpropGradient(
            INDArray epsilon, LayerWorkspaceMgr workspaceMgr) {
        assertInputSet(true);
        INDArray inputGradient =
                Workspaces.outside(
                        () -> {
                            INDArray[] result = new INDArray[1];
                            try (Feed feed = new Feed()) {
                                Map<String, Double> sums = new HashMap<>();
                                graph().losses
                                        .run(
                                                feed.placeholders,
                                                (name, value) -> {
                                                    if (name.equals(JepaLossLayer.INPUT)) {
                                                        result[0] =
                                                                workspaceMgr.dup(
                                                                        ArrayType.ACTIVATION_GRAD,
                                                                        value);
                                                    } else {
                                                        gradTable.get(name).assign(value);
                                                    }
                                                },
                                                (name, value) ->
                                                        sums.put(name, value.getDouble(0)));
                                scoredInput = input;
                                scoredLoss = feed.loss(sums);
                            }
                            return result[0];
                        });
        Gradient gradient = new DefaultGradient();
        paramTable.keySet().forEach(name -> gradient.setGradientFor(name, gradTable.get(name)));
        return new Pair<>(gradient, inputGradient);
    }

    @Override
    public double computeScore(
            double regularization, boolean training, LayerWorkspaceMgr workspaceMgr) {
        double loss = scoredInput == input ? scoredLoss : loss();
        scoredInput = null;
        return (conf().isMiniBatch() ? loss / input.size(0) : loss) + regularization;
    }

    private double loss() {
        assertInputSet(false);
        return Workspaces.outside(
                () -> {
                    try (Feed feed = new Feed()) {
                        Map<String, Double> sums = new HashMap<>();
                        graph().losses
                                .runForward(
                                        feed.placeholders,
                                        (name, value) -> sums.put(name, value.getDouble(0)));
                        return feed.loss(sums);
                    }
                });
    }

    /** As layers that are no SameDiff layers do; the supertype leaves it at 0. */
    @Override
    public double calcRegularizationScore(boolean backpropOnlyParams) {
        double score = 0;
        for (Map.Entry<String, INDArray> parameter : paramTable.entrySet()) {
            List<Regularization> regularizations =
                    jepa().getRegularizationByParam(parameter.getKey());
            if (regularizations != null) {
                for (Regularization regularization : regularizations) {
                    score +=
                            regularization.score(
                                    parameter.getValue(), getIterationCount(), getEpochCount());
                }
            }
        }
        return score;
    }

    /** The losses of the last batch that was scored. */
    Losses losses() {
        return losses;
    }

    /** Assigns, where the supertype checks the shape and leaves it at that. */
    @Override
    public void setParam(String key, INDArray value) {
        super.setParam(key, value);
        getParam(key).assign(value);
    }
}
