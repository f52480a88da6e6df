package io.github.dl4jjepa.core.objective;

import io.github.dl4jjepa.core.decoder.Decoder;
import io.github.dl4jjepa.core.decoder.TokenInputs;
import io.github.dl4jjepa.core.iterator.MultiViewBatch;
import io.github.dl4jjepa.core.samediff.Arena;
import io.github.dl4jjepa.core.samediff.GradientFunction;
import io.github.dl4jjepa.core.samediff.Graphs;
import io.github.dl4jjepa.core.samediff.Ops;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import org.nd4j.autodiff.samediff.SDIndex;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A decoder under an objective, as SameDiff graphs with gradients.
 *
 * <p>The graph's inputs are {@code input_ids}, {@code position_ids}, {@code segment_ids} and {@code
 * prefix_ids}, INT32 {@code [rows, time]}; {@code label_indices} and {@code label_ids}, INT32
 * {@code [labels]}, negative ids being left out; where views are compared, {@code
 * prediction_indices} and {@code target_indices}, INT32 {@code [pairs, width]}; and the scalars
 * {@code lm_weight} and {@code jepa_weight}. Its outputs are {@code lm_sum}, {@code jepa_sum} and
 * {@code loss = lm_weight * lm_sum + jepa_weight * jepa_sum}. The head runs at the labelled
 * positions only.
 *
 * <p>Batches without views run through a second graph without the JEPA term, drawn when the first
 * of them comes.
 */
public final class TrainingGraph implements GradientSource, AutoCloseable {
    /** Name of the hidden states {@code [rows * time, hidden]} in {@link #graph()}. */
    public static final String HIDDEN_STATES = "hidden_states";

    private static final String INPUT_IDS = "input_ids";
    private static final String POSITION_IDS = "position_ids";
    private static final String SEGMENT_IDS = "segment_ids";
    private static final String PREFIX_IDS = "prefix_ids";
    private static final String LABEL_INDICES = "label_indices";
    private static final String LABEL_IDS = "label_ids";
    private static final String PREDICTION_INDICES = "prediction_indices";
    private static final String TARGET_INDICES = "target_indices";
    private static final String LM_WEIGHT = "lm_weight";
    private static final String JEPA_WEIGHT = "jepa_weight";
    private static final String LM_SUM = "lm_sum";
    private static final String JEPA_SUM = "jepa_sum";
    private static final int PASSES = 3; // forward, and backward which counts twice

