package io.github.dl4jjepa.core.objective;

import io.github.dl4jjepa.core.OptionName;
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

    /** The name as the command line has it: {@code centred-info-nce}. */
    @Override
    public String toString() {
        return OptionName.of(this);
    }
}
