package io.github.dl4jjepa.core.samediff;

import org.nd4j.autodiff.samediff.SDVariable;

/** CONTRACT ONLY: the founder writes the body. */
public final class Ops {
    private Ops() {}

    /** Product of two variables of one shape. */
    public static SDVariable multiply(SDVariable a, SDVariable b) {
        return a.mul(b);
    }
}
