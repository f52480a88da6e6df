package io.github.dl4jjepa.models.finetuning;

import java.util.List;

/**
 * The losses of steps with rising learning rates.
 *
 * @param points one for each step that was taken
 * @param suggested the learning rate at which the smoothed loss fell fastest
 */
public record LearningRateSearch(List<Point> points, double suggested) {
    public LearningRateSearch {
        points = List.copyOf(points);
    }

    /**
     * A step.
     *
     * @param learningRate its learning rate
     * @param loss the objective before its update
     * @param smoothedLoss a mean of this loss and those before, the last ones weighted most
     */
    public record Point(double learningRate, double loss, double smoothedLoss) {}
}
