package io.github.dl4jjepa.core.objective;

import io.github.dl4jjepa.core.samediff.Ops;
import io.github.dl4jjepa.core.samediff.TrainableGraph;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * The JEPA term for a SameDiff graph of one's own, to be trained by {@code sd.fit}.
 *
 * <pre>{@code
 * JepaLoss loss = JepaLoss.attach(hiddenStates, languageModelLoss, JepaObjective.cosine(0.5));
 * sd.setTrainingConfig(TrainingConfig.builder()
 *         .updater(new Adam(1e-4))
 *         .dataSetFeatureMapping("input_ids", "position_ids", "segment_ids", "prefix_ids")
 *         .dataSetLabelMapping("label_indices", "label_ids",
 *                 loss.names().predictionIndices(), loss.names().targetIndices(),
 *                 loss.names().answerIds())
 *         .build());
 * sd.fit(iterator, epochs);
 * }</pre>
 *
 * <p>Features and labels are those of a {@link
 * io.github.dl4jjepa.core.iterator.JepaMultiViewIterator}; each name in the mappings must be a
 * placeholder of the graph, used or not.
 */
public final class JepaLoss {
    private final SDVariable jepa;
    private final SDVariable total;
    private final Names names;

    private JepaLoss(SDVariable jepa, SDVariable total, Names names) {
        this.jepa = jepa;
        this.total = total;
        this.names = names;
    }

    /**
     * What the term's variables are called.
     *
     * @param predictionIndices placeholder, INT32 {@code [pairs, width]}
     * @param targetIndices placeholder, INT32 {@code [pairs, width]}
     * @param answerIds placeholder, INT32 {@code [pairs]}
     * @param jepaLoss the mean distance of a pair
     * @param loss the objective's value
     */
    public record Names(
            String predictionIndices,
            String targetIndices,
            String answerIds,
            String jepaLoss,
            String loss) {
        /** {@code prediction_indices, target_indices, answer_ids, jepa_loss, loss}. */
        public static final Names DEFAULT =
                new Names(
                        "prediction_indices", "target_indices", "answer_ids", "jepa_loss", "loss");
    }

    /**
     * Adds the term under its default names.
     *
     * @see #attach(SDVariable, SDVariable, JepaObjective, Names)
     */
    public static JepaLoss attach(
            SDVariable hiddenStates, SDVariable languageModelLoss, JepaObjective objective) {
        return attach(hiddenStates, languageModelLoss, objective, Names.DEFAULT);
    }

    /**
     * Adds the term, makes {@code gamma * languageModelLoss + lambda * term} the graph's one loss,
     * and readies the graph for {@code sd.fit}: the last thing to do to it.
     *
     * @param hiddenStates {@code [rows * time, hidden]}, the last layer's
     * @param languageModelLoss a scalar, the mean over labels
     * @param objective gamma, a fixed lambda above 0, a distance of views and no averaged target;
     *     loss dropout does not apply
     * @param names not yet used in the graph
     * @throws IllegalArgumentException if the objective asks for more than a graph can hold
     */
    public static JepaLoss attach(
            SDVariable hiddenStates,
            SDVariable languageModelLoss,
            JepaObjective objective,
            Names names) {
        if (!objective.hasJepaTerm() || objective.calibration().isPresent()) {
            throw new IllegalArgumentException(
                    "lambda must be fixed and above 0; to measure it, use JepaTrainer");
        }
        objective.requireOfBatch();
        SameDiff graph = hiddenStates.getSameDiff();
        SDVariable answerIds = graph.placeHolder(names.answerIds(), DataType.INT32, -1);
        SDVariable sum =
                objective.jepaSum(
                        hiddenStates,
                        graph.placeHolder(names.predictionIndices(), DataType.INT32, -1, -1),
                        graph.placeHolder(names.targetIndices(), DataType.INT32, -1, -1),
                        answerIds);
        SDVariable perPair = graph.sizeAt(answerIds, 0).castTo(hiddenStates.dataType()).rdiv(1.0);
        SDVariable jepa = Ops.multiplyConstant(sum, perPair).rename(names.jepaLoss());
        SDVariable total =
                languageModelLoss
                        .mul(objective.gamma())
                        .add(jepa.mul(objective.lambda()))
                        .rename(names.loss());
        graph.setLossVariables(total.name());
        TrainableGraph.prepare(graph);
        return new JepaLoss(jepa, total, names);
    }

    /** The mean distance of a pair, a scalar. */
    public SDVariable jepaLoss() {
        return jepa;
    }

    /** The objective's value, a scalar; the graph's loss. */
    public SDVariable loss() {
        return total;
    }

    /** The variables' names. */
    public Names names() {
        return names;
    }
}
