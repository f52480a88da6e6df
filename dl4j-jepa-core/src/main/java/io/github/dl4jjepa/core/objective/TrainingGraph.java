package io.github.dl4jjepa.core.objective;

import io.github.dl4jjepa.core.decoder.Decoder;
import io.github.dl4jjepa.core.decoder.TokenInputs;
import io.github.dl4jjepa.core.iterator.MultiViewBatch;
import io.github.dl4jjepa.core.samediff.GradientFunction;
import io.github.dl4jjepa.core.samediff.Graphs;
import io.github.dl4jjepa.core.samediff.Ops;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A decoder under an objective, as one SameDiff graph with gradients.
 *
 * <p>The graph's inputs are {@code input_ids}, {@code position_ids} and {@code segment_ids}, INT32
 * {@code [rows, time]}; {@code label_indices} and {@code label_ids}, INT32 {@code [labels]}; where
 * views are compared, {@code prediction_indices} and {@code target_indices}, INT32 {@code [pairs]};
 * and the scalars {@code lm_weight} and {@code jepa_weight}. Its outputs are {@code lm_sum}, {@code
 * jepa_sum} and {@code loss = lm_weight * lm_sum + jepa_weight * jepa_sum}. The head runs at the
 * labelled positions only.
 */
public final class TrainingGraph implements GradientSource, AutoCloseable {
    private static final String LM_SUM = "lm_sum";
    private static final String JEPA_SUM = "jepa_sum";

    private final SameDiff graph = Graphs.create();
    private final boolean comparesViews;
    private final DataType dataType;
    private final List<String> sums;
    private final GradientFunction gradientFunction;

    /**
     * Draws and differentiates the graph.
     *
     * @param decoder the model; its parameters are shared, not copied
     * @param objective what is minimised
     */
    public TrainingGraph(Decoder decoder, JepaObjective objective) {
        comparesViews = objective.comparesViews();
        dataType = decoder.parameters().values().iterator().next().dataType();
        SDVariable hidden =
                decoder.hiddenStates(
                        graph,
                        new TokenInputs(
                                rows("input_ids"), rows("position_ids"), rows("segment_ids")));
        SDVariable loss = weighted("lm_weight", languageModelSum(decoder, hidden));
        if (comparesViews) {
            SDVariable distances =
                    objective
                            .distance()
                            .between(
                                    Ops.gather(hidden, list("prediction_indices")),
                                    Ops.gather(hidden, list("target_indices")));
            loss = loss.add(weighted("jepa_weight", distances.sum(JEPA_SUM)));
        }
        loss.rename("loss");
        graph.setLossVariables("loss");
        sums = comparesViews ? List.of(LM_SUM, JEPA_SUM) : List.of(LM_SUM);
        gradientFunction = new GradientFunction(graph, decoder.parameters().keySet(), sums);
    }

    /** The forward graph, to inspect, save or run. */
    public SameDiff graph() {
        return graph;
    }

    @Override
    public Losses accumulate(
            MultiViewBatch batch,
            double lmWeight,
            double jepaWeight,
            Map<String, INDArray> gradients) {
        Map<String, INDArray> placeholders = placeholders(batch);
        placeholders.put("lm_weight", Nd4j.scalar(dataType, lmWeight));
        if (comparesViews) {
            placeholders.put("jepa_weight", Nd4j.scalar(dataType, jepaWeight));
        }
        Map<String, Double> values = new HashMap<>();
        gradientFunction.run(
                placeholders,
                (parameter, gradient) -> gradients.get(parameter).addi(gradient),
                (name, value) -> values.put(name, value.getDouble(0)));
        return losses(batch, values);
    }

    @Override
    public Losses evaluate(MultiViewBatch batch) {
        Map<String, Double> values = new HashMap<>();
        gradientFunction.runForward(
                placeholders(batch), (name, value) -> values.put(name, value.getDouble(0)));
        return losses(batch, values);
    }

    /** Frees the memory of intermediate results; the parameters stay. */
    @Override
    public void close() {
        gradientFunction.close();
    }

    private Losses losses(MultiViewBatch batch, Map<String, Double> sums) {
        int pairs = comparesViews ? batch.pairs() : 0;
        return new Losses(
                sums.get(LM_SUM), batch.labels(), sums.getOrDefault(JEPA_SUM, 0.0), pairs);
    }

    private SDVariable languageModelSum(Decoder decoder, SDVariable hidden) {
        SDVariable logits = decoder.logits(Ops.gather(hidden, list("label_indices")));
        return Ops.crossEntropy(logits, list("label_ids"), decoder.vocabularySize()).sum(LM_SUM);
    }

    private SDVariable weighted(String weight, SDVariable sum) {
        return Ops.multiplyConstant(sum, graph.placeHolder(weight, dataType));
    }

    private SDVariable rows(String name) {
        return graph.placeHolder(name, DataType.INT32, -1, -1);
    }

    private SDVariable list(String name) {
        return graph.placeHolder(name, DataType.INT32, -1);
    }

    private Map<String, INDArray> placeholders(MultiViewBatch batch) {
        Map<String, INDArray> placeholders = new HashMap<>();
        placeholders.put("input_ids", batch.inputIds());
        placeholders.put("position_ids", batch.positionIds());
        placeholders.put("segment_ids", batch.segmentIds());
        placeholders.put("label_indices", batch.labelIndices());
        placeholders.put("label_ids", batch.labelIds());
        if (comparesViews) {
            if (batch.pairs() == 0) {
                throw new IllegalArgumentException(
                        "the objective compares views, but the batch has none: " + batch.sources());
            }
            placeholders.put("prediction_indices", batch.predictionIndices());
            placeholders.put("target_indices", batch.targetIndices());
        }
        return placeholders;
    }
}
