package io.github.dl4jjepa.models.decoder;

import io.github.dl4jjepa.core.decoder.Decoder;
import io.github.dl4jjepa.core.ops.Ops;
import io.github.dl4jjepa.models.decoder.DecoderConfig.Projection;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * Draws a decoder's blocks.
 *
 * <p>Outside attention everything is a matrix {@code [rows * time, width]}. In attention the query
 * heads that share a key-value head are folded into the time axis, {@code [rows, keyValueHeads,
 * group * time, headDim]}, so that keys and values need not be repeated.
 */
final class DecoderGraph {
    private final DecoderConfig config;
    private final Drawing drawing;
    private final NormGraph norms;
    private final TensorNames names;

    /**
     * @param parameter gives a parameter's variable in the graph by its name
     * @param adapter adds to the weights
     */
    DecoderGraph(
            DecoderConfig config,
            SameDiff graph,
            DataType dataType,
            Function<String, SDVariable> parameter,
            AdapterGraph adapter) {
        this.config = config;
        drawing = new Drawing(config, graph, dataType, parameter, adapter);
        norms = new NormGraph(drawing);
        names = config.names();
    }

    /**
     * Keys and values of tokens that were read before, as placeholders, for rows that read one
     * token more.
     *
     * @param keys per layer {@code [rows, keyValueHeads, past, headDim]}, rotated
     * @param values per layer {@code [rows, keyValueHeads, past, headDim]}
     * @param masks by window, {@code [rows, 1, 1, past]}: 0 where the new token sees a past one,
     *     {@link AttentionGraph#MASKED} elsewhere
     */
    record Past(List<SDVariable> keys, List<SDVariable> values, Map<Integer, SDVariable> masks) {
        SDVariable mask(int window) {
            return Objects.requireNonNull(masks.get(window), () -> "no mask of window " + window);
        }
    }

    /**
     * What the blocks compute.
     *
     * @param hiddenStates after the final norm, {@code [rows * time, hidden]}
     * @param keys per layer, of the tokens read now, rotated: {@code [rows * time, keyValueHeads *
     *     headDim]}
     * @param values per layer, likewise
     */
    record Output(SDVariable hiddenStates, List<SDVariable> keys, List<SDVariable> values) {}

    /**
     * Draws the path from tokens to hidden states.
     *
     * @param past keys and values of earlier tokens, or null
     */
    Output draw(Decoder.TokenInputs tokens, @Nullable Past past) {
        SDVariable rows = drawing.graph().sizeAt(tokens.ids(), 0);
        SDVariable time = drawing.graph().sizeAt(tokens.ids(), 1);
        AttentionGraph attention = new AttentionGraph(drawing, tokens, past, rows, time);
        List<SDVariable> keys = new ArrayList<>();
        List<SDVariable> values = new ArrayList<>();

        SDVariable x = embedding().lookUp(drawing, tokens.ids());
        if (config.embeddingScale() != 1) {
            x = x.mul(config.embeddingScale());
        }
        if (config.positions() instanceof PositionEmbedding.Learned) {
            EmbeddingTable positions = new EmbeddingTable(names.positions());
            x = Ops.add(x, positions.lookUp(drawing, tokens.positions()));
        }
        x.rename(boundary(0));
        for (int layer = 0; layer < config.layers(); layer++) {
            x = layer(layer, x, attention, keys, values);
            x.rename(boundary(layer + 1));
        }
        return new Output(norms.draw(x, names.finalNorm()), keys, values);
    }

    private EmbeddingTable embedding() {
        return new EmbeddingTable(names.embedding());
    }

    /** Name of what comes out of a number of layers. */
    static String boundary(int layers) {
        return "residual_stream." + layers;
    }

    private SDVariable layer(
            int layer,
            SDVariable x,
            AttentionGraph attention,
            List<SDVariable> keys,
            List<SDVariable> values) {
        String input = names.of(layer, names.inputNorm());
        String afterAttention = names.of(layer, names.postAttentionNorm());
        String before = names.of(layer, names.preFeedForwardNorm());
        String after = names.of(layer, names.postFeedForwardNorm());
        switch (config.norm().placement()) {
            case BEFORE -> {
                SDVariable sum =
                        Ops.add(x, attention.draw(layer, norms.draw(x, input), keys, values));
                return Ops.add(sum, feedForward(layer, norms.draw(sum, afterAttention)));
            }
            case AFTER -> {
                SDVariable mixed = attention.draw(layer, x, keys, values);
                SDVariable sum = Ops.add(x, norms.draw(mixed, afterAttention));
                return Ops.add(sum, norms.draw(feedForward(layer, sum), after));
            }
            case AROUND -> {
                SDVariable mixed = attention.draw(layer, norms.draw(x, input), keys, values);
                SDVariable sum = Ops.add(x, norms.draw(mixed, afterAttention));
                return Ops.add(sum, norms.draw(feedForward(layer, norms.draw(sum, before)), after));
            }
            case SHARED -> {
                SDVariable normed = norms.draw(x, input);
                SDVariable mixed = attention.draw(layer, normed, keys, values);
                return Ops.add(Ops.add(x, mixed), feedForward(layer, normed));
            }
            default -> throw new IllegalStateException(config.norm().toString());
        }
    }

    SDVariable logits(SDVariable hiddenStates) {
        DecoderConfig.Head head = config.head();
        SDVariable logits =
                head.tied()
                        ? embedding().logits(drawing, hiddenStates)
                        : new EmbeddingTable(names.headWeight()).logits(drawing, hiddenStates);
        if (head.bias()) {
            // A tied head may have one as well.
            logits = Ops.addBias(logits, drawing.parameter().apply(names.head() + ".bias"));
        }
        return drawing.capped(logits, head.finalLogitSoftcap());
    }

    private SDVariable feedForward(int layer, SDVariable x) {
        DecoderConfig.FeedForward block = config.feedForward();
        SDVariable inner;
        if (!block.gated()) {
            inner =
                    block.activation()
                            .apply(linear(layer, names.up(), block.projection()).draw(drawing, x));
        } else {
            SDVariable gate;
            SDVariable up;
            if (block.projection() == Projection.FUSED) {
                SDVariable both =
                        linear(layer, names.gateUp(), Projection.SEPARATE).draw(drawing, x);
                int width = config.feedForwardWidth(layer);
                gate = Drawing.columns(both, 0, width);
                up = Drawing.columns(both, width, 2 * width);
            } else {
                gate = linear(layer, names.gate(), Projection.SEPARATE).draw(drawing, x);
                up = linear(layer, names.up(), Projection.SEPARATE).draw(drawing, x);
            }
            inner = block.activation().gate(gate, up);
        }
        return linear(layer, names.down(), block.projection()).draw(drawing, inner);
    }

    private Linear linear(int layer, String name, Projection stored) {
        return Linear.of(names.of(layer, name), config.feedForward().bias(), stored);
    }
}
