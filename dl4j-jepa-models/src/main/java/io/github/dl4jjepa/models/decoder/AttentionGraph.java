package io.github.dl4jjepa.models.decoder;

import io.github.dl4jjepa.core.decoder.Decoder;
import io.github.dl4jjepa.core.internal.samediff.FusedOperators;
import io.github.dl4jjepa.core.ops.Ops;
import io.github.dl4jjepa.models.decoder.DecoderConfig.Projection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDIndex;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.factory.Nd4j;

/** What the attention of all layers shares: shapes, rotary tables and the mask, drawn once. */
final class AttentionGraph {
    /** What is added to the score of a token that is not seen. */
    static final double MASKED = -1e9;

    private final Drawing drawing;
    private final DecoderConfig config;
    private final SameDiff graph;
    private final TensorNames names;
    private final NormGraph norms;
    private final DecoderGraph.@Nullable Past past;
    private final Decoder.TokenInputs tokens;
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

    /**
     * @param past keys and values of earlier tokens, or null
     * @param rows how many rows are read
     * @param time how many tokens a row has
     */
    AttentionGraph(
            Drawing drawing,
            Decoder.TokenInputs tokens,
            DecoderGraph.@Nullable Past past,
            SDVariable rows,
            SDVariable time) {
        this.drawing = drawing;
        config = drawing.config();
        graph = drawing.graph();
        names = drawing.names();
        norms = new NormGraph(drawing);
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

    private Turns turns(Position position) {
        double scale = config.attention().scale();
        if (!(position.embedding() instanceof RotaryEmbedding rotary)) {
            return new Turns(queries -> queries.mul(scale), UnaryOperator.identity());
        }
        RotaryGraph rotation = new RotaryGraph(drawing, rotary, tokens.positions());
        Heads heads = position.heads();
        return new Turns(rotation.turn(heads.queries(), scale), rotation.turn(heads.keys(), 1));
    }

    /** What positions do to queries and keys; queries are scaled with it. */
    private record Turns(UnaryOperator<SDVariable> queries, UnaryOperator<SDVariable> keys) {}

    SDVariable draw(int layer, SDVariable x, List<SDVariable> keys, List<SDVariable> values) {
        DecoderConfig.Attention parts = config.attention();
        int window = parts.windows().get(layer);
        Heads heads = new Heads(config.heads(layer), config.keyValueHeads(layer));
        PositionEmbedding embedding =
                window > 0 && parts.windowPositions().isPresent()
                        ? parts.windowPositions().get()
                        : config.positions();
        Turns turn = turns.computeIfAbsent(new Position(heads, embedding), this::turns);
        List<SDVariable> projected = projections(layer, x);
        SDVariable query = turn.queries().apply(normed(projected.get(0), layer, names.queryNorm()));
        SDVariable key = turn.keys().apply(normed(projected.get(1), layer, names.keyNorm()));
        SDVariable value = projected.get(2);
        keys.add(key);
        values.add(value);
        SDVariable mixed = mix(layer, heads, query, key, value);
        return Linear.of(
                        names.of(layer, names.attentionOutput()),
                        parts.outputBias(),
                        parts.projection())
                .draw(drawing, mixed);
    }

    private SDVariable mix(
            int layer, Heads heads, SDVariable query, SDVariable key, SDVariable value) {
        double softcap = config.attention().attentionLogitSoftcap();
        int window = config.attention().windows().get(layer);
        if (!FusedOperators.areDrawnFor(query) || past == null && softcap != 0) {
            return attend(layer, heads, query, key, value);
        }
        return past != null
                ? FusedOperators.cachedAttention(
                        query,
                        key,
                        value,
                        past.keys().get(layer),
                        past.values().get(layer),
                        past.mask(window),
                        softcap)
                : FusedOperators.attention(
                        query,
                        key,
                        value,
                        tokens.positions(),
                        tokens.segments(),
                        tokens.prefixes(),
                        config.headDim(),
                        window);
    }

    private SDVariable attend(
            int layer, Heads heads, SDVariable queries, SDVariable keys, SDVariable values) {
        int window = config.attention().windows().get(layer);
        Shapes shape = shapes.computeIfAbsent(heads, this::shapes);
        SDVariable query =
                queries.reshape(shape.splitQueries())
                        .permute(0, 2, 3, 1, 4)
                        .reshape(shape.foldedQueries());
        SDVariable key = headsFirst(keys, shape);
        SDVariable value = headsFirst(values, shape);
        return (past == null
                        ? attend(query, key, value, new Window(window, heads.group()))
                        : attend(layer, past, query, key, value))
                .reshape(shape.unfoldedQueries())
                .permute(0, 3, 1, 2, 4)
                .reshape(-1, heads.queries() * config.headDim());
    }

    private SDVariable attend(SDVariable queries, SDVariable key, SDVariable value, Window window) {
        SDVariable mask = masks.computeIfAbsent(window, this::mask);
        return graph.mmul(BlockOps.maskedSoftmax(scores(queries, key), mask), value);
    }

    /** One token a row: it sees the past and itself, which lie in arrays of their own. */
    private SDVariable attend(
            int layer,
            DecoderGraph.Past past,
            SDVariable queries,
            SDVariable key,
            SDVariable value) {
        SDVariable mask = past.mask(config.attention().windows().get(layer));
        SDVariable before = Ops.addConstant(scores(queries, past.keys().get(layer)), mask);
        SDVariable weights = graph.nn().softmax(graph.concat(3, scores(queries, key), before), -1);
        SDIndex all = SDIndex.all();
        SDVariable own = weights.get(all, all, all, SDIndex.interval(0L, 1L));
        SDVariable others = weights.get(all, all, all, SDIndex.interval(1L, null));
        return graph.mmul(others, past.values().get(layer)).add(graph.mmul(own, value));
    }

    private SDVariable scores(SDVariable queries, SDVariable key) {
        return drawing.capped(
                graph.mmul(queries, key, false, true, false),
                config.attention().attentionLogitSoftcap());
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
                            .map(name -> Linear.of(names.of(layer, name), parts.bias()))
                            .map(linear -> linear.draw(drawing, x))
                            .toList();
        } else {
            SDVariable all =
                    Linear.of(
                                    names.of(layer, names.queryKeyValue()),
                                    parts.bias(),
                                    parts.projection())
                            .draw(drawing, x);
            projected =
                    List.of(
                            Drawing.columns(all, 0, queries),
                            Drawing.columns(all, queries, queries + keys),
                            Drawing.columns(all, queries + keys, queries + 2 * keys));
        }
        return parts.clipQkv() == 0
                ? projected
                : projected.stream()
                        .map(part -> graph.clipByValue(part, -parts.clipQkv(), parts.clipQkv()))
                        .toList();
    }

