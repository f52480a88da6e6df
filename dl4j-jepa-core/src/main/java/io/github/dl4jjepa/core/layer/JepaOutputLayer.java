package io.github.dl4jjepa.core.layer;

import io.github.dl4jjepa.core.internal.samediff.Arena;
import io.github.dl4jjepa.core.internal.samediff.GradientFunction;
import io.github.dl4jjepa.core.internal.samediff.GraphExecutor;
import io.github.dl4jjepa.core.internal.samediff.Graphs;
import io.github.dl4jjepa.core.iterator.MultiViewBatch;
import io.github.dl4jjepa.core.iterator.PackedLabels;
import io.github.dl4jjepa.core.objective.Losses;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import org.deeplearning4j.exception.DL4JInvalidInputException;
import org.deeplearning4j.nn.api.MaskState;
import org.deeplearning4j.nn.api.layers.IOutputLayer;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.layers.BaseLayer;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.DataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.factory.Nd4j;

/** Runs a {@link JepaLossLayer}. */
final class JepaOutputLayer extends BaseLayer<JepaLossLayer> implements IOutputLayer {
    private static final long serialVersionUID = 1L;

    private static final int NONE = MultiViewBatch.NO_INDEX;

    // Channels of packed labels, as PackedLabels numbers them.
    private static final int LABEL = 0;
    private static final int PREDICTION = 1;
    private static final int TARGET = 2;

    private transient Graph graph;
    private transient INDArray labels;

    /** {@code [rows, time]}, as the body handed it on; the labels' own is {@code maskArray}. */
    private transient INDArray featuresMask;

    /** Whether {@code fit} has ever asked this layer for a gradient. */
    private transient boolean trained;

    /** The input of the last backward pass and its loss, for the score that is asked for next. */
    private transient INDArray scoredInput;

    private transient double scoredLoss;

    private transient Losses losses = Losses.NONE;

    JepaOutputLayer(NeuralNetConfiguration conf, DataType dataType) {
        super(conf, dataType);
    }

    /** The layer's graph over this instance's parameters. */
    private static final class Graph implements AutoCloseable {
        private final Arena arena;
        private final GradientFunction losses;
        private final GraphExecutor probabilities;

        Graph(JepaLossLayer conf, Map<String, INDArray> parameters, DataType dataType) {
            SameDiff graph = Graphs.createForExecutor();
            SDVariable input = graph.placeHolder(JepaLossLayer.INPUT, dataType, -1, -1, -1);
            Map<String, SDVariable> variables = new LinkedHashMap<>();
            parameters.forEach(
                    (name, array) -> variables.put(name, graph.var(name, rowMajor(name, array))));
            SDVariable loss = conf.defineLayer(graph, input, variables);
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

        @Override
        public void close() {
            losses.close();
            probabilities.close();
            arena.close();
        }
    }

    /** W lies in column-major order: its transpose is what the graph reads and writes in order. */
    private static INDArray rowMajor(String parameter, INDArray array) {
        return parameter.equals(JepaLossLayer.WEIGHT) ? array.transpose() : array;
    }

    private Graph graph() {
        if (graph == null) {
            graph = new Graph(layerConf(), params, dataType);
        }
        return graph;
    }

    /** Frees the memory that is kept from run to run; the next run allocates it anew. */
    @Override
    public void close() {
        if (graph != null) {
            graph.close();
            graph = null;
        }
    }

    /** The input in row-major order, outside workspaces. */
    private INDArray ownInput() {
        int features = layerConf().isTimeMajor() ? 2 : 1;
        require(
                input.rank() == 3 && input.size(features) == layerConf().getNIn(),
                "the input has the shape %s; it must be %s with nIn = %d",
                Arrays.toString(input.shape()),
                layerConf().isTimeMajor() ? "[rows, time, nIn]" : "[rows, nIn, time]",
                layerConf().getNIn());
        return input.castTo(dataType).dup('c');
    }

    private long time() {
        return input.size(layerConf().isTimeMajor() ? 1 : 2);
    }

