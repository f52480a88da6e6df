package io.github.dl4jjepa.models.decoder;

import io.github.dl4jjepa.core.decoder.TokenInputs;
import io.github.dl4jjepa.core.samediff.Ops;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Draws a decoder's blocks.
 *
 * <p>Outside attention everything is a matrix {@code [rows * time, width]}. In attention the query
 * heads that share a key-value head are folded into the time axis, {@code [rows, keyValueHeads,
 * group * time, headDim]}, so that keys and values need not be repeated.
 */
final class DecoderGraph {
    private static final double MASKED = -1e9;

    private final DecoderConfig config;
    private final SameDiff graph;
    private final DataType dataType;
    private final Function<String, SDVariable> parameter;
    private final int group;

    /**
     * @param parameter gives a parameter's variable in the graph by its name
     */
    DecoderGraph(
            DecoderConfig config,
            SameDiff graph,
            DataType dataType,
            Function<String, SDVariable> parameter) {
        this.config = config;
        this.graph = graph;
        this.dataType = dataType;
        this.parameter = parameter;
        group = config.heads() / config.keyValueHeads();
    }

    /**
     * Keys and values of tokens that were read before, as placeholders.
     *
     * @param positions INT32 {@code [rows, past + time]}: of the past tokens, then of the tokens
     *     read now
     * @param segments INT32 {@code [rows, past + time]}
     * @param keys per layer {@code [rows, keyValueHeads, past, headDim]}, rotated
     * @param values per layer {@code [rows, keyValueHeads, past, headDim]}
     */
    record Past(
            SDVariable positions,
            SDVariable segments,
            List<SDVariable> keys,
            List<SDVariable> values) {}

    /**
     * What the blocks compute.
     *
     * @param hiddenStates after the final norm, {@code [rows * time, hidden]}
     * @param keys per layer, of the past and the present: {@code [rows, keyValueHeads, past + time,
     *     headDim]}
     * @param values per layer, likewise
     */
    record Output(SDVariable hiddenStates, List<SDVariable> keys, List<SDVariable> values) {}

    /**
     * Draws the path from tokens to hidden states.
     *
     * @param past keys and values of earlier tokens, or null
     */
    Output draw(TokenInputs tokens, Past past) {
        SDVariable rows = graph.sizeAt(tokens.ids(), 0);
        SDVariable time = graph.sizeAt(tokens.ids(), 1);
        Attention attention = new Attention(tokens, past, rows, time);
        List<SDVariable> keys = new ArrayList<>();
        List<SDVariable> values = new ArrayList<>();

        SDVariable x =
                Ops.gather(parameter.apply(DecoderConfig.EMBEDDING), tokens.ids().reshape(-1));
        if (config.positions() instanceof PositionEmbedding.Learned) {
            SDVariable table = parameter.apply(DecoderConfig.POSITIONS);
            x = Ops.add(x, Ops.gather(table, tokens.positions().reshape(-1)));
        }
        x.rename(boundary(0));
        for (int layer = 0; layer < config.layers(); layer++) {
            SDVariable normed = rmsNorm(x, DecoderConfig.inputNorm(layer));
            x = Ops.add(x, attention.draw(layer, normed, keys, values));
            x = Ops.add(x, feedForward(layer, rmsNorm(x, DecoderConfig.postAttentionNorm(layer))));
            x.rename(boundary(layer + 1));
        }
        return new Output(rmsNorm(x, DecoderConfig.FINAL_NORM), keys, values);
    }

    /** Name of what comes out of a number of layers. */
    static String boundary(int layers) {
        return "residual_stream." + layers;
    }

    SDVariable logits(SDVariable hiddenStates) {
        String head = config.tiedHead() ? DecoderConfig.EMBEDDING : DecoderConfig.HEAD;
        return Ops.linear(hiddenStates, parameter.apply(head));
    }

