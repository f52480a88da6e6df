package io.github.dl4jjepa.core.objective;

import io.github.dl4jjepa.core.internal.samediff.GradientFunction;
import io.github.dl4jjepa.core.internal.samediff.GraphExecutor;
import io.github.dl4jjepa.core.internal.samediff.Graphs;
import io.github.dl4jjepa.core.iterator.MultiViewBatch;
import io.github.dl4jjepa.core.iterator.ShapeBuckets;
import io.github.dl4jjepa.core.ops.Ops;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDIndex;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The losses of a batch as a graph with gradients, with the JEPA term or without. */
final class LossGraph implements AutoCloseable {
    static final String TUBE_INDICES = "tube_indices";
    static final String ANSWER_IDS = "answer_ids";
    static final String PREDICTION = "prediction";
    static final String TARGET = "target";
    static final String PREDICTION_GRADIENT = "prediction_gradient";
    static final String TARGET_GRADIENT = "target_gradient";
    static final String LM_WEIGHT = "lm_weight";
    static final String JEPA_WEIGHT = "jepa_weight";
    private static final String LM_SUM = "lm_sum";
    private static final String JEPA_SUM = "jepa_sum";

    /** The part of the objective that a graph has beyond the language-model loss. */
    enum Part {
        /** Nothing. */
        NONE,
        /** The JEPA term over the pairs of its own batch. */
        JEPA_TERM,
        /** What passes gradients of embeddings on to the weights. */
        EMBEDDING_GRADIENTS
    }

    private final ModelUnderObjective model;
    private final SameDiff graph;
    private final Part part;

    /** Between these, results are computed again for the backward pass. */
    private final List<String> checkpoints = new ArrayList<>();

    private final GradientFunction gradientFunction;

    private @Nullable GraphExecutor embedder;

    /** A graph to be run. */
    LossGraph(ModelUnderObjective model, Part part) {
        this(model, part, Graphs.createForExecutor());
    }

    /**
     * Draws into an empty graph.
     *
     * @param graph which operators it may have is up to how it was made
     */
    LossGraph(ModelUnderObjective model, Part part, SameDiff graph) {
        this.model = model;
        this.graph = graph;
        this.part = part;
        SDVariable hidden =
                model.decoder()
                        .hiddenStates(graph, BatchInputs.tokens(graph))
                        .rename(TrainingGraph.HIDDEN_STATES);
        List<String> trained = new ArrayList<>(model.decoder().parameters().trainable().names());
        SDVariable loss = weighted(LM_WEIGHT, languageModelSum(hidden));
        if (part != Part.NONE) {
            SDVariable jepa = jepaSum(prediction(hidden), target(hidden)).rename(JEPA_SUM);
            loss = loss.add(weighted(JEPA_WEIGHT, jepa));
            trained.addAll(model.auxiliaries().trainable().names());
        }
        loss.rename("loss");
        graph.setLossVariables("loss");
        gradientFunction =
                new GradientFunction(
                        graph,
                        trained,
                        part == Part.NONE ? List.of(LM_SUM) : List.of(LM_SUM, JEPA_SUM),
                        model.arena(),
                        checkpoints);
    }

    private SDVariable prediction(SDVariable hidden) {
        SDVariable prediction =
                model.objective().distance().readsViews()
                        ? Readouts.mean(
                                hidden, BatchInputs.matrix(graph, BatchInputs.PREDICTION_INDICES))
                        : displacement(hidden, BatchInputs.matrix(graph, TUBE_INDICES), 1);
        return (model.predictor() == null ? prediction : model.predictor().apply(prediction))
                .rename(PREDICTION);
    }