    @Override
    public INDArray activate(boolean training, LayerWorkspaceMgr workspaceMgr) {
        assertInputSet(false);
        applyDropOutIfNecessary(training, workspaceMgr);
        return Workspaces.outside(
                () -> {
                    INDArray[] result = new INDArray[1];
                    try (INDArray own = ownInput()) {
                        graph().probabilities
                                .run(
                                        Map.of(JepaLossLayer.INPUT, own),
                                        (name, value) ->
                                                result[0] =
                                                        workspaceMgr.dup(
                                                                ArrayType.ACTIVATIONS, value));
                    }
                    if (maskArray != null) {
                        maskProbabilities(result[0]);
                    }
                    return result[0];
                });
    }

    /** As a {@code RnnOutputLayer} does: no probabilities where the labels are masked. */
    private void maskProbabilities(INDArray probabilities) {
        requireMask("labels", maskArray);
        long rows = input.size(0);
        try (INDArray mask =
                layerConf().isTimeMajor()
                        ? maskArray.castTo(dataType).dup('c').reshape(rows, time(), 1)
                        : maskArray.castTo(dataType).dup('c').reshape(rows, 1, time())) {
            probabilities.muli(mask);
        }
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
            placeholders.put(JepaLossLayer.LABEL_INDICES, unpacked.labelIndices());
            placeholders.put(JepaLossLayer.LABEL_IDS, unpacked.labelIds());
            if (unpacked.pairs() > 0) {
                placeholders.put(JepaLossLayer.PREDICTION_INDICES, unpacked.predictionIndices());
                placeholders.put(JepaLossLayer.TARGET_INDICES, unpacked.targetIndices());
                placeholders.put(JepaLossLayer.ANSWER_IDS, unpacked.answerIds());
            }
            try {
                requireLabels(unpacked);
                count = unpacked.labels();
                pairs = unpacked.pairs();
                // Deeplearning4j divides gradients by the number of rows.
                double scale = input.size(0) * scale(unpacked);
                lmWeight = count == 0 ? 0 : layerConf().getGamma() * scale / count;
                jepaWeight = pairs == 0 ? 0 : layerConf().getLambda() * scale / pairs;
                placeholders.put(JepaLossLayer.INPUT, ownInput());
                placeholders.put(JepaLossLayer.LM_WEIGHT, Nd4j.scalar(dataType, lmWeight));
                placeholders.put(JepaLossLayer.JEPA_WEIGHT, Nd4j.scalar(dataType, jepaWeight));
            } catch (RuntimeException e) {
                close();
                throw e;
            }
        }

        /** What the objective is multiplied with. */
        private double scale(PackedLabels unpacked) {
            if (layerConf().getScoreReduction() == JepaLossLayer.ScoreReduction.MEAN
                    || count == 0) {
                return 1;
            }
            int[] indices = unpacked.labelIndices().toIntVector();
            long rows =
                    IntStream.range(0, count)
                            .mapToLong(label -> indices[label] / time())
                            .distinct()
                            .count();
            return (double) count / rows;
        }

