package io.github.dl4jjepa.models.decoder;

import io.github.dl4jjepa.core.decoder.TokenInputs;
import io.github.dl4jjepa.core.samediff.Ops;
import io.github.dl4jjepa.models.decoder.DecoderConfig.Projection;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.nd4j.autodiff.samediff.SDIndex;
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
    private final TensorNames names;

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
        names = config.names();
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

        SDVariable x = Ops.gather(parameter.apply(names.embedding()), tokens.ids().reshape(-1));
        if (config.embeddingScale() != 1) {
            x = x.mul(config.embeddingScale());
        }
        if (config.positions() instanceof PositionEmbedding.Learned) {
            SDVariable table = parameter.apply(names.positions());
            x = Ops.add(x, Ops.gather(table, tokens.positions().reshape(-1)));
        }
        x.rename(boundary(0));
        for (int layer = 0; layer < config.layers(); layer++) {
            x = layer(layer, x, attention, keys, values);
            x.rename(boundary(layer + 1));
        }
        return new Output(norm(x, names.finalNorm()), keys, values);
    }

    /** Name of what comes out of a number of layers. */
    static String boundary(int layers) {
        return "residual_stream." + layers;
    }

    private SDVariable layer(
            int layer,
            SDVariable x,
            Attention attention,
            List<SDVariable> keys,
            List<SDVariable> values) {
        String input = names.of(layer, names.inputNorm());
        String afterAttention = names.of(layer, names.postAttentionNorm());
        String before = names.of(layer, names.preFeedForwardNorm());
        String after = names.of(layer, names.postFeedForwardNorm());
        switch (config.norm().placement()) {
            case BEFORE -> {
                SDVariable sum = Ops.add(x, attention.draw(layer, norm(x, input), keys, values));
                return Ops.add(sum, feedForward(layer, norm(sum, afterAttention)));
            }
            case AFTER -> {
                SDVariable mixed = attention.draw(layer, x, keys, values);
                SDVariable sum = Ops.add(x, norm(mixed, afterAttention));
                return Ops.add(sum, norm(feedForward(layer, sum), after));
            }
            case AROUND -> {
                SDVariable mixed = attention.draw(layer, norm(x, input), keys, values);
                SDVariable sum = Ops.add(x, norm(mixed, afterAttention));
                return Ops.add(sum, norm(feedForward(layer, norm(sum, before)), after));
            }
            case SHARED -> {
                SDVariable normed = norm(x, input);
                SDVariable mixed = attention.draw(layer, normed, keys, values);
                return Ops.add(Ops.add(x, mixed), feedForward(layer, normed));
            }
            default -> throw new IllegalStateException(config.norm().toString());
        }
    }

    SDVariable logits(SDVariable hiddenStates) {
        DecoderConfig.Head head = config.head();
        String matrix = head.tied() ? names.embedding() : names.headWeight();
        SDVariable logits = Ops.linear(hiddenStates, parameter.apply(matrix));
        if (head.bias()) {
            logits = Ops.addBias(logits, parameter.apply(names.head() + ".bias"));
        }
        return capped(logits, head.cap());
    }

    /** {@code cap * tanh(x / cap)}. */
    private SDVariable capped(SDVariable x, double cap) {
        return cap == 0 ? x : graph.math().tanh(x.mul(1 / cap)).mul(cap);
    }

    /**
     * A norm over the rows of {@code x}: RMSNorm (arXiv 1910.07467) or LayerNorm (arXiv
     * 1607.06450).
     */
    private SDVariable norm(SDVariable x, String name) {
        DecoderConfig.NormKind kind = config.norm().kind();
        boolean centres =
                kind == DecoderConfig.NormKind.LAYER || kind == DecoderConfig.NormKind.LAYER_PLAIN;
        SDVariable centred = centres ? Ops.centredRows(x) : x;
        SDVariable meanSquare = Ops.multiply(centred, centred).mean(true, 1);
        SDVariable scale = graph.math().rsqrt(meanSquare.add(config.norm().epsilon()));
        SDVariable normed = Ops.scaleRows(centred, scale);
        return switch (kind) {
            case RMS -> Ops.scaleColumns(normed, parameter.apply(name + ".weight"));
            case RMS_PLUS_ONE -> {
                SDVariable weight = parameter.apply(name + ".weight");
                SDVariable gain = weight.add(1.0);
                yield weight.isConstant()
                        ? Ops.multiplyConstant(normed, gain)
                        : Ops.scaleColumns(normed, gain);
            }
            case LAYER ->
                    Ops.addBias(
                            Ops.scaleColumns(normed, parameter.apply(name + ".weight")),
                            parameter.apply(name + ".bias"));
            case LAYER_PLAIN -> normed;
        };
    }

    private SDVariable feedForward(int layer, SDVariable x) {
        DecoderConfig.FeedForward block = config.feedForward();
        SDVariable inner;
        if (!block.gated()) {
            inner =
                    block.activation()
                            .apply(
                                    linear(
                                            x,
                                            names.of(layer, names.up()),
                                            block.bias(),
                                            block.projection()));
        } else {
            SDVariable gate;
            SDVariable up;
            if (block.projection() == Projection.FUSED) {
                SDVariable both = linear(x, names.of(layer, names.gateUp()), block.bias());
                int width = config.feedForwardWidth(layer);
                gate = columns(both, 0, width);
                up = columns(both, width, 2 * width);
            } else {
                gate = linear(x, names.of(layer, names.gate()), block.bias());
                up = linear(x, names.of(layer, names.up()), block.bias());
            }
            inner = Ops.multiply(block.activation().apply(gate), up);
        }
        return linear(inner, names.of(layer, names.down()), block.bias(), block.projection());
    }

    private SDVariable linear(SDVariable x, String name, boolean bias) {
        return linear(x, name, bias, Projection.SEPARATE);
    }

    private SDVariable linear(SDVariable x, String name, boolean bias, Projection stored) {
        SDVariable weight = parameter.apply(name + ".weight");
        SDVariable product =
                stored == Projection.FUSED_TRANSPOSED
                        ? Ops.linearTransposed(x, weight)
                        : Ops.linear(x, weight);
        return bias ? Ops.addBias(product, parameter.apply(name + ".bias")) : product;
    }

    private static SDVariable columns(SDVariable x, int from, int to) {
        return x.get(SDIndex.all(), SDIndex.interval(from, to));
    }

    /** What the attention of all layers shares: shapes, rotary tables and the mask, drawn once. */
    private final class Attention {
        private final Past past;
        private final TokenInputs tokens;
        private final SDVariable rows;
        private final SDVariable time;
        private final Map<Heads, Shapes> shapes = new HashMap<>();
        private final Map<Position, Turns> turns = new HashMap<>();
        private final Map<Window, SDVariable> masks = new HashMap<>();

        /** How many heads a layer has; layers with as many share what depends on it. */
        private record Heads(int queries, int keys) {
            int group() {
                return queries / keys;
            }
        }

        private record Position(Heads heads, PositionEmbedding embedding) {}

        private record Window(int positions, int group) {}

        private record Shapes(
                SDVariable splitQueries,
                SDVariable foldedQueries,
                SDVariable unfoldedQueries,
                SDVariable splitKeys) {}

        Attention(TokenInputs tokens, Past past, SDVariable rows, SDVariable time) {
            this.tokens = tokens;
            this.past = past;
            this.rows = rows;
            this.time = time;
        }

        private Shapes shapes(Heads heads) {
            SDVariable keyValueHeads = size(heads.keys());
            SDVariable group = size(heads.group());
            SDVariable headDim = size(config.headDim());
            return new Shapes(
                    graph.stack(0, rows, time, keyValueHeads, group, headDim),
                    graph.stack(0, rows, keyValueHeads, time.mul(group), headDim),
                    graph.stack(0, rows, keyValueHeads, group, time, headDim),
                    graph.stack(0, rows, time, keyValueHeads, headDim));
        }

        private SDVariable mask(Window window) {
            return past == null
                    ? mask(tokens.positions(), tokens.segments(), window)
                    : mask(past.positions(), past.segments(), window);
        }

        private Turns turns(Position position) {
            double scale = config.attention().scale();
            if (!(position.embedding() instanceof RotaryEmbedding rotary)) {
                return new Turns(queries -> queries.mul(scale), UnaryOperator.identity());
            }
            SDVariable angles = angles(rotary, tokens.positions());
            SDVariable rotation =
                    graph.constant(
                            halfRotation(
                                            config.headDim(),
                                            rotary.frequencies(config.headDim()).length)
                                    .castTo(dataType));
            Heads heads = position.heads();
            return new Turns(
                    new Rotary(angles, rotation, heads.queries(), factors(rotary, scale))::apply,
                    new Rotary(angles, rotation, heads.keys(), factors(rotary, 1))::apply);
        }

        /** What positions do to queries and keys; queries are scaled with it. */
        private record Turns(UnaryOperator<SDVariable> queries, UnaryOperator<SDVariable> keys) {}

        SDVariable draw(int layer, SDVariable x, List<SDVariable> keys, List<SDVariable> values) {
            DecoderConfig.Attention parts = config.attention();
            int window = parts.windows().get(layer);
            Heads heads = new Heads(config.heads(layer), config.keyValueHeads(layer));
            Shapes shape = shapes.computeIfAbsent(heads, this::shapes);
            PositionEmbedding embedding =
                    window > 0 && parts.windowPositions().isPresent()
                            ? parts.windowPositions().get()
                            : config.positions();
            Turns turn = turns.computeIfAbsent(new Position(heads, embedding), this::turns);
            SDVariable mask = masks.computeIfAbsent(new Window(window, heads.group()), this::mask);
            List<SDVariable> projected = projections(layer, x);
            SDVariable queries =
                    turn.queries()
                            .apply(normed(projected.get(0), layer, names.queryNorm()))
                            .reshape(shape.splitQueries())
                            .permute(0, 2, 3, 1, 4)
                            .reshape(shape.foldedQueries());
            SDVariable key =
                    headsFirst(
                            turn.keys().apply(normed(projected.get(1), layer, names.keyNorm())),
                            shape);
            SDVariable value = headsFirst(projected.get(2), shape);
            if (past != null) {
                key = graph.concat(2, past.keys().get(layer), key);
                value = graph.concat(2, past.values().get(layer), value);
            }
            keys.add(key);
            values.add(value);

            SDVariable scores =
                    capped(graph.mmul(queries, key, false, true, false), parts.scoreCap());
            SDVariable masked = Ops.addConstant(scores, mask);
            SDVariable mixed =
                    graph.mmul(graph.nn().softmax(masked, -1), value)
                            .reshape(shape.unfoldedQueries())
                            .permute(0, 3, 1, 2, 4)
                            .reshape(-1, heads.queries() * config.headDim());
            return linear(
                    mixed,
                    names.of(layer, names.attentionOutput()),
                    parts.outputBias(),
                    parts.projection());
        }

        /** Queries, keys and values. */
        private List<SDVariable> projections(int layer, SDVariable x) {
            DecoderConfig.Attention parts = config.attention();
            int queries = config.heads(layer) * config.headDim();
            int keys = config.keyValueHeads(layer) * config.headDim();
            List<SDVariable> projected;
            if (parts.projection() == Projection.SEPARATE) {
                projected =
                        Stream.of(names.query(), names.key(), names.value())
                                .map(name -> linear(x, names.of(layer, name), parts.bias()))
                                .toList();
            } else {
                SDVariable all =
                        linear(
                                x,
                                names.of(layer, names.queryKeyValue()),
                                parts.bias(),
                                parts.projection());
                projected =
                        List.of(
                                columns(all, 0, queries),
                                columns(all, queries, queries + keys),
                                columns(all, queries + keys, queries + 2 * keys));
            }
            return parts.clip() == 0
                    ? projected
                    : projected.stream()
                            .map(part -> graph.clipByValue(part, -parts.clip(), parts.clip()))
                            .toList();
        }

        private SDVariable normed(SDVariable x, int layer, String name) {
            String tensor = names.of(layer, name);
            int heads =
                    name.equals(names.queryNorm())
                            ? config.heads(layer)
                            : config.keyValueHeads(layer);
            return switch (config.attention().queryKeyNorm()) {
                case NONE -> x;
                case WHOLE -> norm(x, tensor);
                case HEADS ->
                        norm(x.reshape(-1, config.headDim()), tensor)
                                .reshape(-1, heads * config.headDim());
            };
        }

        private SDVariable headsFirst(SDVariable x, Shapes shape) {
            return x.reshape(shape.splitKeys()).permute(0, 2, 1, 3);
        }

        /**
         * 0 where a query sees a key and {@link #MASKED} elsewhere: {@code [rows, 1, group * time,
         * past + time]}.
         */
        private SDVariable mask(SDVariable keyPositions, SDVariable keySegments, Window window) {
            TokenInputs queries = tokens;
            SDVariable at = expand(queries.positions(), 2);
            SDVariable key = expand(keyPositions, 1);
            SDVariable segment = expand(keySegments, 1);
            SDVariable own = number(segment.eq(expand(queries.segments(), 2)));
            SDVariable prefix = number(segment.eq(expand(queries.prefixes(), 2)));
            SDVariable seen = graph.math().max(own, prefix).mul(number(key.lte(at)));
            if (window.positions() > 0) {
                seen = seen.mul(number(key.gt(at.sub(window.positions()))));
            }
            return Ops.repeat(expand(seen.rsub(1).mul(MASKED), 1), window.group(), 2);
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
         * @param factors {@code [1, headDim]}, which the heads are multiplied with as well
         */
        Rotary(SDVariable angles, SDVariable rotation, int heads, SDVariable factors) {
            this.rotation = rotation;
            width = heads * config.headDim();
            cosines = Ops.repeat(graph.math().cos(angles).mul(factors), heads, 1);
            sines = Ops.repeat(graph.math().sin(angles).mul(factors), heads, 1);
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
        SDVariable row = frequencies(rotary.frequencies(config.headDim()));
        RotaryEmbedding.LongRows longRows = rotary.longRows(config.headDim()).orElse(null);
        if (longRows != null) {
            // Positions are counted from 0.
            SDVariable isLong = number(graph.max(positions).gte(longRows.longerThan()));
            SDVariable other = frequencies(longRows.frequencies());
            row = row.add(other.sub(row).mul(isLong));
        }
        return positions.castTo(dataType).reshape(-1, 1).mmul(row);
    }

    /** {@code [1, headDim]}: the frequency of each pair, twice; 0 where a head is not turned. */
    private SDVariable frequencies(double[] half) {
        double[] frequencies = new double[config.headDim()];
        System.arraycopy(half, 0, frequencies, 0, half.length);
        System.arraycopy(half, 0, frequencies, half.length, half.length);
        return constant(frequencies);
    }

    /**
     * {@code [1, headDim]}: a scale, times the attention factor where a head is turned, which
     * leaves the rest as it is.
     */
    private SDVariable factors(RotaryEmbedding rotary, double scale) {
        double[] factors = new double[config.headDim()];
        int turned = 2 * rotary.frequencies(config.headDim()).length;
        Arrays.fill(factors, 0, turned, scale * rotary.scaling().attentionFactor());
        Arrays.fill(factors, turned, factors.length, scale);
        return constant(factors);
    }

    private SDVariable constant(double[] row) {
        return graph.constant(Nd4j.createFromArray(new double[][] {row}).castTo(dataType));
    }

    private SDVariable number(SDVariable condition) {
        return condition.castTo(dataType);
    }

    private SDVariable size(long value) {
        return graph.constant(Nd4j.scalar(value));
    }

    private SDVariable expand(SDVariable x, int axis) {
        return graph.expandDims(x, axis);
    }

    /** The matrix R with {@code x R = (-x2, x1)} for the halves x1, x2 of a head's turned part. */
    private static INDArray halfRotation(int headDim, int pairs) {
        double[][] rotation = new double[headDim][headDim];
        for (int i = 0; i < pairs; i++) {
            rotation[i + pairs][i] = -1;
            rotation[i][i + pairs] = 1;
        }
        return Nd4j.createFromArray(rotation);
    }
}
