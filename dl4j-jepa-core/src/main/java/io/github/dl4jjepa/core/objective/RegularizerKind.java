package io.github.dl4jjepa.core.objective;

import io.github.dl4jjepa.core.internal.OptionName;
import java.util.Arrays;
import java.util.function.Supplier;

/** The regularizers by name. */
public enum RegularizerKind {
    /** {@link SigReg} with its default directions. */
    SIGREG(() -> new SigReg(SigReg.DEFAULT_DIRECTIONS)),
    /** {@link VicReg}. */
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
