package io.github.dl4jjepa.core.objective;

import io.github.dl4jjepa.core.SeededRandom;
import io.github.dl4jjepa.core.decoder.Decoder;
import io.github.dl4jjepa.core.iterator.MultiViewBatch;
import io.github.dl4jjepa.core.iterator.ShapeBuckets;
import io.github.dl4jjepa.core.samediff.Arena;
import io.github.dl4jjepa.core.samediff.GradientFunction;
import io.github.dl4jjepa.core.samediff.GraphExecutor;
import io.github.dl4jjepa.core.samediff.Graphs;
import io.github.dl4jjepa.core.samediff.Ops;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.nd4j.autodiff.samediff.SDIndex;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * A decoder under an objective, as SameDiff graphs with gradients.
 *
 * <p>The graph's inputs are {@code input_ids}, {@code position_ids}, {@code segment_ids} and {@code
 * prefix_ids}, INT32 {@code [rows, time]}; {@code label_indices} and {@code label_ids}, INT32
 * {@code [labels]}, negative ids being left out; where views are compared, {@code
 * prediction_indices} and {@code target_indices}, INT32 {@code [pairs, width]}, and {@code
 * answer_ids}, INT32 {@code [pairs]}; and the scalars {@code lm_weight} and {@code jepa_weight}.
 * Its outputs are {@code lm_sum}, {@code jepa_sum} and {@code loss = lm_weight * lm_sum +
 * jepa_weight * jepa_sum}. The head runs at the labelled positions only.
 *
 * <p>Batches without views run through a second graph without the JEPA term, drawn when the first
 * of them comes.
 */
public final class TrainingGraph implements GradientSource, AutoCloseable {
    /** Name of the hidden states {@code [rows * time, hidden]} in {@link #graph()}. */
    public static final String HIDDEN_STATES = "hidden_states";

    private static final String TUBE_INDICES = "tube_indices";
    private static final String ANSWER_IDS = "answer_ids";
    private static final String PREDICTION = "prediction";
    private static final String TARGET = "target";
    private static final String PREDICTION_GRADIENT = "prediction_gradient";
    private static final String TARGET_GRADIENT = "target_gradient";
    private static final String LM_WEIGHT = "lm_weight";
    private static final String JEPA_WEIGHT = "jepa_weight";
    private static final String LM_SUM = "lm_sum";
    private static final String JEPA_SUM = "jepa_sum";
    private static final int PASSES = 3; // forward, and backward which counts twice

    private final Decoder decoder;
    private final JepaObjective objective;
    private final JepaTerm term;
    private final LinearPredictor predictor;
    private final AveragedDecoder averaged;
    private final boolean gradientCheckpointing;
    private final DataType dataType;
    private final Arena arena;
    private final Map<Part, LossGraph> graphs = new EnumMap<>(Part.class);
    private PairGraph pairGraph;
    private GraphExecutor targetEncoder;

    /** What a graph has beside the language-model loss. */
    private enum Part {
        /** Nothing. */
        NONE,
        /** The JEPA term over the pairs of its own batch. */
        JEPA_TERM,
        /** What passes gradients of embeddings on to the weights. */
        EMBEDDING_GRADIENTS
    }

    /**
     * Draws and differentiates the graph.
     *
     * @param decoder the model; its parameters are shared, not copied
     * @param objective what is minimised
     */
    public TrainingGraph(Decoder decoder, JepaObjective objective) {
        this(decoder, objective, null, false);
    }

    /**
     * Draws and differentiates the graph.
     *
     * @param decoder the model; its parameters are shared, not copied
     * @param objective what is minimised
     * @param predictor what the prediction's readout goes through before it is compared, or null
     * @param gradientCheckpointing whether to keep only what goes from layer to layer for the
     *     backward pass, and to compute the rest of a layer, and the logits an eighth at a time,
     *     again: less memory, more time, the same gradients but for the order in which the head's
     *     are added
     */
    public TrainingGraph(
            Decoder decoder,
            JepaObjective objective,
            LinearPredictor predictor,
            boolean gradientCheckpointing) {
        this.gradientCheckpointing = gradientCheckpointing;
        this.decoder = decoder;
        this.objective = objective;
        this.predictor = predictor;
        term = new JepaTerm(objective);
        averaged =
                objective.hasJepaTerm() && objective.target() == TargetMode.EMA
                        ? new AveragedDecoder(decoder, objective.emaDecay())
                        : null;
        dataType = decoder.parameters().values().iterator().next().dataType();
        arena = new Arena(dataType);
        graph(ownPart());
    }

