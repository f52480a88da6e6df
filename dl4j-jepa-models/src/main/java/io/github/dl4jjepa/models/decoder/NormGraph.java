package io.github.dl4jjepa.models.decoder;

import io.github.dl4jjepa.core.ops.Ops;
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
        DecoderConfig.NormKind kind = drawing.config().norm().kind();
        boolean centers =
                kind == DecoderConfig.NormKind.LAYER || kind == DecoderConfig.NormKind.LAYER_PLAIN;
        SDVariable centered = centers ? Ops.centeredRows(x) : x;
        SDVariable meanSquare = Ops.multiply(centered, centered).mean(true, 1);
        SDVariable scale =
                drawing.graph().math().rsqrt(meanSquare.add(drawing.config().norm().epsilon()));
        SDVariable normed = Ops.scaleRows(centered, scale);
        return switch (kind) {
            case RMS -> Ops.scaleColumns(normed, drawing.parameter().apply(name + ".weight"));
            case RMS_PLUS_ONE -> {
                SDVariable weight = drawing.parameter().apply(name + ".weight");
                SDVariable gain = weight.add(1.0);
                yield weight.isConstant()
                        ? Ops.multiplyConstant(normed, gain)
                        : Ops.scaleColumns(normed, gain);
            }
            case LAYER ->
                    Ops.addBias(
                            Ops.scaleColumns(normed, drawing.parameter().apply(name + ".weight")),
                            drawing.parameter().apply(name + ".bias"));
            case LAYER_PLAIN -> normed;
        };
    }
}
