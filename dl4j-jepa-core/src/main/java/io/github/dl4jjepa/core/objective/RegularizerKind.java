package io.github.dl4jjepa.core.objective;

import io.github.dl4jjepa.core.internal.OptionName;
import java.util.Arrays;
import java.util.function.Supplier;

/** The regularizers by name. */
public enum RegularizerKind {
    /**
     * Sketched isotropic Gaussian regularization (LeJEPA, arXiv 2511.08544, section 4 and algorithm
     * 1) along 256 random directions: how far the embeddings are from a standard normal
     * distribution.
     */
    SIGREG(() -> new SigReg(SigReg.DEFAULT_DIRECTIONS)),
    /**
     * The variance and covariance terms of VICReg (arXiv 2105.04906, equations 1 to 4): each unit
     * is to have a standard deviation of 1 or more, and units are not to repeat each other.
     */
    VICREG(VicReg::new);

    private final Supplier<Regularizer> constructor;

    RegularizerKind(Supplier<Regularizer> constructor) {
        this.constructor = constructor;
    }

    /** The regularizer. */
    public Regularizer regularizer() {
        return constructor.get();
    }

    /** A regularizer's name; that of its class, where it is none of these. */
    static String nameOf(Regularizer regularizer) {
        return Arrays.stream(values())
                .filter(kind -> kind.regularizer().getClass() == regularizer.getClass())
                .map(Enum::name)
                .findFirst()
                .orElse(regularizer.getClass().getName());
    }

    /** The name as the command line has it: {@code vicreg}. */
    @Override
    public String toString() {
        return OptionName.of(this);
    }
}