    /** The forward graph, to inspect, save or run. */
    public SameDiff graph() {
        return graph(ownPart()).graph;
    }

    @Override
    public Map<String, INDArray> parameters() {
        return decoder.parameters();
    }

    @Override
    public Map<String, INDArray> auxiliaries() {
        return predictor == null ? Map.of() : predictor.parameters();
    }

    @Override
    public Map<String, INDArray> state() {
        return averaged == null ? Map.of() : averaged.state();
    }

    @Override
    public void parametersUpdated() {
        if (averaged != null) {
            averaged.update();
        }
    }

    @Override
    public boolean decays(String parameter) {
        return auxiliaries().containsKey(parameter) || decoder.decays(parameter);
    }

    @Override
    public boolean isOfLayers(String parameter) {
        return !auxiliaries().containsKey(parameter) && decoder.isOfLayers(parameter);
    }

    @Override
    public double flops(List<MultiViewBatch> batches, boolean hasJepaTerm) {
        int extraPasses = hasJepaTerm && embedsFirst(batches) ? 1 : 0;
        double flops = 0;
        for (MultiViewBatch batch : batches) {
            double forward = decoder.forwardFlops(batch.positions(), batch.labels());
            if (hasJepaTerm && batch.pairs() > 0 && predictor != null) {
                forward += predictor.forwardFlops(batch.pairs());
            }
            double embedding = decoder.forwardFlops(batch.positions(), 0);
            boolean encodesTarget = hasJepaTerm && averaged != null && batch.pairs() > 0;
            flops += PASSES * forward + (extraPasses + (encodesTarget ? 1 : 0)) * embedding;
        }
        return flops;
    }

    @Override
    public Losses accumulate(
            List<MultiViewBatch> batches,
            LossWeights weights,
            StepSeed seed,
            BiConsumer<String, INDArray> gradients) {
        long labels = batches.stream().mapToLong(MultiViewBatch::labels).sum();
        long pairs = batches.stream().mapToLong(this::pairs).sum();
        double lmWeight = weights.gamma() / labels;
        boolean hasJepaTerm = weights.lambda() > 0 && pairs > 0;
        if (hasJepaTerm && embedsFirst(batches)) {
            return accumulateAcross(batches, lmWeight, weights.lambda() / pairs, seed, gradients);
        }
        LossGraph graph = graph(hasJepaTerm ? Part.JEPA_TERM : Part.NONE);
        Losses sum = Losses.NONE;
        for (MultiViewBatch batch : batches) {
            try (Feed feed = new Feed(batch)) {
                feed.weights(lmWeight, hasJepaTerm ? weights.lambda() / pairs : 0);
                if (hasJepaTerm) {
                    feed.jepaTerm(seed);
                }
                sum = sum.plus(graph.run(feed, gradients));
            }
        }
        return sum;
    }

    /** Whether the pairs of several batches are to be compared with each other. */
    private boolean embedsFirst(List<MultiViewBatch> batches) {
        return batches.size() > 1
                && objective.hasJepaTerm()
                && objective.comparesAcrossPairs()
                && batches.stream().anyMatch(batch -> pairs(batch) > 0);
    }

