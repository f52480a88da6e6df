package io.github.dl4jjepa.core.training;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Predicate;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.updaters.AdamUpdater;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Adam with decoupled weight decay (arXiv 1711.05101), in the arithmetic of {@code
 * torch.optim.AdamW}: beta1 = 0.9, beta2 = 0.999, eps = 1e-8, eps added after the bias correction.
 *
 * <p>Updates in place; what it holds are two arrays per parameter. For float32 parameters {@code
 * exp_avg_sq} is 1.3e-5 smaller, relatively, than torch's (ND4J computes 1 - beta2 in float32); the
 * updates make up for it.
 */
final class AdamW implements AutoCloseable {
    private static final double BETA1 = 0.9;
    private static final double BETA2 = 0.999;
    private static final double EPSILON = 1e-8;

    private final Map<String, INDArray> parameters;
    private final double weightDecay;
    private final Predicate<String> decays;
    private final Map<String, INDArray> state = new LinkedHashMap<>();

    /**
     * @param parameters what is trained, by name
     * @param weightDecay decay per step as a fraction of the learning rate
     * @param decays which of the parameters decay
     */
    AdamW(Map<String, INDArray> parameters, double weightDecay, Predicate<String> decays) {
        this.parameters = parameters;
        this.weightDecay = weightDecay;
        this.decays = decays;
        parameters.forEach(
                (name, parameter) -> {
                    state.put(mean(name), Nd4j.zerosLike(parameter));
                    state.put(meanSquare(name), Nd4j.zerosLike(parameter));
                });
    }

    /**
     * Takes a step.
     *
     * @param step which one, from 1
     * @param learningRate the step's learning rate
     * @param gradients by the parameters' names; overwritten
     */
    void step(long step, double learningRate, Map<String, INDArray> gradients) {
        double correction1 = 1 - Math.pow(BETA1, step);
        double correction2 = 1 - Math.pow(BETA2, step);
        // The operator scales its update by the bias correction of the first step, sqrt(1 - beta2)
        // / (1 - beta1), with the same rounding of beta2 as in its running mean of squares: the two
        // cancel out, and what is left to do is the ratio of step t's correction to it.
        double scale = Math.sqrt(correction2 / (1 - BETA2)) * (1 - BETA1) / correction1;
        double epsilon = EPSILON * Math.sqrt(correction2);
        parameters.forEach(
                (name, parameter) -> {
                    INDArray update = gradients.get(name);
                    Nd4j.exec(
                            new AdamUpdater(
                                    update,
                                    state.get(meanSquare(name)),
                                    state.get(mean(name)),
                                    learningRate * scale,
                                    BETA1,
                                    BETA2,
                                    epsilon,
                                    0));
                    if (weightDecay > 0 && decays.test(name)) {
                        parameter.muli(1 - learningRate * weightDecay);
                    }
                    // Given a learning rate of 0, the operator puts its epsilon in its place.
                    if (learningRate > 0) {
                        parameter.subi(update);
                    }
                });
    }

    /**
     * The running means, under torch's terms: {@code <parameter>.exp_avg} and {@code
     * <parameter>.exp_avg_sq}.
     */
    Map<String, INDArray> state() {
        return state;
    }

    @Override
    public void close() {
        state.values().forEach(INDArray::close);
    }

    private static String mean(String parameter) {
        return parameter + ".exp_avg";
    }

    private static String meanSquare(String parameter) {
        return parameter + ".exp_avg_sq";
    }
}
