package io.github.dl4jjepa.models.decoder;

import io.github.dl4jjepa.core.decoder.Decoder;
import io.github.dl4jjepa.core.internal.samediff.Arena;
import io.github.dl4jjepa.core.internal.samediff.GraphExecutor;
import io.github.dl4jjepa.core.internal.samediff.Graphs;
import io.github.dl4jjepa.core.iterator.MultiViewBatch;
import io.github.dl4jjepa.core.iterator.ShapeBuckets;
import io.github.dl4jjepa.core.ops.Ops;
import io.github.dl4jjepa.models.internal.HostMemory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Reads rows token by token, keeping the keys and values of what was read before.
 *
 * <p>There are as many slots as rows that can be read at once. Rows in slots 0 to n - 1 are read
 * together; each has its own length, and what is computed for one does not depend on the others.
 * The memory for keys and values is allocated once. The decoder's parameters are shared, not
 * copied; they must not change between {@link #read} and {@link #next}.
 *
 * <p>Not for use by several threads at once.
 */
public final class CachedDecoder implements AutoCloseable {
    private static final String IDS = "input_ids";
    private static final String POSITIONS = "position_ids";
    private static final String SEGMENTS = "segment_ids";
    private static final String LAST = "last_indices";
    private static final String LOGITS = "logits";
    private static final String PRESENT = "present";

    /** So many tokens of prompts are read at once, or one prompt that is longer. */
    private static final int TOKENS_AT_ONCE = 2048;

    /** Past tokens are filled up to multiples of this, and to one of 8 numbers an octave. */
    private static final int PAST_MULTIPLE = 64;

    private static final int PAST_PER_OCTAVE = 8;

    private final TransformerDecoder decoder;
    private final int slots;
    private final int capacity;

    /** Keys and values of all layers of one token: key, value, key, value, … */
    private final int width;

    /** {@code [slots, capacity, width]}. */
    private final INDArray cache;

    /** By window, {@code [slots, capacity]}: what is added to the scores of past tokens. */
    private final Map<Integer, INDArray> masks = new HashMap<>();

    private final Arena arena;
    private final Prompts prompts;
    private final Next next;
    private final int[][] read;
    private final int[] lengths;
    private final float[][] logits;

    /** Where a row becomes longer than one of these, tokens read before are turned differently. */
    private final int[] switches;

    /**
     * @param decoder the model to read with
     * @param slots the largest number of rows to read at once
     * @param capacity the largest number of tokens of a row
     * @throws IllegalArgumentException if {@code capacity} exceeds the decoder's positions
     */
    public CachedDecoder(TransformerDecoder decoder, int slots, int capacity) {
        if (capacity > decoder.config().maxPositions()) {
            throw new IllegalArgumentException(
                    capacity
                            + " tokens exceed the model's "
                            + decoder.config().maxPositions()
                            + " positions");
        }
        DecoderConfig config = decoder.config();
        this.decoder = decoder;
        this.slots = slots;
        this.capacity = pastLength(capacity);
        width =
                IntStream.range(0, config.layers())
                        .map(layer -> 2 * config.keyValueHeads(layer) * config.headDim())
                        .sum();
        cache = Nd4j.create(decoder.dataType(), slots, this.capacity, width);
        config.attention()
                .windows()
                .forEach(
                        window ->
                                masks.computeIfAbsent(
                                        window,
                                        w ->
                                                Nd4j.valueArrayOf(
                                                        new long[] {slots, this.capacity},
                                                        AttentionGraph.MASKED,
                                                        decoder.dataType())));
        arena = new Arena(decoder.dataType());
        prompts = new Prompts();
        next = new Next();
        read = new int[slots][capacity];
        lengths = new int[slots];
        logits = new float[slots][config.vocabularySize()];
        switches = switches(config);
    }

    static int[] switches(DecoderConfig config) {
        Stream<PositionEmbedding> embeddings =
                Stream.concat(
                        Stream.of(config.positions()),
                        config.attention().windowPositions().stream());
        return embeddings
                .filter(RotaryEmbedding.class::isInstance)
                .flatMap(
                        embedding ->
                                ((RotaryEmbedding) embedding).longRows(config.headDim()).stream())
                .mapToInt(RotaryEmbedding.LongRows::longerThan)
                .toArray();
    }

    private static int pastLength(int tokens) {
        int rounded = ShapeBuckets.roundUp(Math.max(1, tokens), PAST_PER_OCTAVE);
        return (rounded + PAST_MULTIPLE - 1) / PAST_MULTIPLE * PAST_MULTIPLE;
    }

    /** The largest number of rows to read at once. */
    public int slots() {
        return slots;
    }

    /** The number of tokens that a slot's row has so far. */
    public int length(int slot) {
        return lengths[slot];
    }

    /**
     * What follows a slot's row, as read last.
     *
     * @return {@code [vocabulary]}, to be read and changed until the next reading
     */
    public float[] logits(int slot) {
        return logits[slot];
    }

    /**
     * Reads the beginnings of rows into slots, whatever these held.
     *
     * @param first the first row's slot; the others take the slots after it
     * @param rows token ids, one array a row; none empty
     */
    public void read(int first, List<int[]> rows) {
        int done = 0;
        while (done < rows.size()) {
            int count = together(rows.subList(done, rows.size()));
            prompts.read(first + done, rows.subList(done, done + count));
            done += count;
        }
    }

    /** How many of the rows are read at once: of one kind of turning, and not too many tokens. */
    private int together(List<int[]> rows) {
        int count = 1;
        int longest = rows.get(0).length;
        while (count < rows.size()) {
            longest = Math.max(longest, rows.get(count).length);
            if (longest * (count + 1) > TOKENS_AT_ONCE
                    || turning(rows.get(count).length) != turning(rows.get(0).length)) {
                break;
            }
            count++;
        }
        return count;
    }

    private long turning(int length) {
        return Arrays.stream(switches).filter(limit -> length > limit).count();
    }

    /**
     * Reads one more token of the rows in the first slots.
     *
     * @param ids a token id a row
     */
    public void next(int[] ids) {
        for (int slot = 0; slot < ids.length; slot++) {
            read[slot][lengths[slot]] = ids[slot];
        }
        if (switches.length == 0) {
            next.read(0, ids.length);
            return;
        }
        for (int slot = 0; slot < ids.length; slot++) {
            if (turning(lengths[slot] + 1) == turning(lengths[slot])) {
                next.read(slot, 1);
            } else {
                read(slot, List.of(Arrays.copyOf(read[slot], lengths[slot] + 1)));
            }
        }
    }

    /**
     * Moves a row to another slot, whose row is forgotten.
     *
     * @param from the slot that becomes free
     * @param to the slot to fill
     */
    public void move(int from, int to) {
        if (from == to) {
            return;
        }
        int length = lengths[from];
        if (length > 0) {
            tokens(to, 0, length).assign(tokens(from, 0, length));
        }
        masks.values().forEach(mask -> mask.getRow(to).assign(mask.getRow(from)));
        System.arraycopy(read[from], 0, read[to], 0, length);
        System.arraycopy(logits[from], 0, logits[to], 0, logits[to].length);
        lengths[to] = length;
    }

    /** Keys and values of some tokens, {@code [tokens, width]}. */
    private INDArray tokens(int slot, int from, int to) {
        return rows(cache, (long) slot * capacity + from, to - from);
    }

    /** Some rows of {@code width} numbers; INDArray.get may say that an arena's array is empty. */
    private INDArray rows(INDArray array, long first, int rows) {
        return view(array, first * width, new long[] {rows, width}, new long[] {width, 1});
    }

    private static INDArray view(INDArray array, long offset, long[] shape, long[] strides) {
        return Nd4j.create(
                array.data(), shape, strides, array.offset() + offset, 'c', array.dataType());
    }

    /** Keeps what was computed of a row's tokens {@code from} to {@code to}. */
    private void keep(int slot, int from, int to, INDArray present) {
        tokens(slot, from, to).assign(present);
        lengths[slot] = to;
        masks.forEach((window, mask) -> show(mask, window, slot, from));
    }

    /** Updates which past tokens the row's next token sees. */
    private void show(INDArray mask, int window, int slot, int from) {
        int length = lengths[slot];
        if (from == 0) {
            mask.getRow(slot).assign(AttentionGraph.MASKED);
        }
        int first = window > 0 ? Math.max(0, length - window + 1) : 0;
        for (int token = Math.max(from, first); token < length; token++) {
            mask.putScalar(slot, token, 0);
        }
        if (window > 0 && from > 0 && first > 0) {
            mask.putScalar(slot, first - 1, AttentionGraph.MASKED);
        }
    }

    private void takeLogits(int first, INDArray values) {
        int vocabulary = decoder.vocabularySize();
        try {
            HostMemory.read(
                    values,
                    vocabulary,
                    (start, region) -> {
                        float[] row = logits[first + Math.toIntExact(start / vocabulary)];
                        ByteBuffer bytes = region.order(ByteOrder.nativeOrder());
                        if (values.dataType() == DataType.FLOAT) {
                            bytes.asFloatBuffer().get(row);
                        } else {
                            for (int i = 0; i < vocabulary; i++) {
                                row[i] = (float) bytes.getDouble(i * Double.BYTES);
                            }
                        }
                    });
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Frees the keys and values. */
    @Override
    public void close() {
        prompts.executor.close();
        next.executor.close();
        cache.close();
        masks.values().forEach(INDArray::close);
        arena.close();
    }

    private SDVariable output(SameDiff graph, DecoderGraph blocks, DecoderGraph.Output output) {
        SDVariable last = graph.placeHolder(LAST, DataType.INT32, -1);
        blocks.logits(Ops.gather(output.hiddenStates(), last)).rename(LOGITS);
        SDVariable[] parts =
                IntStream.range(0, output.keys().size())
                        .boxed()
                        .flatMap(
                                layer ->
                                        Stream.of(
                                                output.keys().get(layer),
                                                output.values().get(layer)))
                        .toArray(SDVariable[]::new);
        return graph.concat(1, parts).rename(PRESENT);
    }

    private static SDVariable integers(SameDiff graph, String name) {
        return graph.placeHolder(name, DataType.INT32, -1, -1);
    }

    /** The decoder over the beginnings of rows. */
    private final class Prompts {
        private final GraphExecutor executor;

        Prompts() {
            SameDiff graph = Graphs.createForExecutor();
            DecoderGraph blocks = decoder.blocks(graph);
            SDVariable segments = integers(graph, SEGMENTS);
            Decoder.TokenInputs tokens =
                    new Decoder.TokenInputs(
                            integers(graph, IDS), integers(graph, POSITIONS), segments, segments);
            output(graph, blocks, blocks.draw(tokens, null));
            executor = new GraphExecutor(graph, List.of(LOGITS, PRESENT), arena, List.of());
        }

        void read(int first, List<int[]> rows) {
            int longest = rows.stream().mapToInt(row -> row.length).max().orElseThrow();
            int time = ShapeBuckets.roundUp(longest, 16);
            int[][] ids = new int[rows.size()][time];
            int[][] positions = new int[rows.size()][time];
            int[][] segments = new int[rows.size()][time];
            int[] last = new int[rows.size()];
            for (int row = 0; row < ids.length; row++) {
                int length = rows.get(row).length;
                System.arraycopy(rows.get(row), 0, ids[row], 0, length);
                System.arraycopy(rows.get(row), 0, read[first + row], 0, length);
                for (int i = 0; i < length; i++) {
                    positions[row][i] = i;
                }
                Arrays.fill(segments[row], length, time, MultiViewBatch.PADDING_SEGMENT);
                last[row] = row * time + length - 1;
            }
            try (INDArray idArray = Nd4j.createFromArray(ids);
                    INDArray positionArray = Nd4j.createFromArray(positions);
                    INDArray segmentArray = Nd4j.createFromArray(segments);
                    INDArray lastArray = Nd4j.createFromArray(last)) {
                executor.run(
                        Map.of(
                                IDS,
                                idArray,
                                POSITIONS,
                                positionArray,
                                SEGMENTS,
                                segmentArray,
                                LAST,
                                lastArray),
                        (name, values) -> {
                            if (name.equals(LOGITS)) {
                                takeLogits(first, values);
                                return;
                            }
                            for (int row = 0; row < ids.length; row++) {
                                int length = rows.get(row).length;
                                keep(
                                        first + row,
                                        0,
                                        length,
                                        rows(values, (long) row * time, length));
                            }
                        });
            }
        }
    }

    /** The decoder over one token a row, with what was read before. */
    private final class Next {
        private final GraphExecutor executor;

        /** By the first slot, the number of rows and the number of past tokens. */
        private final Map<List<Integer>, Inputs> known = new HashMap<>();

        /** What the graph reads: the tokens, and its part of the cache. */
        private record Inputs(INDArray ids, INDArray positions, Map<String, INDArray> byName) {}

        Next() {
            SameDiff graph = Graphs.createForExecutor();
            DecoderGraph blocks = decoder.blocks(graph);
            DecoderConfig config = decoder.config();
            List<SDVariable> keys =
                    IntStream.range(0, config.layers())
                            .mapToObj(layer -> heads(graph, keys(layer), layer))
                            .toList();
            List<SDVariable> values =
                    IntStream.range(0, config.layers())
                            .mapToObj(layer -> heads(graph, values(layer), layer))
                            .toList();
            Map<Integer, SDVariable> seen =
                    masks.keySet().stream()
                            .collect(
                                    Collectors.toMap(
                                            window -> window,
                                            window ->
                                                    graph.placeHolder(
                                                            mask(window),
                                                            decoder.dataType(),
                                                            -1,
                                                            1,
                                                            1,
                                                            -1)));
            SDVariable placed = integers(graph, POSITIONS);
            // One token a row, a segment by itself: the masks say what else it sees.
            Decoder.TokenInputs tokens =
                    new Decoder.TokenInputs(integers(graph, IDS), placed, placed, placed);
            output(graph, blocks, blocks.draw(tokens, new DecoderGraph.Past(keys, values, seen)));
            Set<String> bound =
                    Stream.of(keys, values, seen.values())
                            .flatMap(variables -> variables.stream().map(SDVariable::name))
                            .collect(Collectors.toSet());
            executor = new GraphExecutor(graph, List.of(LOGITS, PRESENT), arena, List.of(), bound);
        }

        private SDVariable heads(SameDiff graph, String name, int layer) {
            DecoderConfig config = decoder.config();
            return graph.placeHolder(
                    name,
                    decoder.dataType(),
                    -1,
                    config.keyValueHeads(layer),
                    -1,
                    config.headDim());
        }

        private static String keys(int layer) {
            return "past_keys." + layer;
        }

        private static String values(int layer) {
            return "past_values." + layer;
        }

        private static String mask(int window) {
            return "past_mask." + window;
        }

        /** Reads the tokens that {@link CachedDecoder#read} holds behind the rows' lengths. */
        void read(int first, int rows) {
            int past = 0;
            int[] id = new int[rows];
            int[] position = new int[rows];
            for (int row = 0; row < rows; row++) {
                position[row] = lengths[first + row];
                id[row] = CachedDecoder.this.read[first + row][position[row]];
                past = Math.max(past, position[row]);
            }
            Inputs inputs =
                    known.computeIfAbsent(
                            List.of(first, rows, pastLength(past)),
                            key -> inputs(key.get(0), key.get(1), key.get(2)));
            for (int row = 0; row < rows; row++) {
                inputs.ids.putScalar(row, 0, id[row]);
                inputs.positions.putScalar(row, 0, position[row]);
            }
            executor.run(
                    inputs.byName,
                    (name, values) -> {
                        if (name.equals(LOGITS)) {
                            takeLogits(first, values);
                            return;
                        }
                        for (int row = 0; row < rows; row++) {
                            keep(first + row, position[row], position[row] + 1, values.getRow(row));
                        }
                    });
        }

        private Inputs inputs(int first, int rows, int past) {
            DecoderConfig config = decoder.config();
            INDArray ids = Nd4j.create(DataType.INT32, rows, 1);
            INDArray positions = Nd4j.create(DataType.INT32, rows, 1);
            Map<String, INDArray> inputs = new HashMap<>();
            inputs.put(IDS, ids);
            inputs.put(POSITIONS, positions);
            inputs.put(LAST, Nd4j.createFromArray(IntStream.range(0, rows).toArray()));
            masks.forEach(
                    (window, mask) ->
                            inputs.put(
                                    mask(window),
                                    view(
                                            mask,
                                            (long) first * capacity,
                                            new long[] {rows, 1, 1, past},
                                            new long[] {capacity, past, past, 1})));
            long offset = (long) first * capacity * width;
            for (int layer = 0; layer < config.layers(); layer++) {
                long heads = config.keyValueHeads(layer);
                long[] shape = {rows, heads, past, config.headDim()};
                long[] strides = {(long) capacity * width, config.headDim(), width, 1};
                inputs.put(keys(layer), view(cache, offset, shape, strides));
                offset += heads * config.headDim();
                inputs.put(values(layer), view(cache, offset, shape, strides));
                offset += heads * config.headDim();
            }
            return new Inputs(ids, positions, inputs);
        }
    }
}
