package io.github.dl4jjepa.core.iterator;

import io.github.dl4jjepa.core.internal.IntArrays;
import io.github.dl4jjepa.core.view.Row;
import io.github.dl4jjepa.core.view.TokenizedExample;
import io.github.dl4jjepa.core.view.ViewLayout;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Lays examples out and copies their rows into a batch's arrays. */
final class BatchAssembler {
    private final int rows;
    private final int time;
    private final int[] ids;
    private final int[] positions;
    private final int[] segments;
    private final int[] prefixes;
    private final IntStream.Builder labelIndices = IntStream.builder();
    private final IntStream.Builder labelIds = IntStream.builder();
    private final List<int[]> predictionIndices = new ArrayList<>();
    private final List<int[]> targetIndices = new ArrayList<>();
    private final IntStream.Builder answerIds = IntStream.builder();
    private int row;
    private long tokens;

    private BatchAssembler(int rows, int time, int padId) {
        this.rows = rows;
        this.time = time;
        int size = Math.multiplyExact(rows, time);
        ids = new int[size];
        positions = new int[size];
        segments = new int[size];
        prefixes = new int[size];
        Arrays.fill(ids, padId);
        Arrays.fill(segments, MultiViewBatch.PADDING_SEGMENT);
        Arrays.fill(prefixes, MultiViewBatch.PADDING_SEGMENT);
    }

    static MultiViewBatch assemble(List<TokenizedExample> examples, ViewLayout layout, int padId) {
        List<List<Row>> laidOut = examples.stream().map(layout::rows).toList();
        int rows = laidOut.stream().mapToInt(List::size).sum();
        int time =
                laidOut.stream()
                        .flatMap(List::stream)
                        .mapToInt(row -> row.ids().length)
                        .max()
                        .orElseThrow(
                                () -> new IllegalArgumentException("a batch without examples"));
        BatchAssembler assembler = new BatchAssembler(rows, time, padId);
        laidOut.forEach(assembler::add);
        return assembler.batch(examples.stream().map(TokenizedExample::source).toList());
    }

    private void add(List<Row> example) {
        int examplePairs = (int) readouts(example, Row.Readout.Side.TARGET);
        if (readouts(example, Row.Readout.Side.PREDICTION) != examplePairs) {
            throw new IllegalArgumentException("the layout gives a prediction without its target");
        }
        int[][] predictions = new int[examplePairs][];
        int[][] targets = new int[examplePairs][];
        int[] answers = new int[examplePairs];
        for (Row added : example) {
            copy(added);
            for (Row.Readout readout : added.readouts()) {
                int[][] side =
                        readout.side() == Row.Readout.Side.PREDICTION ? predictions : targets;
                if (readout.pair() >= examplePairs || side[readout.pair()] != null) {
                    throw new IllegalArgumentException(
                            "the layout must read each pair out once, numbered from 0: " + readout);
                }
                int start = row * time;
                side[readout.pair()] =
                        readout.indices().stream().mapToInt(index -> start + index).toArray();
                if (readout.side() == Row.Readout.Side.TARGET) {
                    answers[readout.pair()] = answerId(added, readout);
                }
            }
            row++;
        }
        predictionIndices.addAll(Arrays.asList(predictions));
        targetIndices.addAll(Arrays.asList(targets));
        Arrays.stream(answers).forEach(answerIds::add);
    }

    /** A checksum of the tokens that the last hidden state of a readout sees. */
    private static int answerId(Row row, Row.Readout readout) {
        int last = readout.indices().get(readout.indices().size() - 1);
        int segment = row.segments()[last];
        int prefix = row.prefixes()[last];
        CRC32 checksum = new CRC32();
        for (int i = 0; i < row.ids().length; i++) {
            if ((row.segments()[i] == segment || row.segments()[i] == prefix)
                    && row.positions()[i] <= row.positions()[last]) {
                checksum.update(ByteBuffer.allocate(Integer.BYTES).putInt(0, row.ids()[i]));
            }
        }
        return (int) checksum.getValue();
    }

    private void copy(Row added) {
        int length = added.ids().length;
        int start = row * time;
        System.arraycopy(added.ids(), 0, ids, start, length);
        System.arraycopy(added.positions(), 0, positions, start, length);
        System.arraycopy(added.segments(), 0, segments, start, length);
        System.arraycopy(added.prefixes(), 0, prefixes, start, length);
        for (int i = 0; i < length; i++) {
            if (added.targets()[i] != Row.NO_TARGET) {
                labelIndices.add(start + i);
                labelIds.add(added.targets()[i]);
            }
        }
        tokens += length;
    }

    private MultiViewBatch batch(List<String> sources) {
        return new MultiViewBatch(
                matrix(ids),
                matrix(positions),
                matrix(segments),
                matrix(prefixes),
                vector(labelIndices),
                vector(labelIds),
                readouts(predictionIndices),
                readouts(targetIndices),
                targetIndices.isEmpty() ? null : vector(answerIds),
                tokens,
                sources);
    }

    private INDArray matrix(int[] values) {
        return IntArrays.of(values, rows, time);
    }

    private static INDArray vector(IntStream.Builder values) {
        int[] all = values.build().toArray();
        return IntArrays.of(all, all.length);
    }

    /** {@code [pairs, width]}, or null without pairs. */
    private static @Nullable INDArray readouts(List<int[]> indices) {
        if (indices.isEmpty()) {
            return null;
        }
        int width = indices.stream().mapToInt(pair -> pair.length).max().orElseThrow();
        int[] padded = new int[indices.size() * width];
        Arrays.fill(padded, MultiViewBatch.NO_INDEX);
        for (int pair = 0; pair < indices.size(); pair++) {
            int[] read = indices.get(pair);
            System.arraycopy(read, 0, padded, pair * width, read.length);
        }
        return IntArrays.of(padded, indices.size(), width);
    }

    private static long readouts(List<Row> rows, Row.Readout.Side side) {
        return rows.stream()
                .flatMap(row -> row.readouts().stream())
                .filter(readout -> readout.side() == side)
                .count();
    }
}
