package io.github.dl4jjepa.core.objective;

import io.github.dl4jjepa.core.internal.OptionName;
import java.util.Arrays;
import java.util.Locale;
import java.util.function.DoubleFunction;
import org.nd4j.shade.jackson.annotation.JsonCreator;

/** The distances by name. */
public enum DistanceKind {
    /** {@code 1 - cos(prediction, target)}, the paper's distance. */
    COSINE(temperature -> new CosineDistance()),
    /**
     * {@code 1 - cos(prediction - m, target - n)}, m and n being the means of all predictions and
     * targets of the step. Embeddings of language models share a large common direction, which the
     * plain cosine mostly measures.
     */
    CENTERED_COSINE(temperature -> new CenteredCosineDistance()),
    /** The Euclidean norm {@code |prediction - target|}, the paper's ablation. */
    L2(temperature -> new L2Distance()),
    /** The mean over hidden units of {@code (prediction - target)^2}. */
    MSE(temperature -> new MeanSquaredError()),
    /** {@link InfoNce#symmetric}. */
    INFO_NCE(InfoNce::symmetric),
    /** {@link InfoNce#oneWay}. */
    INFO_NCE_ONE_WAY(InfoNce::oneWay),
    /** {@link InfoNce#centered}. */
    CENTERED_INFO_NCE(InfoNce::centered),
    /**
     * Semantic tube prediction (arXiv 2602.22617): {@code 1 - cos(h_t - h_r, h_r - h_s)} for hidden
     * states of one conversation at random tokens s &lt; r &lt; t. There is no second view, and a
     * step costs what plain training costs. The lambdas that the paper found best lie between 0.01
     * and 0.08, and at 0.0025 for 8 B parameters.
     */
    SEMANTIC_TUBE(temperature -> new SemanticTube());

    private final DoubleFunction<Distance> constructor;

    DistanceKind(DoubleFunction<Distance> constructor) {
        this.constructor = constructor;
    }

    /**
     * The distance.
     *
     * @param temperature of those that have one; {@link InfoNce#DEFAULT_TEMPERATURE}
     * @throws IllegalArgumentException if it has one and this is not above 0
     */
    public Distance of(double temperature) {
        return constructor.apply(temperature);
    }

    /**
     * The distance of a name: the constant's, the command line's, or the one that release 0.1.0
     * wrote, {@code CENTRED_COSINE}.
     *
     * @throws IllegalArgumentException if there is none
     */
    @JsonCreator
    public static DistanceKind named(String name) {
        String constant = name.toUpperCase(Locale.ROOT).replace('-', '_');
        return valueOf(constant.replace("CENTRED", "CENTERED"));
    }

    /** A distance's name; that of its class, where it is none of these. */
    static String nameOf(Distance distance) {
        if (distance instanceof InfoNce contrast) {
            return contrast.kind().name();
        }
        return Arrays.stream(values())
                .filter(
                        kind ->
                                kind.of(InfoNce.DEFAULT_TEMPERATURE).getClass()
                                        == distance.getClass())
                .map(Enum::name)
                .findFirst()
                .orElse(distance.getClass().getName());
    }

    /** The name as the command line has it: {@code centered-info-nce}. */
    @Override
    public String toString() {
        return OptionName.of(this);
    }
}
