package io.github.dl4jjepa.core.objective;

import io.github.dl4jjepa.core.samediff.Arena;
import io.github.dl4jjepa.core.samediff.GradientFunction;
import io.github.dl4jjepa.core.samediff.Graphs;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The JEPA term over embeddings that are there already: what their gradients are is worked out here
 * for the pairs of several micro-batches, which then pass them on to the weights one by one
 * (GradCache, arXiv 2101.06983).
 */
final class PairGraph implements AutoCloseable {
    private static final String PREDICTION = "prediction";
    private static final String TARGET = "target";
    private static final String ANSWER_IDS = "answer_ids";
    private static final String SUM = "jepa_sum";

    private final GradientFunction gradientFunction;

    PairGraph(JepaObjective objective, DataType dataType, int hiddenSize, Arena arena) {
        SameDiff graph = Graphs.create();
        SDVariable prediction = graph.placeHolder(PREDICTION, dataType, -1, hiddenSize);
        SDVariable target = graph.placeHolder(TARGET, dataType, -1, hiddenSize);
        SDVariable answerIds = graph.placeHolder(ANSWER_IDS, DataType.INT32, -1);
        new JepaTerm(objective).sum(new EmbeddingPairs(prediction, target, answerIds)).rename(SUM);
        graph.setLossVariables(SUM);
        gradientFunction =
                new GradientFunction(
                        graph,
                        objective.target() == TargetMode.GRADIENT
                                ? List.of(PREDICTION, TARGET)
                                : List.of(PREDICTION),
                        List.of(SUM),
                        arena,
                        List.of());
    }

    /**
     * The sum and its gradients.
     *
     * @param targetGradient null where the target is a constant
     */
    record Result(double sum, INDArray predictionGradient, INDArray targetGradient) {}

    /**
     * @param prediction {@code [pairs, hidden]}
     * @param target {@code [pairs, hidden]}
     * @param answerIds INT32 {@code [pairs]}
     * @param directions those of {@link JepaTerm}
     */
    Result run(
            INDArray prediction,
            INDArray target,
            INDArray answerIds,
            Map<String, INDArray> directions) {
        Map<String, INDArray> placeholders = new HashMap<>(directions);
        placeholders.put(PREDICTION, prediction);
        placeholders.put(TARGET, target);
        placeholders.put(ANSWER_IDS, answerIds);
        Map<String, INDArray> gradients = new HashMap<>();
        double[] sum = new double[1];
        gradientFunction.run(
                placeholders,
                (name, gradient) -> gradients.put(name, gradient.dup()),
                (name, value) -> sum[0] = value.getDouble(0));
        return new Result(sum[0], gradients.get(PREDICTION), gradients.get(TARGET));
    }

    @Override
    public void close() {
        gradientFunction.close();
    }
}
