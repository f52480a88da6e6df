package io.github.dl4jjepa.core.objective;

import io.github.dl4jjepa.core.internal.SeededRandom;
import io.github.dl4jjepa.core.iterator.MultiViewBatch;
import io.github.dl4jjepa.core.objective.JepaObjective.WeightedRegularizer;
import io.github.dl4jjepa.core.ops.Ops;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** An objective's JEPA term, drawn from embeddings. */
final class JepaTerm {
    private final JepaObjective objective;

    JepaTerm(JepaObjective objective) {
        this.objective = objective;
    }

    /**
     * Draws the sum of the pairs' distances, to which each pair adds what the regularizers say of
     * its batch: divided by the number of pairs, it is the JEPA term.
     */
    SDVariable sum(Distance.Pairs pairs) {
        SDVariable sum = objective.distance().between(pairs).sum();
        List<WeightedRegularizer> regularizers = objective.regularizers();
        for (int i = 0; i < regularizers.size(); i++) {
            WeightedRegularizer weighted = regularizers.get(i);
            Regularizer regularizer = weighted.regularizer();
            SDVariable directions = directions(pairs.prediction(), i);
            SDVariable penalties =
                    Ops.add(
                            regularizer.penalty(pairs.prediction(), directions),
                            regularizer.penalty(pairs.target(), directions));
            SDVariable weight = Embeddings.rows(pairs.prediction()).mul(weighted.weight() / 2);
            sum = Ops.add(sum, Ops.multiplyConstant(penalties, weight));
        }
        return sum;
    }

    private @Nullable SDVariable directions(SDVariable embeddings, int regularizer) {
        SameDiff graph = embeddings.getSameDiff();
        int count = objective.regularizers().get(regularizer).regularizer().directions();
        return count == 0
                ? null
                : graph.placeHolder(placeholder(regularizer), embeddings.dataType(), -1, count);
    }

    /** The random directions of a step by the names of their placeholders. */
    Map<String, INDArray> directions(StepRequest.Seed seed, int hiddenSize, DataType dataType) {
        Map<String, INDArray> directions = new HashMap<>();
        Random random = seed.random(SeededRandom.Use.DIRECTIONS);
        for (int i = 0; i < objective.regularizers().size(); i++) {
            int count = objective.regularizers().get(i).regularizer().directions();
            if (count > 0) {
                directions.put(placeholder(i), unitColumns(random, hiddenSize, count, dataType));
            }
        }
        return directions;
    }

    /** How many pairs the term compares in a batch. */
    int pairs(MultiViewBatch batch) {
        if (!objective.hasJepaTerm()) {
            return 0;
        }
        return objective.distance().readsViews()
                ? batch.pairs()
                : Math.toIntExact(batch.inputIds().size(0));
    }

    /**
     * The numbers of the pairs' answers, in an array of the caller's; a conversation is the answer
     * of no other.
     */
    INDArray answerIds(MultiViewBatch batch) {
        return objective.distance().readsViews()
                ? Objects.requireNonNull(batch.answerIds()).dup()
                : Nd4j.createFromArray(
                        batch.sources().stream().mapToInt(String::hashCode).toArray());
    }

    private static String placeholder(int regularizer) {
        return "directions." + regularizer;
    }

    private static INDArray unitColumns(Random random, int rows, int columns, DataType dataType) {
        double[][] values = new double[rows][columns];
        for (int column = 0; column < columns; column++) {
            double squares = 0;
            for (int row = 0; row < rows; row++) {
                double value = random.nextGaussian();
                values[row][column] = value;
                squares += value * value;
            }
            double norm = Math.sqrt(squares);
            for (int row = 0; row < rows; row++) {
                values[row][column] /= norm;
            }
        }
        return Nd4j.createFromArray(values).castTo(dataType);
    }
}