    /** RMSNorm (arXiv 1910.07467): {@code x / sqrt(mean(x^2) + eps) * gain}. */
    private SDVariable rmsNorm(SDVariable x, String gain) {
        SDVariable meanSquare = Ops.multiply(x, x).mean(true, 1);
        SDVariable scale = graph.math().rsqrt(meanSquare.add(config.normEpsilon()));
        return Ops.scaleColumns(Ops.scaleRows(x, scale), parameter.apply(gain));
    }

    /** The gated feed-forward block: {@code down(activation(gate(x)) * up(x))}. */
    private SDVariable feedForward(int layer, SDVariable x) {
        String mlp = DecoderConfig.mlp(layer);
        SDVariable gate = config.activation().apply(linear(x, mlp + "gate_proj", config.mlpBias()));
        SDVariable up = linear(x, mlp + "up_proj", config.mlpBias());
        return linear(Ops.multiply(gate, up), mlp + "down_proj", config.mlpBias());
    }

    private SDVariable linear(SDVariable x, String name, boolean bias) {
        SDVariable product = Ops.linear(x, parameter.apply(name + ".weight"));
        return bias ? Ops.addBias(product, parameter.apply(name + ".bias")) : product;
    }

    /** What the attention of all layers shares: shapes, rotary tables and the mask, drawn once. */
    private final class Attention {
        private final Past past;
        private final SDVariable splitQueries;
        private final SDVariable foldedQueries;
        private final SDVariable unfoldedQueries;
        private final SDVariable splitKeys;
        private final UnaryOperator<SDVariable> turnQueries;
        private final UnaryOperator<SDVariable> turnKeys;
        private final SDVariable mask;

        Attention(TokenInputs tokens, Past past, SDVariable rows, SDVariable time) {
            this.past = past;
            SDVariable keyValueHeads = size(config.keyValueHeads());
            SDVariable groupSize = size(group);
            SDVariable headDim = size(config.headDim());
            splitQueries = graph.stack(0, rows, time, keyValueHeads, groupSize, headDim);
            foldedQueries = graph.stack(0, rows, keyValueHeads, time.mul(groupSize), headDim);
            unfoldedQueries = graph.stack(0, rows, keyValueHeads, groupSize, time, headDim);
            splitKeys = graph.stack(0, rows, time, keyValueHeads, headDim);

            double scale = 1 / Math.sqrt(config.headDim());
            if (config.positions() instanceof RotaryEmbedding rotary) {
                SDVariable angles = angles(rotary, tokens.positions());
                SDVariable rotation =
                        graph.constant(halfRotation(config.headDim()).castTo(dataType));
                turnQueries = new Rotary(angles, rotation, config.heads(), scale)::apply;
                turnKeys = new Rotary(angles, rotation, config.keyValueHeads(), 1)::apply;
            } else {
                turnQueries = queries -> queries.mul(scale);
                turnKeys = UnaryOperator.identity();
            }
            mask =
                    past == null
                            ? mask(tokens, tokens.positions(), tokens.segments())
                            : mask(tokens, past.positions(), past.segments());
        }

        SDVariable draw(int layer, SDVariable x, List<SDVariable> keys, List<SDVariable> values) {
            String name = DecoderConfig.attention(layer);
            boolean bias = config.attentionBias();
            SDVariable queries =
                    turnQueries
                            .apply(linear(x, name + "q_proj", bias))
                            .reshape(splitQueries)
                            .permute(0, 2, 3, 1, 4)
                            .reshape(foldedQueries);
            SDVariable key = headsFirst(turnKeys.apply(linear(x, name + "k_proj", bias)));
            SDVariable value = headsFirst(linear(x, name + "v_proj", bias));
            if (past != null) {
                key = graph.concat(2, past.keys().get(layer), key);
                value = graph.concat(2, past.values().get(layer), value);
            }
            keys.add(key);
            values.add(value);

            SDVariable scores = Ops.addConstant(graph.mmul(queries, key, false, true, false), mask);
            SDVariable mixed =
                    graph.mmul(graph.nn().softmax(scores, -1), value)
                            .reshape(unfoldedQueries)
                            .permute(0, 3, 1, 2, 4)
                            .reshape(-1, config.heads() * config.headDim());
            return linear(mixed, name + "o_proj", bias);
        }

