package io.github.dl4jjepa.models.decoder;

import io.github.dl4jjepa.core.samediff.Ops;
import org.nd4j.autodiff.samediff.SDVariable;

/** Activation functions of feed-forward blocks. */
public enum Activation {
    /** {@code x * sigmoid(x)}, also called swish. */
    SILU {
        @Override
        SDVariable apply(SDVariable x) {
            // Not nn().swish: its native gradient is NaN from x = 45 on.
            return Ops.multiply(x, Ops.sigmoid(x));
        }
    };

    abstract SDVariable apply(SDVariable x);
}
