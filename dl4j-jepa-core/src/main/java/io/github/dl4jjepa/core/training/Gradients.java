package io.github.dl4jjepa.core.training;

import io.github.dl4jjepa.core.internal.samediff.AdamKernel;
import io.github.dl4jjepa.core.internal.samediff.GradientSink;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * One gradient array per parameter, allocated once and used for every step. The first part of a
 * step's gradient is written into it where the source can, others are added.
 */
final class Gradients implements GradientSink, AutoCloseable {
    private final Map<String, INDArray> arrays = new LinkedHashMap<>();

    /** The parameters to whose gradient something was added; the others' arrays hold old values. */
    private final Set<String> begun = new HashSet<>();

    /** Zero gradients of some parameters. */
    Gradients(Map<String, INDArray> parameters) {
        parameters.forEach(
                (name, parameter) ->
                        arrays.put(
                                name,
                                Nd4j.createUninitialized(parameter.dataType(), parameter.shape())));
    }

    /** The parameter's array, as long as nothing was added to it. */
    @Override
    public @Nullable INDArray destination(String parameter) {
        return begun.contains(parameter) ? null : arrays.get(parameter);
    }

    /** Adds to a parameter's gradient. */
    @Override
    public void accept(String parameter, INDArray gradient) {
        INDArray sum = Objects.requireNonNull(arrays.get(parameter));
        if (begun.add(parameter)) {
            if (gradient != sum) {
                sum.assign(gradient);
            }
        } else {
            sum.addi(gradient);
        }
    }

    /** The gradients by parameter; zero where none was added. */
    Map<String, INDArray> arrays() {
        arrays.forEach(
                (parameter, sum) -> {
                    if (begun.add(parameter)) {
                        sum.assign(0);
                    }
                });
        return arrays;
    }

    /**
     * What gradients are multiplied with to clip their norm, as {@code
     * torch.nn.utils.clip_grad_norm_} does: {@code maxNorm / (norm + 1e-6)} where that is below 1.
     *
     * @param norm the norm of all gradients together
     * @param maxNorm what it may be; 0 for any
     */
    static double clippingScale(double norm, double maxNorm) {
        return maxNorm > 0 ? Math.min(1, maxNorm / (norm + 1e-6)) : 1;
    }

    /**
     * The Euclidean norm of some parameters' gradients together.
     *
     * @param counted which parameters
     */
    double norm(Predicate<String> counted) {
        double squares = 0;
        for (Map.Entry<String, INDArray> gradient : arrays().entrySet()) {
            if (counted.test(gradient.getKey())) {
                squares += squares(gradient.getValue());
            }
        }
        return Math.sqrt(squares);
    }

    private static double squares(INDArray gradient) {
        if (AdamKernel.canRead(gradient)) {
            return AdamKernel.sumOfSquares(gradient);
        }
        double norm = Nd4j.getBlasWrapper().level1().nrm2(gradient);
        return norm * norm;
    }

    /** Adds a multiple of other gradients of the same parameters. */
    void addScaled(Gradients others, double factor) {
        others.arrays().forEach((parameter, gradient) -> accept(parameter, gradient.muli(factor)));
    }

    /** Sets all to 0. */
    void clear() {
        begun.clear();
    }

    @Override
    public void close() {
        arrays.values().forEach(INDArray::close);
    }
}
