package io.github.dl4jjepa.models.decoder;

import org.nd4j.autodiff.samediff.SDVariable;

/** Activation functions of feed-forward blocks. */
public enum Activation {
    /** {@code x * sigmoid(x)}, also called swish. */
    SILU {
        @Override
        SDVariable apply(SDVariable x) {
            return x.getSameDiff().nn().swish(x);
        }
    };

    abstract SDVariable apply(SDVariable x);
}
