package io.github.dl4jjepa.core.internal.samediff;

import static io.github.dl4jjepa.core.internal.samediff.VectorLoops.BLOCK;

import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;

/** An activation function, times another array if there is one, and its gradient. */
final class GatedActivation {
    /** The activation functions, all of the form {@code x * sigmoid(s(x))}. */
    enum Kind {
        /** {@code s(x) = x}. */
        SILU,
        /** {@code s(x) = 2 sqrt(2 / pi) (x + 0.044715 x^3)}. */
        GELU_TANH
    }

    /** {@code s(x) = A x + B x^3} of {@link Kind#GELU_TANH}. */
    private static final float A = (float) (2 * Math.sqrt(2 / Math.PI));

    private static final float B = (float) (0.044715 * 2 * Math.sqrt(2 / Math.PI));

    private GatedActivation() {}

    /** {@code f(gate) * up}, or {@code f(gate)}. */
    static SDVariable draw(Kind kind, SDVariable... gateAndUp) {
        return new Forward(kind, gateAndUp).outputVariable();
    }

    private static void cubic(float[] x, float[] result, int n) {
        for (int i = 0; i < n; i++) {
            result[i] = x[i] * (A + B * x[i] * x[i]);
        }
    }

    private static void product(float[] x, float[] sigmoid, int n) {
        for (int i = 0; i < n; i++) {
            x[i] = x[i] * sigmoid[i];
        }
    }

    private static void product(float[] x, float[] sigmoid, float[] up, int n) {
        for (int i = 0; i < n; i++) {
            x[i] = x[i] * sigmoid[i] * up[i];
        }
    }

    /** Makes the sigmoid f's slope, and x f(x). */
    private static void slopeOfSilu(float[] x, float[] sigmoid, int n) {
        for (int i = 0; i < n; i++) {
            float s = sigmoid[i];
            float f = x[i] * s;
            sigmoid[i] = s + f * (1f - s);
            x[i] = f;
        }
    }

    private static void slopeOfGelu(float[] x, float[] sigmoid, int n) {
        for (int i = 0; i < n; i++) {
            float s = sigmoid[i];
            float v = x[i];
            float f = v * s;
            sigmoid[i] = s + f * (1f - s) * (A + 3 * B * v * v);
            x[i] = f;
        }
    }

    /** The sigmoid's values, and x as it is. */
    private static void sigmoid(
            Kind kind, VectorLoops.Scratch scratch, float[] x, float[] s, int n) {
        if (kind == Kind.SILU) {
            scratch.sigmoid(x, s, n);
        } else {
            float[] inner = scratch.block(5, BLOCK);
            cubic(x, inner, n);
            scratch.sigmoid(inner, s, n);
        }
    }

    /** {@code f(gate) * up}. */
    public static final class Forward extends FusedOperator {
        public Forward() {}

        Forward(Kind kind, SDVariable... gateAndUp) {
            super(gateAndUp);
            addIArgument(kind.ordinal());
        }

        @Override
        public String opName() {
            return "dl4j_jepa_gated_activation";
        }

        @Override
        public int getNumOutputs() {
            return 1;
        }

        @Override
        List<long[]> outputShapes(Tensor[] inputs) {
            return List.of(inputs[0].shape());
        }

        @Override
        public List<SDVariable> doDiff(List<SDVariable> gradients) {
            Kind kind = Kind.values()[getIArgument(0).intValue()];
            SDVariable[] inputs =
                    args().length == 1
                            ? new SDVariable[] {gradients.get(0), arg(0)}
                            : new SDVariable[] {gradients.get(0), arg(0), arg(1)};
            return List.of(new Backward(kind, inputs).outputVariables());
        }

        @Override
        Runnable kernel(Tensor[] inputs, Tensor[] outputs) {
            Kind kind = Kind.values()[getIArgument(0).intValue()];
            FloatMemory gate = inputs[0].floats();
            FloatMemory up = inputs.length == 1 ? null : inputs[1].floats();
            FloatMemory result = outputs[0].floats();
            long length = gate.length();
            return () ->
                    KernelThreads.run(
                            blocks(length, BLOCK),
                            length,
                            (from, to) -> {
                                VectorLoops.Scratch scratch = VectorLoops.Scratch.get();
                                float[] x = scratch.block(0, BLOCK);
                                float[] s = scratch.block(1, BLOCK);
                                float[] u = scratch.block(2, BLOCK);
                                for (int block = from; block < to; block++) {
                                    long start = (long) block * BLOCK;
                                    int n = (int) Math.min(BLOCK, length - start);
                                    gate.get(start, x, n);
                                    sigmoid(kind, scratch, x, s, n);
                                    if (up == null) {
                                        product(x, s, n);
                                    } else {
                                        up.get(start, u, n);
                                        product(x, s, u, n);
                                    }
                                    result.put(start, x, n);
                                }
                            });
        }
    }

    /** The gradients of gate and up. */
    public static final class Backward extends FusedOperator {
        public Backward() {}

        Backward(Kind kind, SDVariable... gradientGateAndUp) {
            super(gradientGateAndUp);
            addIArgument(kind.ordinal(), gradientGateAndUp.length - 1);
        }

        @Override
        public String opName() {
            return "dl4j_jepa_gated_activation_bp";
        }

        @Override
        public int getNumOutputs() {
            return getIArgument(1).intValue();
        }

        @Override
        List<long[]> outputShapes(Tensor[] inputs) {
            long[] shape = inputs[1].shape();
            return inputs.length == 2 ? List.of(shape) : List.of(shape, shape);
        }

        private static void multiply(float[] x, float[] y, int n) {
            for (int i = 0; i < n; i++) {
                x[i] = x[i] * y[i];
            }
        }

        @Override
        Runnable kernel(Tensor[] inputs, Tensor[] outputs) {
            Kind kind = Kind.values()[getIArgument(0).intValue()];
            FloatMemory gradient = inputs[0].floats();
            FloatMemory gate = inputs[1].floats();
            FloatMemory up = inputs.length == 2 ? null : inputs[2].floats();
            FloatMemory ofGate = outputs[0].floats();
            FloatMemory ofUp = up == null ? null : outputs[1].floats();
            long length = gate.length();
            return () ->
                    KernelThreads.run(
                            blocks(length, BLOCK),
                            length,
                            (from, to) -> {
                                VectorLoops.Scratch scratch = VectorLoops.Scratch.get();
                                float[] x = scratch.block(0, BLOCK);
                                float[] s = scratch.block(1, BLOCK);
                                float[] u = scratch.block(2, BLOCK);
                                float[] g = scratch.block(3, BLOCK);
                                for (int block = from; block < to; block++) {
                                    long start = (long) block * BLOCK;
                                    int n = (int) Math.min(BLOCK, length - start);
                                    gate.get(start, x, n);
                                    gradient.get(start, g, n);
                                    sigmoid(kind, scratch, x, s, n);
                                    if (kind == Kind.SILU) {
                                        slopeOfSilu(x, s, n);
                                    } else {
                                        slopeOfGelu(x, s, n);
                                    }
                                    multiply(s, g, n);
                                    if (up != null) {
                                        up.get(start, u, n);
                                        multiply(s, u, n);
                                        multiply(x, g, n);
                                        ofUp.put(start, x, n);
                                    }
                                    ofGate.put(start, s, n);
                                }
                            });
        }
    }
}
