package io.github.dl4jjepa.models.decoder;

import io.github.dl4jjepa.core.decoder.Decoder;
import io.github.dl4jjepa.core.internal.samediff.Arena;
import io.github.dl4jjepa.core.internal.samediff.GraphExecutor;
import io.github.dl4jjepa.core.internal.samediff.Graphs;
import io.github.dl4jjepa.core.iterator.MultiViewBatch;
import io.github.dl4jjepa.core.iterator.ShapeBuckets;
import io.github.dl4jjepa.core.ops.Ops;
import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Computes how probable given continuations of prompts are.
 *
 * <p>Continuations of one prompt share its row, as views share a prefix in training, so that the
 * prompt is read once; rows of similar length are read together. The result for one continuation
 * does not depend on the others.
 *
 * <p>Holds native memory; close it. The decoder's parameters are shared, not copied. Not for use by
 * several threads at once.
 */
public final class ContinuationScorer implements AutoCloseable {
    private static final String IDS = "input_ids";
    private static final String POSITIONS = "position_ids";
    private static final String SEGMENTS = "segment_ids";
    private static final String PREFIXES = "prefix_ids";
    private static final String LABEL_INDICES = "label_indices";
    private static final String LABEL_IDS = "label_ids";
    private static final String LOSSES = "losses";

    /** So many tokens are read at once, or one row that is longer. */
    private static final int TOKENS_AT_ONCE = 2048;

    /** So many logits are computed at once, or those of one row. */
    private static final int LOGITS_AT_ONCE = 1 << 25;

    /** Rows and labels are filled up to one of 8 numbers an octave. */
    private static final int SIZES_PER_OCTAVE = 8;

    private final TransformerDecoder decoder;
    private final int labelsAtOnce;
    private final int[] switches;
    private final Arena arena;
    private final GraphExecutor executor;

    /**
     * @param decoder the model to compute with
     */
    public ContinuationScorer(TransformerDecoder decoder) {
        this.decoder = decoder;
        labelsAtOnce = LOGITS_AT_ONCE / decoder.vocabularySize();
        switches = CachedDecoder.switches(decoder.config());
        arena = new Arena(decoder.dataType());
        SameDiff graph = Graphs.create();
        DecoderGraph blocks = decoder.blocks(graph);
        Decoder.TokenInputs tokens =
                new Decoder.TokenInputs(
                        integers(graph, IDS, -1, -1),
                        integers(graph, POSITIONS, -1, -1),
                        integers(graph, SEGMENTS, -1, -1),
                        integers(graph, PREFIXES, -1, -1));
        SDVariable hidden = blocks.draw(tokens, null).hiddenStates();
        SDVariable logits = blocks.logits(Ops.gather(hidden, integers(graph, LABEL_INDICES, -1)));
        Ops.crossEntropy(logits, integers(graph, LABEL_IDS, -1), decoder.vocabularySize())
                .rename(LOSSES);
        executor = new GraphExecutor(graph, List.of(LOSSES), arena, List.of());
    }

    private static SDVariable integers(SameDiff graph, String name, long... shape) {
        return graph.placeHolder(name, DataType.INT32, shape);
    }

    /**
     * A prompt and what may follow it.
     *
     * @param prompt token ids; at least one
     * @param ids the token ids that follow; at least one
     */
    public record Continuation(int[] prompt, int[] ids) {
        public Continuation {
            if (prompt.length == 0 || ids.length == 0) {
                throw new IllegalArgumentException("prompt and continuation must not be empty");
            }
        }
    }

    /** A place in the results, and what is computed for it. */
    private record Entry(int index, Continuation continuation) {}

    /** Continuations of one prompt. */
    private record Row(List<Entry> entries) {
        int[] prompt() {
            return entries.get(0).continuation().prompt();
        }

        int labels() {
            return entries.stream().mapToInt(entry -> entry.continuation().ids().length).sum();
        }

        int length() {
            return prompt().length + labels();
        }
    }

    /**
     * Computes log-probabilities.
     *
     * @param continuations prompts and what may follow them
     * @return for each continuation the log-probability of each of its tokens, in nats, given the
     *     prompt and the tokens before it
     * @throws IllegalArgumentException if a prompt and its continuation exceed the model's
     *     positions
     */
    public List<double[]> logProbabilities(List<Continuation> continuations) {
        List<double[]> results =
                new ArrayList<>(
                        continuations.stream().map(c -> new double[c.ids().length]).toList());
        List<Row> rows = rows(continuations);
        int done = 0;
        while (done < rows.size()) {
            int count = together(rows.subList(done, rows.size()));
            run(rows.subList(done, done + count), results);
            done += count;
        }
        return results;
    }

