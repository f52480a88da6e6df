package io.github.dl4jjepa.models.decoder;

import org.nd4j.autodiff.samediff.SDVariable;

/** Activation functions of feed-forward blocks. */
public enum HiddenActivation {
    /** {@code x * sigmoid(x)}, also called swish. */
    SILU {
        @Override
        SDVariable apply(SDVariable x) {
            return BlockOps.silu(x);
        }

        @Override
        SDVariable gate(SDVariable gate, SDVariable up) {
            return BlockOps.siluGate(gate, up);
        }
    },
    /**
     * {@code x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))}: {@code gelu_new} and {@code
     * gelu_pytorch_tanh}.
     */
    GELU_TANH {
        @Override
        SDVariable apply(SDVariable x) {
            return BlockOps.geluTanh(x);
        }

        @Override
        SDVariable gate(SDVariable gate, SDVariable up) {
            return BlockOps.geluTanhGate(gate, up);
        }
    };

    abstract SDVariable apply(SDVariable x);

    /** {@code apply(gate) * up}. */
    abstract SDVariable gate(SDVariable gate, SDVariable up);
}
