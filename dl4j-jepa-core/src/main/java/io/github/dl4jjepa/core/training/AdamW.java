package io.github.dl4jjepa.core.training;

import io.github.dl4jjepa.core.internal.samediff.AdamKernel;
import io.github.dl4jjepa.core.parameters.Parameter;
import io.github.dl4jjepa.core.parameters.ParameterSet;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.updaters.AdamUpdater;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Adam with decoupled weight decay (arXiv 1711.05101), in the arithmetic of {@code
 * torch.optim.AdamW}: beta1 = 0.9, beta2 = 0.999, eps = 1e-8, eps added after the bias correction.
 *
 * <p>Updates in place; what it holds are two arrays per parameter. FLOAT parameters on the CPU are
 * updated in one pass, others by ND4J's operators (whose {@code exp_avg_sq} is 1.3e-5 smaller in
 * FLOAT, relatively, since they compute 1 - beta2 in float32; the updates make up for it).
 *
 * <p>Not for use by several threads at once.
 */
public final class AdamW implements Optimizer {
    private static final double BETA1 = 0.9;
    private static final double BETA2 = 0.999;
    private static final double EPSILON = 1e-8;

    private final double weightDecay;
    private final List<Moments> moments = new ArrayList<>();
    private final Map<String, INDArray> state = new LinkedHashMap<>();

    /**
     * An optimizer whose running means are 0.
     *
     * @param parameters what is trained, FLOAT or DOUBLE
     * @param weightDecay decay per step as a fraction of the learning rate, of the parameters that
     *     {@linkplain Parameter#hasWeightDecay have} weight decay
     */
    public AdamW(ParameterSet parameters, double weightDecay) {
        this.weightDecay = weightDecay;
        for (Parameter parameter : parameters) {
            Moments added = new Moments(parameter);
            moments.add(added);
            state.put(parameter.name() + ".exp_avg", added.mean);
            state.put(parameter.name() + ".exp_avg_sq", added.meanSquare);
        }
    }

    @Override
    public void step(
            long step, double learningRate, Map<String, INDArray> gradients, double gradientScale) {
        double correction1 = 1 - Math.pow(BETA1, step);
        double correction2 = 1 - Math.pow(BETA2, step);
        for (Moments of : moments) {
            Parameter parameter = of.parameter;
            INDArray gradient = Objects.requireNonNull(gradients.get(parameter.name()));
            double keep = parameter.hasWeightDecay() ? 1 - learningRate * weightDecay : 1;
            Update update =
                    new Update(
                            of,
                            gradient,
                            gradientScale,
                            learningRate,
                            keep,
                            correction1,
                            correction2);
            if (AdamKernel.canRead(parameter.array(), gradient, of.mean, of.meanSquare)) {
                update.inOnePass();
            } else {
                update.byOperators();
            }
        }
    }

    /** A parameter and its running means. */
    private static final class Moments {
        private final Parameter parameter;
        private final INDArray mean;
        private final INDArray meanSquare;
        private @Nullable AdamKernel kernel;

        Moments(Parameter parameter) {
            this.parameter = parameter;
            mean = Nd4j.zerosLike(parameter.array());
            meanSquare = Nd4j.zerosLike(parameter.array());
        }

        AdamKernel kernel() {
            if (kernel == null) {
                kernel = new AdamKernel(parameter.array(), mean, meanSquare);
            }
            return kernel;
        }
    }

    /**
     * The update of a parameter.
     *
     * @param keep what the weight decay leaves of it
     * @param correction1 the mean's bias correction
     * @param correction2 that of the mean of squares
     */
    private record Update(
            Moments of,
            INDArray gradient,
            double gradientScale,
            double learningRate,
            double keep,
            double correction1,
            double correction2) {
        double epsilon() {
            return EPSILON * Math.sqrt(correction2);
        }

        void inOnePass() {
            of.kernel()
                    .update(
                            gradient,
                            new AdamKernel.Step(
                                    gradientScale,
                                    BETA1,
                                    BETA2,
                                    learningRate * Math.sqrt(correction2) / correction1,
                                    epsilon(),
                                    keep));
        }

        /** By ND4J's operators, for arrays that are not FLOAT, not dense, or on a GPU. */
        void byOperators() {
            // The operator scales its update by the bias correction of the first step, sqrt(1 -
            // beta2) / (1 - beta1), with the same rounding of beta2 as in its running mean of
            // squares: the two cancel out, and what is left to do is the ratio of step t's
            // correction to it.
            double scale = Math.sqrt(correction2 / (1 - BETA2)) * (1 - BETA1) / correction1;
            if (gradientScale != 1) {
                gradient.muli(gradientScale);
            }
            Nd4j.exec(
                    new AdamUpdater(
                            gradient,
                            of.meanSquare,
                            of.mean,
                            learningRate * scale,
                            BETA1,
                            BETA2,
                            epsilon(),
                            0));
            INDArray parameter = of.parameter.array();
            if (keep != 1) {
                parameter.muli(keep);
            }
            // Given a learning rate of 0, the operator puts its epsilon in its place.
            if (learningRate > 0) {
                parameter.subi(gradient);
            }
        }
    }

    /**
     * The running means, under torch's terms: {@code <parameter>.exp_avg} and {@code
     * <parameter>.exp_avg_sq}.
     */
    @Override
    public Map<String, INDArray> state() {
        return state;
    }

    @Override
    public void close() {
        state.values().forEach(INDArray::close);
    }
}
