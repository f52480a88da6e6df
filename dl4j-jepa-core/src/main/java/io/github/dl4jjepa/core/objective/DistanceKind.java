package io.github.dl4jjepa.core.objective;

import io.github.dl4jjepa.core.internal.OptionName;
import java.util.Arrays;
import java.util.function.DoubleFunction;

/** The distances by name. */
public enum DistanceKind {
    /** {@link CosineDistance}. */
    COSINE(temperature -> new CosineDistance()),
    /** {@link CentredCosineDistance}. */
    CENTRED_COSINE(temperature -> new CentredCosineDistance()),
    /** {@link L2Distance}. */
    L2(temperature -> new L2Distance()),
    /** {@link MeanSquaredError}. */
    MSE(temperature -> new MeanSquaredError()),
    /** {@link InfoNce#symmetric}. */
    INFO_NCE(InfoNce::symmetric),
    /** {@link InfoNce#oneWay}. */
    INFO_NCE_ONE_WAY(InfoNce::oneWay),
    /** {@link InfoNce#centred}. */
    CENTRED_INFO_NCE(InfoNce::centred),
    /** {@link SemanticTube}. */
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

    /** The name as the command line has it: {@code centred-info-nce}. */
    @Override
    public String toString() {
        return OptionName.of(this);
    }
}