        private SDVariable headsFirst(SDVariable x) {
            return x.reshape(splitKeys).permute(0, 2, 1, 3);
        }

        /**
         * 0 where a query sees a key and {@link #MASKED} elsewhere: {@code [rows, 1, group * time,
         * past + time]}.
         */
        private SDVariable mask(
                TokenInputs queries, SDVariable keyPositions, SDVariable keySegments) {
            SDVariable at = expand(queries.positions(), 2);
            SDVariable key = expand(keyPositions, 1);
            SDVariable segment = expand(keySegments, 1);
            SDVariable own = number(segment.eq(expand(queries.segments(), 2)));
            SDVariable prefix = number(segment.eq(expand(queries.prefixes(), 2)));
            SDVariable seen = graph.math().max(own, prefix).mul(number(key.lte(at)));
            if (config.slidingWindow() > 0) {
                seen = seen.mul(number(key.gt(at.sub(config.slidingWindow()))));
            }
            return Ops.repeat(expand(seen.rsub(1).mul(MASKED), 1), group, 2);
        }

        private SDVariable number(SDVariable condition) {
            return condition.castTo(dataType);
        }
    }

    /** Turns the heads of queries or keys by the angles of their positions. */
    private final class Rotary {
        private final int width;
        private final SDVariable rotation;
        private final SDVariable cosines;
        private final SDVariable sines;

        /**
         * @param angles {@code [rows * time, headDim]}
         * @param factor that the heads are multiplied with as well
         */
        Rotary(SDVariable angles, SDVariable rotation, int heads, double factor) {
            this.rotation = rotation;
            width = heads * config.headDim();
            cosines = Ops.repeat(graph.math().cos(angles).mul(factor), heads, 1);
            sines = Ops.repeat(graph.math().sin(angles).mul(factor), heads, 1);
        }

        /**
         * {@code x * cos + rotated(x) * sin} for {@code x} of {@code [rows * time, heads *
         * headDim]}.
         */
        SDVariable apply(SDVariable x) {
            SDVariable rotated = x.reshape(-1, config.headDim()).mmul(rotation).reshape(-1, width);
            return Ops.add(Ops.multiplyConstant(x, cosines), Ops.multiplyConstant(rotated, sines));
        }
    }

    /** {@code [rows * time, headDim]}: the angle of each pair, twice. */
    private SDVariable angles(RotaryEmbedding rotary, SDVariable positions) {
        double[] half = rotary.frequencies(config.headDim());
        double[] frequencies = new double[config.headDim()];
        System.arraycopy(half, 0, frequencies, 0, half.length);
        System.arraycopy(half, 0, frequencies, half.length, half.length);
        SDVariable row =
                graph.constant(Nd4j.createFromArray(new double[][] {frequencies}).castTo(dataType));
        return positions.castTo(dataType).reshape(-1, 1).mmul(row);
    }

    private SDVariable size(long value) {
        return graph.constant(Nd4j.scalar(value));
    }

    private SDVariable expand(SDVariable x, int axis) {
        return graph.expandDims(x, axis);
    }

    /** The matrix R with {@code x R = (-x2, x1)} for the halves x1, x2 of a head. */
    private static INDArray halfRotation(int headDim) {
        int half = headDim / 2;
        double[][] rotation = new double[headDim][headDim];
        for (int i = 0; i < half; i++) {
            rotation[i + half][i] = -1;
            rotation[i][i + half] = 1;
        }
        return Nd4j.createFromArray(rotation);
    }
}
