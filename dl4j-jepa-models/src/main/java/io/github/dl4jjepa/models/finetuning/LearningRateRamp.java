package io.github.dl4jjepa.models.finetuning;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.WeightSchedule;
import io.github.dl4jjepa.core.iterator.BatchSource;
import io.github.dl4jjepa.core.objective.GradientSource;
import io.github.dl4jjepa.core.training.AdamW;
import io.github.dl4jjepa.core.training.JepaTrainer;
import io.github.dl4jjepa.core.training.NonFiniteLossException;
import io.github.dl4jjepa.core.training.Optimizer;
import io.github.dl4jjepa.core.training.StepMetrics;
import io.github.dl4jjepa.core.training.TrainerListener;
import io.github.dl4jjepa.core.training.TrainingOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Steps whose learning rate is the same factor larger from one to the next. */
final class LearningRateRamp {
    private static final double LOWEST = 1e-6;
    private static final double HIGHEST = 1;

    /** A loss that is this many times the least one ends the ramp. */
    private static final double DIVERGED = 4;

    /** The weight of the losses before in the smoothed one. */
    private static final double SMOOTHING = 0.9;

    /** The first losses are few to tell a slope by. */
    private static final int SKIPPED = 3;

    private final int steps;

    LearningRateRamp(int steps) {
        if (steps < 10) {
            throw new IllegalArgumentException(
                    "a search for a learning rate takes 10 steps or more, not " + steps);
        }
        this.steps = steps;
    }

    /** The learning rate of a step from 1 on. */
    double learningRate(long step) {
        return LOWEST * Math.pow(HIGHEST / LOWEST, (step - 1.0) / (steps - 1));
    }

    /** Takes the steps. */
    LearningRateSearch climb(GradientSource source, BatchSource batches, TrainingOptions training) {
        TrainingOptions options =
                TrainingOptions.builder()
                        .optMaxSteps(steps)
                        .optSchedule(WeightSchedule.CONSTANT)
                        .optGradientAccumulationSteps(training.gradientAccumulationSteps())
                        .optWeightDecay(training.weightDecay())
                        .optMaxGradientNorm(training.maxGradientNorm())
                        .optSeed(training.seed())
                        .build();
        Losses losses = new Losses();
        try {
            JepaTrainer.builder()
                    .setGradientSource(source)
                    .setBatches(batches)
                    .optOptions(options)
                    .optOptimizer(
                            parameters -> new Rising(new AdamW(parameters, training.weightDecay())))
                    .optListener(losses)
                    .build()
                    .train();
        } catch (Diverged | NonFiniteLossException e) {
            if (losses.points.size() <= SKIPPED) {
                throw new JepaException(
                        "the loss diverges at the learning rate "
                                + learningRate(losses.points.size())
                                + " already: look at the data and the model",
                        e);
            }
        }
        return new LearningRateSearch(losses.points, steepest(losses.points));
    }

    /** The learning rate with the steepest fall of the smoothed loss to the next step. */
    static double steepest(List<LearningRateSearch.Point> points) {
        int steepest = Math.min(SKIPPED, points.size() - 1);
        double most = Double.NEGATIVE_INFINITY;
        for (int i = SKIPPED; i + 1 < points.size(); i++) {
            double fall = points.get(i - 1).smoothedLoss() - points.get(i + 1).smoothedLoss();
            if (fall > most) {
                most = fall;
                steepest = i;
            }
        }
        return points.get(steepest).learningRate();
    }

    /** Ends the training from within a listener. */
    private static final class Diverged extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    private final class Losses implements TrainerListener {
        private final List<LearningRateSearch.Point> points = new ArrayList<>();
        private double mean;
        private double least = Double.POSITIVE_INFINITY;

        @Override
        public void onStep(StepMetrics metrics) {
            double loss = metrics.losses().total();
            mean = SMOOTHING * mean + (1 - SMOOTHING) * loss;
            double smoothed = mean / (1 - Math.pow(SMOOTHING, metrics.step()));
            points.add(new LearningRateSearch.Point(learningRate(metrics.step()), loss, smoothed));
            least = Math.min(least, smoothed);
            if (smoothed > DIVERGED * least) {
                throw new Diverged();
            }
        }
    }

    /** An optimizer with the ramp's learning rate in place of the trainer's. */
    private final class Rising implements Optimizer {
        private final Optimizer optimizer;

        Rising(Optimizer optimizer) {
            this.optimizer = optimizer;
        }

        @Override
        public void step(
                long step, double ignored, Map<String, INDArray> gradients, double gradientScale) {
            optimizer.step(step, learningRate(step), gradients, gradientScale);
        }

        @Override
        public Map<String, INDArray> state() {
            return optimizer.state();
        }

        @Override
        public void close() {
            optimizer.close();
        }
    }
}