    /** Rows whose tokens are turned alike beside each other, the longest first. */
    private List<Row> rows(List<Continuation> continuations) {
        Map<List<Object>, List<Entry>> byPrompt = new LinkedHashMap<>();
        for (int i = 0; i < continuations.size(); i++) {
            Continuation continuation = continuations.get(i);
            int length = continuation.prompt().length + continuation.ids().length;
            if (length > decoder.config().maxPositions()) {
                throw new IllegalArgumentException(
                        length
                                + " tokens exceed the model's "
                                + decoder.config().maxPositions()
                                + " positions");
            }
            byPrompt.computeIfAbsent(
                            List.of(turning(length), IntBuffer.wrap(continuation.prompt())),
                            key -> new ArrayList<>())
                    .add(new Entry(i, continuation));
        }
        List<Row> rows = new ArrayList<>();
        byPrompt.values().forEach(entries -> rows.addAll(split(entries)));
        rows.sort(
                Comparator.comparingLong(this::turningOf)
                        .thenComparing(Comparator.comparingInt(Row::length).reversed()));
        return rows;
    }

    /** Many continuations of one prompt make several rows. */
    private static List<Row> split(List<Entry> entries) {
        List<Row> rows = new ArrayList<>();
        List<Entry> row = new ArrayList<>();
        int length = entries.get(0).continuation().prompt().length;
        int filled = length;
        for (Entry entry : entries) {
            int more = entry.continuation().ids().length;
            if (!row.isEmpty() && filled + more > TOKENS_AT_ONCE) {
                rows.add(new Row(row));
                row = new ArrayList<>();
                filled = length;
            }
            row.add(entry);
            filled += more;
        }
        rows.add(new Row(row));
        return rows;
    }

    private long turning(int length) {
        return Arrays.stream(switches).filter(limit -> length > limit).count();
    }

    private long turningOf(Row row) {
        return turning(row.prompt().length + row.entries().get(0).continuation().ids().length);
    }

    private int together(List<Row> rows) {
        int count = 1;
        int labels = rows.get(0).labels();
        int longest = rows.get(0).length();
        while (count < rows.size()) {
            labels += rows.get(count).labels();
            if (longest * (count + 1) > TOKENS_AT_ONCE
                    || labels > labelsAtOnce
                    || turningOf(rows.get(count)) != turningOf(rows.get(0))) {
                break;
            }
            count++;
        }
        return count;
    }

    private void run(List<Row> rows, List<double[]> results) {
        int time = ShapeBuckets.roundUp(rows.get(0).length(), SIZES_PER_OCTAVE);
        int labels = rows.stream().mapToInt(Row::labels).sum();
        int[][] ids = new int[rows.size()][time];
        int[][] positions = new int[rows.size()][time];
        int[][] segments = new int[rows.size()][time];
        int[][] prefixes = new int[rows.size()][time];
        int[] labelIndices = new int[ShapeBuckets.roundUp(labels, SIZES_PER_OCTAVE)];
        int[] labelIds = new int[labelIndices.length];
        int label = 0;
        for (int r = 0; r < ids.length; r++) {
            Arrays.fill(segments[r], MultiViewBatch.PADDING_SEGMENT);
            Arrays.fill(prefixes[r], MultiViewBatch.PADDING_SEGMENT);
            int[] prompt = rows.get(r).prompt();
            put(ids[r], positions[r], segments[r], 0, prompt, 0, 0);
            int at = prompt.length;
            int segment = 1;
            for (Entry entry : rows.get(r).entries()) {
                int[] next = entry.continuation().ids();
                put(ids[r], positions[r], segments[r], at, next, prompt.length, segment++);
                for (int i = 0; i < next.length; i++) {
                    int before = i == 0 ? prompt.length - 1 : at + i - 1;
                    labelIndices[label] = r * time + before;
                    labelIds[label++] = next[i];
                }
                at += next.length;
            }
            Arrays.fill(prefixes[r], 0, at, 0);
        }
        try (INDArray idArray = Nd4j.createFromArray(ids);
                INDArray positionArray = Nd4j.createFromArray(positions);
                INDArray segmentArray = Nd4j.createFromArray(segments);
                INDArray prefixArray = Nd4j.createFromArray(prefixes);
                INDArray indexArray = Nd4j.createFromArray(labelIndices);
                INDArray labelArray = Nd4j.createFromArray(labelIds)) {
            executor.run(
                    Map.of(
                            IDS,
                            idArray,
                            POSITIONS,
                            positionArray,
                            SEGMENTS,
                            segmentArray,
                            PREFIXES,
                            prefixArray,
                            LABEL_INDICES,
                            indexArray,
                            LABEL_IDS,
                            labelArray),
                    (name, losses) -> take(rows, losses.toDoubleVector(), results));
        }
    }

    private static void put(
            int[] ids,
            int[] positions,
            int[] segments,
            int at,
            int[] tokens,
            int position,
            int segment) {
        System.arraycopy(tokens, 0, ids, at, tokens.length);
        for (int i = 0; i < tokens.length; i++) {
            positions[at + i] = position + i;
        }
        Arrays.fill(segments, at, at + tokens.length, segment);
    }

    private static void take(List<Row> rows, double[] losses, List<double[]> results) {
        int label = 0;
        for (Row row : rows) {
            for (Entry entry : row.entries()) {
                double[] result = results.get(entry.index());
                for (int i = 0; i < result.length; i++) {
                    result[i] = -losses[label++];
                }
            }
        }
    }

    @Override
    public void close() {
        executor.close();
        arena.close();
    }
}