    /** Embeds all pairs, differentiates the JEPA term by them, and then each batch by them. */
    private Losses accumulateAcross(
            List<MultiViewBatch> batches,
            double lmWeight,
            double jepaWeight,
            StepSeed seed,
            BiConsumer<String, INDArray> gradients) {
        LossGraph graph = graph(Part.EMBEDDING_GRADIENTS);
        List<INDArray> predictions = new ArrayList<>();
        List<INDArray> targets = new ArrayList<>();
        List<INDArray> answerIds = new ArrayList<>();
        for (MultiViewBatch batch : batches) {
            try (Feed feed = new Feed(batch)) {
                feed.embeddings(seed);
                graph.embed(feed, predictions::add, targets::add);
                answerIds.add(answerIds(batch));
            }
        }
        if (pairGraph == null) {
            pairGraph = new PairGraph(objective, dataType, decoder.hiddenSize(), arena);
        }
        PairGraph.Result pairs =
                pairGraph.run(
                        Nd4j.concat(0, predictions.toArray(INDArray[]::new)),
                        Nd4j.concat(0, targets.toArray(INDArray[]::new)),
                        Nd4j.concat(0, answerIds.toArray(INDArray[]::new)),
                        term.directions(seed, decoder.hiddenSize(), dataType));

        Losses sum = new Losses(0, 0, pairs.sum(), 0);
        long first = 0;
        for (int i = 0; i < batches.size(); i++) {
            long end = first + predictions.get(i).size(0);
            try (Feed feed = new Feed(batches.get(i))) {
                feed.weights(lmWeight, jepaWeight);
                feed.embeddings(seed);
                feed.put(PREDICTION_GRADIENT, rows(pairs.predictionGradient(), first, end));
                feed.put(
                        TARGET_GRADIENT,
                        pairs.targetGradient() == null
                                ? Nd4j.zerosLike(targets.get(i))
                                : rows(pairs.targetGradient(), first, end));
                Losses losses = graph.run(feed, gradients);
                sum =
                        sum.plus(
                                new Losses(
                                        losses.languageModelSum(),
                                        losses.labels(),
                                        0,
                                        losses.pairs()));
            }
            first = end;
        }
        return sum;
    }

    private static INDArray rows(INDArray matrix, long first, long end) {
        return matrix.get(NDArrayIndex.interval(first, end), NDArrayIndex.all()).dup();
    }

    @Override
    public Losses evaluate(MultiViewBatch batch) {
        boolean hasJepaTerm = pairs(batch) > 0;
        LossGraph graph = graph(hasJepaTerm ? Part.JEPA_TERM : Part.NONE);
        try (Feed feed = new Feed(batch)) {
            if (hasJepaTerm) {
                feed.jepaTerm(StepSeed.EVALUATION);
            }
            return graph.evaluate(feed);
        }
    }

    /** Frees the memory of intermediate results; the parameters stay. */
    @Override
    public void close() {
        graphs.values().forEach(LossGraph::close);
        if (pairGraph != null) {
            pairGraph.close();
        }
        if (targetEncoder != null) {
            targetEncoder.close();
        }
        if (averaged != null) {
            averaged.close();
        }
        arena.close();
    }

    private Part ownPart() {
        return objective.hasJepaTerm() ? Part.JEPA_TERM : Part.NONE;
    }

    private LossGraph graph(Part part) {
        return graphs.computeIfAbsent(part, LossGraph::new);
    }

    /** How many pairs the objective compares in a batch. */
    private int pairs(MultiViewBatch batch) {
        if (!objective.hasJepaTerm()) {
            return 0;
        }
        return objective.distance().readsViews()
                ? batch.pairs()
                : Math.toIntExact(batch.inputIds().size(0));
    }

    /** A conversation is no other's answer. */
    private INDArray answerIds(MultiViewBatch batch) {
        return objective.distance().readsViews()
                ? batch.answerIds()
                : Nd4j.createFromArray(
                        batch.sources().stream().mapToInt(String::hashCode).toArray());
    }

    /** What an averaged copy of the decoder reads out of a batch as targets. */
    private INDArray averagedTargets(Map<String, INDArray> placeholders) {
        if (targetEncoder == null) {
            SameDiff graph = Graphs.create();
            SDVariable hidden = averaged.decoder().hiddenStates(graph, BatchInputs.tokens(graph));
            Readouts.mean(hidden, BatchInputs.matrix(graph, BatchInputs.TARGET_INDICES))
                    .rename(TARGET);
            targetEncoder = new GraphExecutor(graph, List.of(TARGET), arena, List.of());
        }
        List<INDArray> targets = new ArrayList<>();
        targetEncoder.run(placeholders, (name, value) -> targets.add(value.dup()));
        return targets.get(0);
    }

    /** A batch as a graph's inputs. */
    private final class Feed implements AutoCloseable {
        private final MultiViewBatch batch;
        private final MultiViewBatch filled;
        private final Map<String, INDArray> placeholders = new HashMap<>();
        private final List<INDArray> own = new ArrayList<>();

