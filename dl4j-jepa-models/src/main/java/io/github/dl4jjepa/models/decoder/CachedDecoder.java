package io.github.dl4jjepa.models.decoder;

import io.github.dl4jjepa.core.decoder.TokenInputs;
import io.github.dl4jjepa.core.internal.samediff.Graphs;
import io.github.dl4jjepa.core.iterator.MultiViewBatch;
import io.github.dl4jjepa.core.ops.Ops;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
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
 * <p>Rows may differ in length: shorter ones are padded on the right, and their padding stays
 * masked. The decoder's parameters are shared, not copied. One instance reads one batch of rows
 * after another; it is not thread-safe.
 */
public final class CachedDecoder implements AutoCloseable {
    private static final String IDS = "input_ids";
    private static final String POSITIONS = "position_ids";
    private static final String SEGMENTS = "segment_ids";
    private static final String PAST_POSITIONS = "past_position_ids";
    private static final String PAST_SEGMENTS = "past_segment_ids";
    private static final String LAST = "last_indices";
    private static final String LOGITS = "logits";

    private final TransformerDecoder decoder;
    private final Graph first;
    private final Graph next;

    /** Where a row becomes longer than one of these, tokens read before are turned differently. */
    private final int[] switches;

    private List<int[]> read = List.of();
    private int[] lengths;
    private int[][] positions;
    private int[][] segments;
    private final Map<String, INDArray> cache = new HashMap<>();

    /**
     * @param decoder the model to read with
     */
    public CachedDecoder(TransformerDecoder decoder) {
        this.decoder = decoder;
        first = new Graph(false);
        next = new Graph(true);
        switches = switches(decoder.config());
    }

    private static int[] switches(DecoderConfig config) {
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

    /**
     * Reads the beginning of each row, forgetting all rows read before.
     *
     * @param rows token ids, one array a row; none empty
     * @return the logits of what follows each row, {@code [rows, vocabulary]}
     */
    public INDArray read(List<int[]> rows) {
        int longest = rows.stream().mapToInt(row -> row.length).max().orElseThrow();
        lengths = rows.stream().mapToInt(row -> row.length).toArray();
        read = List.copyOf(rows);
        int[][] ids = new int[rows.size()][longest];
        positions = new int[rows.size()][longest];
        segments = new int[rows.size()][longest];
        int[] last = new int[rows.size()];
        for (int row = 0; row < ids.length; row++) {
            System.arraycopy(rows.get(row), 0, ids[row], 0, lengths[row]);
            Arrays.setAll(positions[row], i -> i);
            Arrays.fill(segments[row], lengths[row], longest, MultiViewBatch.PADDING_SEGMENT);
            last[row] = row * longest + lengths[row] - 1;
        }
        close();
        Map<String, INDArray> inputs = new HashMap<>();
        inputs.put(IDS, Nd4j.createFromArray(ids));
        inputs.put(POSITIONS, Nd4j.createFromArray(positions));
        inputs.put(SEGMENTS, Nd4j.createFromArray(segments));
        inputs.put(LAST, Nd4j.createFromArray(last));
        return first.run(inputs);
    }

    /**
     * Reads one more token of each row.
     *
     * @param ids a token id a row
     * @return the logits of what follows, {@code [rows, vocabulary]}
     */
    public INDArray read(int[] ids) {
        List<int[]> rows = new ArrayList<>();
        for (int row = 0; row < ids.length; row++) {
            rows.add(append(read.get(row), ids[row]));
        }
        int longest = Arrays.stream(lengths).max().orElseThrow();
        if (Arrays.stream(switches).anyMatch(length -> length == longest)) {
            return read(rows);
        }
        read = List.copyOf(rows);
        int[][] column = new int[ids.length][];
        int[][] place = new int[ids.length][];
        for (int row = 0; row < ids.length; row++) {
            column[row] = new int[] {ids[row]};
            place[row] = new int[] {lengths[row]};
            positions[row] = append(positions[row], lengths[row]);
            segments[row] = append(segments[row], 0);
            lengths[row]++;
        }
        Map<String, INDArray> inputs = new HashMap<>(cache);
        inputs.put(IDS, Nd4j.createFromArray(column));
        inputs.put(POSITIONS, Nd4j.createFromArray(place));
        inputs.put(SEGMENTS, Nd4j.createFromArray(new int[ids.length][1]));
        inputs.put(PAST_POSITIONS, Nd4j.createFromArray(positions));
        inputs.put(PAST_SEGMENTS, Nd4j.createFromArray(segments));
        inputs.put(LAST, Nd4j.createFromArray(IntStream.range(0, ids.length).toArray()));
        return next.run(inputs);
    }

    /** Frees the keys and values of the rows read last. */
    @Override
    public void close() {
        cache.values().forEach(INDArray::close);
        cache.clear();
    }

    private static int[] append(int[] values, int value) {
        int[] longer = Arrays.copyOf(values, values.length + 1);
        longer[values.length] = value;
        return longer;
    }

    private static String pastKeys(int layer) {
        return "past_keys." + layer;
    }

    private static String pastValues(int layer) {
        return "past_values." + layer;
    }

    /**
     * The decoder as a graph that also gives out keys and values; with a past, it takes them in as
     * well.
     */
    private final class Graph {
        private final SameDiff graph = Graphs.create();
        private final List<String> outputs = new ArrayList<>();

        /** The variable that becomes a placeholder of the next reading. */
        private final Map<String, String> presentOfPast = new HashMap<>();

        Graph(boolean withPast) {
            DecoderGraph blocks = decoder.blocks(graph);
            TokenInputs tokens =
                    new TokenInputs(rows(IDS), rows(POSITIONS), rows(SEGMENTS), rows(SEGMENTS));
            DecoderGraph.Output output = blocks.draw(tokens, withPast ? past() : null);
            SDVariable last = graph.placeHolder(LAST, DataType.INT32, -1);
            outputs.add(
                    blocks.logits(Ops.gather(output.hiddenStates(), last)).rename(LOGITS).name());
            for (int layer = 0; layer < decoder.config().layers(); layer++) {
                keep(pastKeys(layer), output.keys().get(layer));
                keep(pastValues(layer), output.values().get(layer));
            }
        }

        private void keep(String past, SDVariable present) {
            presentOfPast.put(past, present.name());
            outputs.add(present.name());
        }

        private DecoderGraph.Past past() {
            List<SDVariable> keys = new ArrayList<>();
            List<SDVariable> values = new ArrayList<>();
            for (int layer = 0; layer < decoder.config().layers(); layer++) {
                keys.add(heads(layer, pastKeys(layer)));
                values.add(heads(layer, pastValues(layer)));
            }
            return new DecoderGraph.Past(rows(PAST_POSITIONS), rows(PAST_SEGMENTS), keys, values);
        }

        private SDVariable rows(String name) {
            return graph.placeHolder(name, DataType.INT32, -1, -1);
        }

        private SDVariable heads(int layer, String name) {
            DecoderConfig config = decoder.config();
            return graph.placeHolder(
                    name,
                    decoder.dataType(),
                    -1,
                    config.keyValueHeads(layer),
                    -1,
                    config.headDim());
        }

        private INDArray run(Map<String, INDArray> inputs) {
            Map<String, INDArray> results = graph.output(inputs, outputs);
            close();
            presentOfPast.forEach((past, present) -> cache.put(past, results.get(present)));
            return results.get(LOGITS);
        }
    }
}
