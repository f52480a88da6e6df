package io.github.dl4jjepa.core.objective;

import io.github.dl4jjepa.core.internal.samediff.TrainableGraph;
import io.github.dl4jjepa.core.ops.Ops;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * The JEPA term for a user's SameDiff graph, to be trained by {@code sd.fit}.
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
 *
 * <p>A graph that was saved and loaded has lost what {@code attach} prepared: call {@link
 * #resume(SameDiff)} before the next {@code fit}.
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
     * The names of the term's variables.
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

        private List<String> all() {
            return List.of(predictionIndices, targetIndices, answerIds, jepaLoss, loss);
        }
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
     * and prepares the graph for {@code sd.fit}. To be called when the graph is complete: drawing
     * on makes SameDiff differentiate it anew, with its faults.
     *
     * @param hiddenStates {@code [rows * time, hidden]}, the last layer's
     * @param languageModelLoss a scalar, the mean over labels; what else the graph minimizes is
     *     part of it
     * @param objective gamma, a fixed lambda above 0, a distance of views and no averaged target;
     *     loss dropout does not apply
     * @param names not yet used in the graph
     * @throws IllegalArgumentException if the objective asks for more than a graph can hold, if the
     *     loss depends on an operator whose gradient SameDiff computes wrongly ({@code sd.loss.*}
     *     are such), if a term is attached already, or if the graph has another loss
     */
    @SuppressWarnings("ReferenceEquality") // one graph, not two equal ones
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
        require(
                graph == languageModelLoss.getSameDiff(),
                "the hidden states and the language-model loss are of two graphs");
        names.all()
                .forEach(
                        name ->
                                require(
                                        !graph.hasVariable(name),
                                        "the graph has a variable "
                                                + name
                                                + ": a term is attached already (after"
                                                + " SameDiff.load, call JepaLoss.resume), or other"
                                                + " names are needed"));
        TrainableGraph.requireRightGradients(hiddenStates, languageModelLoss);
        graph.getLossVariables()
                .forEach(
                        loss ->
                                require(
                                        TrainableGraph.dependsOn(languageModelLoss, loss),
                                        "the graph's loss "
                                                + loss
                                                + " is no part of the language-model loss "
                                                + languageModelLoss.name()
                                                + " and would not be minimized any more: add it to"
                                                + " that, or leave it out by"
                                                + " setLossVariables"));
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

    /**
     * Takes up a graph with the term under its default names.
     *
     * @see #resume(SameDiff, Names)
     */
    public static JepaLoss resume(SameDiff graph) {
        return resume(graph, Names.DEFAULT);
    }

    /**
     * Prepares a graph that has the term, and was saved and loaded, for {@code sd.fit}, which
     * otherwise reports a loss of 0.
     *
     * @param graph from {@code SameDiff.load}
     * @param names those that the term was attached with
     * @throws IllegalArgumentException if the graph has no such term
     */
    public static JepaLoss resume(SameDiff graph, Names names) {
        names.all()
                .forEach(
                        name ->
                                require(
                                        graph.hasVariable(name),
                                        "the graph has no variable "
                                                + name
                                                + ": attach the term before the graph is saved, or"
                                                + " give the names it was attached with"));
        graph.setLossVariables(names.loss());
        TrainableGraph.prepare(graph);
        return new JepaLoss(
                graph.getVariable(names.jepaLoss()), graph.getVariable(names.loss()), names);
    }

    private static void require(boolean condition, String message) {
        if (!condition) {
            throw new IllegalArgumentException(message);
        }
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