    private SDVariable normed(SDVariable x, int layer, String name) {
        String tensor = names.of(layer, name);
        int heads =
                name.equals(names.queryNorm()) ? config.heads(layer) : config.keyValueHeads(layer);
        return switch (config.attention().queryKeyNorm()) {
            case NONE -> x;
            case WHOLE -> norms.draw(x, tensor);
            case HEADS ->
                    norms.draw(x.reshape(-1, config.headDim()), tensor)
                            .reshape(-1, heads * config.headDim());
        };
    }

    private SDVariable headsFirst(SDVariable x, Shapes shape) {
        return x.reshape(shape.splitKeys()).permute(0, 2, 1, 3);
    }

    /**
     * 0 where a query sees a key and {@link #MASKED} elsewhere: {@code [rows, 1, group * time,
     * time]}.
     */
    private SDVariable mask(Window window) {
        SDVariable at = expand(tokens.positions(), 2);
        SDVariable key = expand(tokens.positions(), 1);
        SDVariable segment = expand(tokens.segments(), 1);
        SDVariable own = drawing.number(segment.eq(expand(tokens.segments(), 2)));
        SDVariable prefix = drawing.number(segment.eq(expand(tokens.prefixes(), 2)));
        SDVariable seen = graph.math().max(own, prefix).mul(drawing.number(key.lte(at)));
        if (window.positions() > 0) {
            seen = seen.mul(drawing.number(key.gt(at.sub(window.positions()))));
        }
        return Ops.repeat(expand(seen.rsub(1).mul(MASKED), 1), window.group(), 2);
    }

    private SDVariable size(long value) {
        return graph.constant(Nd4j.scalar(value));
    }

    private SDVariable expand(SDVariable x, int axis) {
        return graph.expandDims(x, axis);
    }
}