        Feed(MultiViewBatch batch) {
            this.batch = batch;
            filled = ShapeBuckets.fill(batch);
            placeholders.putAll(BatchInputs.of(filled));
            placeholders.put(BatchInputs.LABEL_INDICES, filled.labelIndices());
            placeholders.put(BatchInputs.LABEL_IDS, filled.labelIds());
        }

        void put(String name, INDArray array) {
            placeholders.put(name, array);
            own.add(array);
        }

        void weights(double lmWeight, double jepaWeight) {
            put(LM_WEIGHT, Nd4j.scalar(dataType, lmWeight));
            put(JEPA_WEIGHT, Nd4j.scalar(dataType, jepaWeight));
        }

        void jepaTerm(StepSeed seed) {
            embeddings(seed);
            INDArray answerIds = answerIds(batch);
            put(ANSWER_IDS, objective.distance().readsViews() ? answerIds.dup() : answerIds);
            term.directions(seed, decoder.hiddenSize(), dataType).forEach(this::put);
        }

        /** What embeddings are read by. */
        void embeddings(StepSeed seed) {
            if (objective.distance().readsViews()) {
                placeholders.put(BatchInputs.PREDICTION_INDICES, filled.predictionIndices());
                placeholders.put(BatchInputs.TARGET_INDICES, filled.targetIndices());
            } else {
                put(
                        TUBE_INDICES,
                        TubeIndices.of(filled, seed.random(SeededRandom.Use.SEMANTIC_TUBE)));
            }
            if (averaged != null) {
                put(TARGET, averagedTargets(placeholders));
            }
        }

        @Override
        public void close() {
            own.forEach(INDArray::close);
            filled.close();
        }
    }

    /** The losses as a graph, with the JEPA term or without. */
    private final class LossGraph {
        private final SameDiff graph = Graphs.create();
        private final Part part;

        /** Between these, results are computed again for the backward pass. */
        private final List<String> checkpoints = new ArrayList<>();

        private final GradientFunction gradientFunction;

        private GraphExecutor embedder;

        LossGraph(Part part) {
            this.part = part;
            SDVariable hidden =
                    decoder.hiddenStates(graph, BatchInputs.tokens(graph)).rename(HIDDEN_STATES);
            List<String> trained = new ArrayList<>(decoder.parameters().keySet());
            SDVariable loss = weighted(LM_WEIGHT, languageModelSum(hidden));
            if (part != Part.NONE) {
                SDVariable jepa = jepaSum(prediction(hidden), target(hidden)).rename(JEPA_SUM);
                loss = loss.add(weighted(JEPA_WEIGHT, jepa));
                trained.addAll(auxiliaries().keySet());
            }
            loss.rename("loss");
            graph.setLossVariables("loss");
            gradientFunction =
                    new GradientFunction(
                            graph,
                            trained,
                            part == Part.NONE ? List.of(LM_SUM) : List.of(LM_SUM, JEPA_SUM),
                            arena,
                            checkpoints);
        }

        private SDVariable prediction(SDVariable hidden) {
            SDVariable prediction =
                    objective.distance().readsViews()
                            ? Readouts.mean(
                                    hidden,
                                    BatchInputs.matrix(graph, BatchInputs.PREDICTION_INDICES))
                            : displacement(hidden, BatchInputs.matrix(graph, TUBE_INDICES), 1);
            return (predictor == null ? prediction : predictor.apply(prediction))
                    .rename(PREDICTION);
        }

        private SDVariable target(SDVariable hidden) {
            if (averaged != null) {
                return graph.placeHolder(TARGET, dataType, -1, decoder.hiddenSize());
            }
            SDVariable target =
                    objective.distance().readsViews()
                            ? Readouts.mean(
                                    hidden, BatchInputs.matrix(graph, BatchInputs.TARGET_INDICES))
                            : displacement(hidden, graph.getVariable(TUBE_INDICES), 0);
            return (objective.target() == TargetMode.STOP_GRADIENT
                            ? Ops.stopGradient(target)
                            : target)
                    .rename(TARGET);
        }

        /** The way from a token of the tube to its next. */
        private SDVariable displacement(SDVariable hidden, SDVariable indices, int from) {
            return Embeddings.difference(at(hidden, indices, from + 1), at(hidden, indices, from));
        }

