package io.github.dl4jjepa.models.decoder;

import org.nd4j.autodiff.samediff.SDVariable;

/** Draws a decoder's norms. */
final class NormGraph {
    private final Drawing drawing;

    NormGraph(Drawing drawing) {
        this.drawing = drawing;
    }

    /**
     * A norm over the rows of {@code x}: RMSNorm (arXiv 1910.07467) or LayerNorm (arXiv
     * 1607.06450).
     */
    SDVariable draw(SDVariable x, String name) {
        double epsilon = drawing.config().norm().epsilon();
        return switch (drawing.config().norm().kind()) {
            case RMS -> BlockOps.rmsNorm(x, parameter(name, "weight"), 0, epsilon);
            case RMS_PLUS_ONE -> BlockOps.rmsNorm(x, parameter(name, "weight"), 1, epsilon);
            case LAYER ->
                    BlockOps.layerNorm(
                            x, parameter(name, "weight"), parameter(name, "bias"), epsilon);
            case LAYER_PLAIN -> BlockOps.layerNorm(x, null, null, epsilon);
        };
    }

    private SDVariable parameter(String name, String part) {
        return drawing.parameter().apply(name + "." + part);
    }
}