    private final Decoder decoder;
    private final JepaObjective objective;
    private final LinearPredictor predictor;
    private final boolean gradientCheckpointing;
    private final DataType dataType;
    private final Arena arena;
    private final LossGraph whole;
    private LossGraph withoutViews;

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
        dataType = decoder.parameters().values().iterator().next().dataType();
        arena = new Arena(dataType);
        whole = new LossGraph(objective.comparesViews());
        withoutViews = objective.comparesViews() ? null : whole;
    }

    /** The forward graph, to inspect, save or run. */
    public SameDiff graph() {
        return whole.graph;
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
    public boolean decays(String parameter) {
        return auxiliaries().containsKey(parameter) || decoder.decays(parameter);
    }

    @Override
    public double flops(MultiViewBatch batch) {
        double forward = decoder.forwardFlops(batch.positions(), batch.labels());
        if (predictor != null) {
            forward += predictor.forwardFlops(batch.pairs());
        }
        return PASSES * forward;
    }

    @Override
    public Losses accumulate(
            MultiViewBatch batch,
            double lmWeight,
            double jepaWeight,
            BiConsumer<String, INDArray> gradients) {
        LossGraph graph = graphFor(batch);
        Map<String, Double> values = new HashMap<>();
        try (MultiViewBatch filled = ShapeBuckets.fill(batch);
                INDArray lm = Nd4j.scalar(dataType, lmWeight);
                INDArray jepa = Nd4j.scalar(dataType, jepaWeight)) {
            Map<String, INDArray> placeholders = graph.placeholders(filled);
            placeholders.put(LM_WEIGHT, lm);
            if (graph.comparesViews) {
                placeholders.put(JEPA_WEIGHT, jepa);
            }
            graph.gradientFunction.run(
                    placeholders, gradients, (name, value) -> values.put(name, value.getDouble(0)));
        }
        return graph.losses(batch, values);
    }

    @Override
    public Losses evaluate(MultiViewBatch batch) {
        LossGraph graph = graphFor(batch);
        Map<String, Double> values = new HashMap<>();
        try (MultiViewBatch filled = ShapeBuckets.fill(batch)) {
            graph.gradientFunction.runForward(
                    graph.placeholders(filled),
                    (name, value) -> values.put(name, value.getDouble(0)));
        }
        return graph.losses(batch, values);
    }

    /** Frees the memory of intermediate results; the parameters stay. */
    @Override
    public void close() {
        whole.gradientFunction.close();
        if (withoutViews != null) {
            withoutViews.gradientFunction.close();
        }
        arena.close();
    }

    private LossGraph graphFor(MultiViewBatch batch) {
        if (batch.pairs() > 0) {
            return whole;
        }
        if (withoutViews == null) {
            withoutViews = new LossGraph(false);
        }
        return withoutViews;
    }

    /** The losses as a graph, with the JEPA term or without. */
    private final class LossGraph {
        private final SameDiff graph = Graphs.create();
        private final boolean comparesViews;

        /** Between these, results are computed again for the backward pass. */
        private final List<String> checkpoints = new ArrayList<>();

        private final GradientFunction gradientFunction;

        LossGraph(boolean comparesViews) {
            this.comparesViews = comparesViews;
            SDVariable hidden =
                    decoder.hiddenStates(
                                    graph,
                                    new TokenInputs(
                                            matrix(INPUT_IDS),
                                            matrix(POSITION_IDS),
                                            matrix(SEGMENT_IDS),
                                            matrix(PREFIX_IDS)))
                            .rename(HIDDEN_STATES);
            List<String> trained = new ArrayList<>(decoder.parameters().keySet());
            SDVariable loss = weighted(LM_WEIGHT, languageModelSum(hidden));
            if (comparesViews) {
                SDVariable prediction = Readouts.mean(hidden, matrix(PREDICTION_INDICES));
                if (predictor != null) {
                    prediction = predictor.apply(prediction);
                    trained.addAll(predictor.parameters().keySet());
                }
                SDVariable target = Readouts.mean(hidden, matrix(TARGET_INDICES));
                SDVariable distances = objective.distance().between(prediction, target);
                loss = loss.add(weighted(JEPA_WEIGHT, distances.sum(JEPA_SUM)));
            }
            loss.rename("loss");
            graph.setLossVariables("loss");
            gradientFunction =
                    new GradientFunction(
                            graph,
                            trained,
                            comparesViews ? List.of(LM_SUM, JEPA_SUM) : List.of(LM_SUM),
                            arena,
                            checkpoints);
        }

        private SDVariable languageModelSum(SDVariable hidden) {
            SDVariable indices = list(LABEL_INDICES);
            SDVariable ids = list(LABEL_IDS);
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
            SDVariable logits = decoder.logits(Ops.gather(hidden, indices));
            SDVariable losses =
                    Ops.crossEntropy(logits, Ops.negativeAsZero(ids), decoder.vocabularySize());
            return Ops.multiplyConstant(losses, ids.gte(0).castTo(dataType)).sum();
        }

        private SDVariable weighted(String weight, SDVariable sum) {
            return Ops.multiplyConstant(sum, graph.placeHolder(weight, dataType));
        }

        private SDVariable matrix(String name) {
            return graph.placeHolder(name, DataType.INT32, -1, -1);
        }

        private SDVariable list(String name) {
            return graph.placeHolder(name, DataType.INT32, -1);
        }

        Map<String, INDArray> placeholders(MultiViewBatch batch) {
            Map<String, INDArray> placeholders = new HashMap<>();
            placeholders.put(INPUT_IDS, batch.inputIds());
            placeholders.put(POSITION_IDS, batch.positionIds());
            placeholders.put(SEGMENT_IDS, batch.segmentIds());
            placeholders.put(PREFIX_IDS, batch.prefixIds());
            placeholders.put(LABEL_INDICES, batch.labelIndices());
            placeholders.put(LABEL_IDS, batch.labelIds());
            if (comparesViews) {
                placeholders.put(PREDICTION_INDICES, batch.predictionIndices());
                placeholders.put(TARGET_INDICES, batch.targetIndices());
            }
            return placeholders;
        }

        Losses losses(MultiViewBatch batch, Map<String, Double> sums) {
            return new Losses(
                    sums.get(LM_SUM),
                    batch.labels(),
                    sums.getOrDefault(JEPA_SUM, 0.0),
                    comparesViews ? batch.pairs() : 0);
        }
    }
}