        private SDVariable at(SDVariable hidden, SDVariable indices, int point) {
            return Ops.gather(hidden, indices.get(SDIndex.all(), SDIndex.point(point)));
        }

        private SDVariable jepaSum(SDVariable prediction, SDVariable target) {
            if (part == Part.JEPA_TERM) {
                return term.sum(
                        new EmbeddingPairs(
                                prediction,
                                target,
                                graph.placeHolder(ANSWER_IDS, DataType.INT32, -1)));
            }
            SDVariable sum = times(prediction, PREDICTION_GRADIENT);
            return averaged == null ? Ops.add(sum, times(target, TARGET_GRADIENT)) : sum;
        }

        private SDVariable times(SDVariable embeddings, String gradient) {
            return Ops.multiplyConstant(
                            embeddings,
                            graph.placeHolder(gradient, dataType, -1, decoder.hiddenSize()))
                    .sum();
        }

        private SDVariable languageModelSum(SDVariable hidden) {
            SDVariable indices = list(BatchInputs.LABEL_INDICES);
            SDVariable ids = list(BatchInputs.LABEL_IDS);
            if (!gradientCheckpointing) {
                return crossEntropySum(hidden, indices, ids).rename(LM_SUM);
            }
            checkpoints.addAll(decoder.layerBoundaries());
            checkpoints.add(HIDDEN_STATES);
            SDVariable indexChunks = indices.reshape(ShapeBuckets.LABEL_CHUNKS, -1);
            SDVariable idChunks = ids.reshape(ShapeBuckets.LABEL_CHUNKS, -1);
            SDVariable sum = null;
            for (int chunk = 0; chunk < ShapeBuckets.LABEL_CHUNKS; chunk++) {
                SDIndex row = SDIndex.point(chunk);
                SDVariable part =
                        crossEntropySum(
                                        hidden,
                                        indexChunks.get(row, SDIndex.all()),
                                        idChunks.get(row, SDIndex.all()))
                                .rename(LM_SUM + "." + chunk);
                checkpoints.add(part.name());
                sum = sum == null ? part : Ops.add(sum, part);
            }
            return sum.rename(LM_SUM);
        }

        private SDVariable crossEntropySum(SDVariable hidden, SDVariable indices, SDVariable ids) {
            return Ops.crossEntropySum(
                    decoder.logits(Ops.gather(hidden, indices)), ids, decoder.vocabularySize());
        }

        private SDVariable weighted(String weight, SDVariable sum) {
            return Ops.multiplyConstant(sum, graph.placeHolder(weight, dataType));
        }

        private SDVariable list(String name) {
            return graph.placeHolder(name, DataType.INT32, -1);
        }

        Losses run(Feed feed, BiConsumer<String, INDArray> gradients) {
            Map<String, Double> sums = new HashMap<>();
            gradientFunction.run(
                    feed.placeholders,
                    gradients,
                    (name, value) -> sums.put(name, value.getDouble(0)));
            return losses(feed.batch, sums);
        }

        Losses evaluate(Feed feed) {
            Map<String, Double> sums = new HashMap<>();
            gradientFunction.runForward(
                    feed.placeholders, (name, value) -> sums.put(name, value.getDouble(0)));
            return losses(feed.batch, sums);
        }

        private Losses losses(MultiViewBatch batch, Map<String, Double> sums) {
            return new Losses(
                    sums.get(LM_SUM),
                    batch.labels(),
                    sums.getOrDefault(JEPA_SUM, 0.0),
                    part == Part.NONE ? 0 : pairs(batch));
        }

        /** Runs forward as far as the embeddings. */
        void embed(Feed feed, Consumer<INDArray> prediction, Consumer<INDArray> target) {
            if (embedder == null) {
                embedder =
                        new GraphExecutor(
                                graph,
                                averaged == null
                                        ? List.of(PREDICTION, TARGET)
                                        : List.of(PREDICTION),
                                arena,
                                List.of());
            }
            embedder.run(
                    feed.placeholders,
                    (name, value) ->
                            (name.equals(PREDICTION) ? prediction : target).accept(value.dup()));
            if (averaged != null) {
                target.accept(feed.placeholders.get(TARGET).dup());
            }
        }

        void close() {
            gradientFunction.close();
            if (embedder != null) {
                embedder.close();
            }
        }
    }
}
