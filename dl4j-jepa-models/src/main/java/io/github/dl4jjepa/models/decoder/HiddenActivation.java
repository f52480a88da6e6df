package io.github.dl4jjepa.models.decoder;

import io.github.dl4jjepa.core.ops.Ops;
import org.nd4j.autodiff.samediff.SDVariable;

/** Activation functions of feed-forward blocks. */
public enum HiddenActivation {
    /** {@code x * sigmoid(x)}, also called swish. */
    SILU {
        @Override
        SDVariable apply(SDVariable x) {
            // Not nn().swish: its native gradient is NaN from x = 45 on.
            return Ops.multiply(x, Ops.sigmoid(x));
        }
    },
    /**
     * {@code x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))}: {@code gelu_new} and {@code
     * gelu_pytorch_tanh}. Neither of SameDiff's GELUs is this one.
     */
    GELU_TANH {
        @Override
        SDVariable apply(SDVariable x) {
            // x / 2 * (1 + tanh(u)) is x * sigmoid(2u).
            SDVariable cube = Ops.multiply(Ops.multiply(x, x), x);
            SDVariable twice = Ops.add(x, cube.mul(0.044715)).mul(2 * Math.sqrt(2 / Math.PI));
            return Ops.multiply(x, Ops.sigmoid(twice));
        }
    };

    abstract SDVariable apply(SDVariable x);
}
