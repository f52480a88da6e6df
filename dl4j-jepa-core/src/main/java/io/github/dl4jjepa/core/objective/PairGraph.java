package io.github.dl4jjepa.core.objective;

import io.github.dl4jjepa.core.internal.samediff.Arena;
import io.github.dl4jjepa.core.internal.samediff.GradientFunction;
import io.github.dl4jjepa.core.internal.samediff.Graphs;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The JEPA term as a graph over embeddings that were computed before, with its gradients by them:
 * the second phase of a {@link CrossBatchStep}.
 */
final class PairGraph implements AutoCloseable {
    private static final String PREDICTION = "prediction";
    private static final String TARGET = "target";
    private static final String ANSWER_IDS = "answer_ids";
    private static final String SUM = "jepa_sum";

    private final GradientFunction gradientFunction;

    PairGraph(JepaObjective objective, DataType dataType, int hiddenSize, Arena arena) {
        SameDiff graph = Graphs.createForExecutor();
        SDVariable prediction = graph.placeHolder(PREDICTION, dataType, -1, hiddenSize);
        SDVariable target = graph.placeHolder(TARGET, dataType, -1, hiddenSize);
        SDVariable answerIds = graph.placeHolder(ANSWER_IDS, DataType.INT32, -1);
        new JepaTerm(objective).sum(new Distance.Pairs(prediction, target, answerIds)).rename(SUM);
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
    record Result(double sum, INDArray predictionGradient, @Nullable INDArray targetGradient)
            implements AutoCloseable {
        @Override
        public void close() {
            predictionGradient.close();
            if (targetGradient != null) {
                targetGradient.close();
            }
        }
    }

    /**
     * @param directions those of {@link JepaTerm}
     */
    Result run(CrossBatchStep.PairEmbeddings pairs, Map<String, INDArray> directions) {
        Map<String, INDArray> placeholders = new HashMap<>(directions);
        placeholders.put(PREDICTION, pairs.prediction());
        placeholders.put(TARGET, pairs.target());
        placeholders.put(ANSWER_IDS, pairs.answerIds());
        Map<String, INDArray> gradients = new HashMap<>();
        double[] sum = new double[1];
        gradientFunction.run(
                placeholders,
                (name, gradient) -> gradients.put(name, gradient.dup()),
                (name, value) -> sum[0] = value.getDouble(0));
        return new Result(
                sum[0], Objects.requireNonNull(gradients.get(PREDICTION)), gradients.get(TARGET));
    }

    @Override
    public void close() {
        gradientFunction.close();
    }
}