    private SDVariable target(SDVariable hidden) {
        if (model.encodesTargets()) {
            return graph.placeHolder(TARGET, model.dataType(), -1, model.hiddenSize());
        }
        SDVariable target =
                model.objective().distance().readsViews()
                        ? Readouts.mean(
                                hidden, BatchInputs.matrix(graph, BatchInputs.TARGET_INDICES))
                        : displacement(hidden, graph.getVariable(TUBE_INDICES), 0);
        return (model.objective().target() == TargetMode.STOP_GRADIENT
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
            return model.term()
                    .sum(
                            new Distance.Pairs(
                                    prediction,
                                    target,
                                    graph.placeHolder(ANSWER_IDS, DataType.INT32, -1)));
        }
        SDVariable sum = times(prediction, PREDICTION_GRADIENT);
        return !model.encodesTargets() ? Ops.add(sum, times(target, TARGET_GRADIENT)) : sum;
    }

    private SDVariable times(SDVariable embeddings, String gradient) {
        return Ops.multiplyConstant(
                        embeddings,
                        graph.placeHolder(gradient, model.dataType(), -1, model.hiddenSize()))
                .sum();
    }

    private SDVariable languageModelSum(SDVariable hidden) {
        SDVariable indices = list(BatchInputs.LABEL_INDICES);
        SDVariable ids = list(BatchInputs.LABEL_IDS);
        if (!model.gradientCheckpointing()) {
            return crossEntropySum(hidden, indices, ids).rename(LM_SUM);
        }
        checkpoints.addAll(model.decoder().layerBoundaries());
        checkpoints.add(TrainingGraph.HIDDEN_STATES);
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
        return Objects.requireNonNull(sum).rename(LM_SUM);
    }

    private SDVariable crossEntropySum(SDVariable hidden, SDVariable indices, SDVariable ids) {
        return Ops.crossEntropySum(
                model.decoder().logits(Ops.gather(hidden, indices)),
                ids,
                model.decoder().vocabularySize());
    }

    private SDVariable weighted(String weight, SDVariable sum) {
        return Ops.multiplyConstant(sum, graph.placeHolder(weight, model.dataType()));
    }

    private SDVariable list(String name) {
        return graph.placeHolder(name, DataType.INT32, -1);
    }

    Losses run(BatchFeed feed, BiConsumer<String, INDArray> gradients) {
        Map<String, Double> sums = new HashMap<>();
        gradientFunction.run(
                feed.placeholders(),
                gradients,
                (name, value) -> sums.put(name, value.getDouble(0)));
        return losses(feed.batch(), sums);
    }

    Losses evaluate(BatchFeed feed) {
        Map<String, Double> sums = new HashMap<>();
        gradientFunction.runForward(
                feed.placeholders(), (name, value) -> sums.put(name, value.getDouble(0)));
        return losses(feed.batch(), sums);
    }

    private Losses losses(MultiViewBatch batch, Map<String, Double> sums) {
        return new Losses(
                Objects.requireNonNull(sums.get(LM_SUM)),
                batch.labels(),
                sums.getOrDefault(JEPA_SUM, 0.0),
                part == Part.NONE ? 0 : model.term().pairs(batch));
    }

    /** Runs forward as far as the embeddings. */
    CrossBatchStep.PairEmbeddings embed(BatchFeed feed) {
        if (embedder == null) {
            embedder =
                    new GraphExecutor(
                            graph,
                            model.encodesTargets()
                                    ? List.of(PREDICTION)
                                    : List.of(PREDICTION, TARGET),
                            model.arena(),
                            List.of());
        }
        Map<String, INDArray> embeddings = new HashMap<>();
        embedder.run(feed.placeholders(), (name, value) -> embeddings.put(name, value.dup()));
        if (model.encodesTargets()) {
            embeddings.put(TARGET, Objects.requireNonNull(feed.placeholders().get(TARGET)).dup());
        }
        return new CrossBatchStep.PairEmbeddings(
                Objects.requireNonNull(embeddings.get(PREDICTION)),
                Objects.requireNonNull(embeddings.get(TARGET)),
                model.term().answerIds(feed.batch()));
    }

    /** The forward graph. */
    SameDiff graph() {
        return graph;
    }

    @Override
    public void close() {
        gradientFunction.close();
        if (embedder != null) {
            embedder.close();
        }
    }
}