        /** What the graph reads; with lambda 0 it does not read the pairs. */
        Map<String, INDArray> placeholders() {
            if (layerConf().getLambda() > 0) {
                return placeholders;
            }
            Map<String, INDArray> read = new HashMap<>(placeholders);
            read.keySet()
                    .removeAll(
                            List.of(
                                    JepaLossLayer.PREDICTION_INDICES,
                                    JepaLossLayer.TARGET_INDICES,
                                    JepaLossLayer.ANSWER_IDS,
                                    JepaLossLayer.JEPA_WEIGHT));
            return read;
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
                            layerConf().getLambda() > 0 ? pairs : 0);
            return lmWeight * losses.languageModelSum() + jepaWeight * losses.jepaSum();
        }
    }

    private PackedLabels unpackedLabels() {
        try (INDArray packed = packedLabels()) {
            return PackedLabels.unpack(packed);
        } catch (IllegalArgumentException e) {
            throw new DL4JInvalidInputException("JepaLossLayer: " + e.getMessage());
        }
    }

    /** A copy of the labels, without those at masked positions. */
    private INDArray packedLabels() {
        require(labels != null, "there are no labels");
        INDArray packed = labels.castTo(DataType.INT32).dup('c');
        if (packed.rank() != 3 || packed.size(1) != PackedLabels.CHANNELS) {
            return packed; // for PackedLabels to refuse
        }
        require(
                packed.size(0) == input.size(0) && packed.size(2) == time(),
                "the labels are of %d rows of %d tokens, the body's output is of %d rows of %d: the"
                        + " body must keep the time steps, and backpropType must be Standard"
                        + " (TruncatedBPTT cuts the labels)",
                packed.size(0),
                packed.size(2),
                input.size(0),
                time());
        require(
                packed.isEmpty() || packed.minNumber().intValue() < 0,
                "labels of shape %s without a -1 are one-hot, not packed: they must come from a"
                        + " JepaMultiViewIterator",
                Arrays.toString(packed.shape()));
        mask("labels", maskArray, packed);
        mask("features", featuresMask, packed);
        return packed;
    }

    private void mask(String what, INDArray mask, INDArray packed) {
        if (mask == null) {
            return;
        }
        requireMask(what, mask);
        double[][] kept = mask.castTo(DataType.DOUBLE).dup('c').toDoubleMatrix();
        for (int row = 0; row < kept.length; row++) {
            for (int t = 0; t < kept[row].length; t++) {
                require(
                        kept[row][t] == 0 || kept[row][t] == 1,
                        "the mask of the %s has %s at row %d, token %d; masks are of 0 and 1",
                        what,
                        kept[row][t],
                        row,
                        t);
                if (kept[row][t] == 0) {
                    packed.putScalar(new int[] {row, LABEL, t}, NONE);
                    if (layerConf().getLambda() > 0) {
                        requireUnread(what, packed, row, t);
                    }
                }
            }
        }
    }

    private static void requireUnread(String what, INDArray packed, int row, int t) {
        for (int channel : new int[] {PREDICTION, TARGET}) {
            int pair = packed.getInt(row, channel, t);
            require(
                    pair == NONE,
                    "the mask of the %s is 0 at row %d, token %d, where pair %d reads its %s: leave"
                            + " the pair out of the batch, or the token unmasked",
                    what,
                    row,
                    t,
                    pair,
                    channel == PREDICTION ? "prediction" : "target");
        }
    }

    private void requireMask(String what, INDArray mask) {
        require(
                mask.rank() == 2 && mask.size(0) == input.size(0) && mask.size(1) == time(),
                "the mask of the %s has the shape %s; it must be [rows, time] = [%d, %d]",
                what,
                Arrays.toString(mask.shape()),
                input.size(0),
                time());
    }

    private void requireLabels(PackedLabels unpacked) {
        int largest = IntStream.of(unpacked.labelIds().toIntVector()).max().orElse(NONE);
        require(
                largest < layerConf().getNOut(),
                "a label is token %d, nOut is %d: raise nOut to the size of the vocabulary, [PRED]"
                        + " tokens included",
                largest,
                layerConf().getNOut());
        require(
                layerConf().getLambda() == 0 || unpacked.pairs() > 0,
                "the labels have no views to compare, and lambda is above 0: give the iterator a"
                        + " SeparateLayout with two views, or set lambda to 0");
        if (layerConf().getLambda() > 0) {
            OnePairWarning.check(
                    layerConf().objective().distance(),
                    layerConf().getDistance(),
                    unpacked.pairs());
        }
    }

    private static void require(boolean condition, String message, Object... arguments) {
        if (!condition) {
            throw new DL4JInvalidInputException(
                    "JepaLossLayer: " + String.format(Locale.ROOT, message, arguments));
        }
    }

    @Override
    public Pair<Gradient, INDArray> backpropGradient(
            INDArray epsilon, LayerWorkspaceMgr workspaceMgr) {
        assertInputSet(true);
        trained = true;
        applyDropOutIfNecessary(true, workspaceMgr);
        INDArray inputGradient =
                Workspaces.outside(
                        () -> {
                            INDArray[] result = new INDArray[1];
                            try (Feed feed = new Feed()) {
                                Map<String, Double> sums = new HashMap<>();
                                graph().losses
                                        .run(
                                                feed.placeholders(),
                                                (name, value) -> {
                                                    if (name.equals(JepaLossLayer.INPUT)) {
                                                        result[0] =
                                                                workspaceMgr.dup(
                                                                        ArrayType.ACTIVATION_GRAD,
                                                                        value);
                                                    } else {
                                                        rowMajor(name, gradientViews.get(name))
                                                                .assign(value);
                                                    }
                                                },
                                                (name, value) ->
                                                        sums.put(name, value.getDouble(0)));
                                scoredInput = input;
                                scoredLoss = feed.loss(sums);
                            }
                            return result[0];
                        });
        Gradient gradients = new DefaultGradient();
        params.keySet().forEach(name -> gradients.setGradientFor(name, gradientViews.get(name)));
        return new Pair<>(gradients, backpropDropOutIfPresent(inputGradient));
    }

    @Override
    public double computeScore(
            double regularization, boolean training, LayerWorkspaceMgr workspaceMgr) {
        assertInputSet(false);
        applyDropOutIfNecessary(training, workspaceMgr);
        double loss = scoredInput == input ? scoredLoss : loss();
        scoredInput = null;
        score = (conf().isMiniBatch() ? loss / input.size(0) : loss) + regularization;
        return score;
    }

    private double loss() {
        return Workspaces.outside(
                () -> {
                    try (Feed feed = new Feed()) {
                        Map<String, Double> sums = new HashMap<>();
                        graph().losses
                                .runForward(
                                        feed.placeholders(),
                                        (name, value) -> sums.put(name, value.getDouble(0)));
                        return feed.loss(sums);
                    }
                });
    }

    /** The losses of the last batch that was scored. */
    Losses losses() {
        return losses;
    }

    @Override
    public boolean needsLabels() {
        return true;
    }

    @Override
    public INDArray getLabels() {
        return labels;
    }

    @Override
    public void setLabels(INDArray labels) {
        this.labels = labels;
    }

    /** The labels' mask; null, by which a network clears masks, clears the features' too. */
    @Override
    public void setMaskArray(INDArray mask) {
        super.setMaskArray(mask);
        if (mask == null) {
            featuresMask = null;
        }
    }

    @Override
    public Pair<INDArray, MaskState> feedForwardMaskArray(
            INDArray mask, MaskState state, int minibatchSize) {
        featuresMask = mask;
        return null; // nothing comes after
    }

    @Override
    public void setListeners(Collection<TrainingListener> listeners) {
        super.setListeners(listeners);
        BodyCheck.addTo(getListeners());
    }

    /**
     * {@inheritDoc}
     *
     * @throws IllegalStateException if {@code fit} ends and has not trained, as it does without a
     *     word where truncated backpropagation meets token ids
     */
    @Override
    public void clear() {
        super.clear();
        labels = null;
        featuresMask = null;
        scoredInput = null;
        if (!trained) {
            BodyCheck.requireNotInFit();
        }
    }

    @Override
    public boolean hasBias() {
        return layerConf().isHasBias();
    }

    @Override
    public boolean isPretrainLayer() {
        return false;
    }

    @Override
    public String toString() {
        return layerConf().toString();
    }

    private static UnsupportedOperationException unsupported() {
        return new UnsupportedOperationException(
                "JepaLossLayer: call the network's methods; labels are packed, and a row has no"
                        + " score of its own");
    }

    @Override
    public INDArray computeScoreForExamples(double regularization, LayerWorkspaceMgr workspaceMgr) {
        throw unsupported();
    }

    @Override
    public double f1Score(DataSet data) {
        throw unsupported();
    }

    @Override
    public double f1Score(INDArray examples, INDArray labels) {
        throw unsupported();
    }

    @Override
    @Deprecated // as in the interface
    public int numLabels() {
        return Math.toIntExact(layerConf().getNOut());
    }

    @Override
    public void fit(DataSetIterator iterator) {
        throw unsupported();
    }

    @Override
    public int[] predict(INDArray examples) {
        throw unsupported();
    }

    @Override
    public List<String> predict(DataSet data) {
        throw unsupported();
    }

    @Override
    public void fit(INDArray examples, INDArray labels) {
        throw unsupported();
    }

    @Override
    public void fit(DataSet data) {
        throw unsupported();
    }

    @Override
    public void fit(INDArray examples, int[] labels) {
        throw unsupported();
    }
}
