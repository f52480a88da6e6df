package io.github.dl4jjepa.core.iterator;

import io.github.dl4jjepa.core.internal.IntArrays;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A batch's arrays, filled up so that ragged batches have few different shapes: a graph is planned
 * once for each shape.
 *
 * <p>Rows are filled up to one of 16 lengths an octave (at most 6 % longer), labels to one of 16
 * numbers (at most 6 % more; below 256, multiples of 8). What fills up is padding, and labels of
 * {@link MultiViewBatch#NO_INDEX}, which the loss leaves out.
 */
public final class ShapeBuckets {
    private static final int LENGTHS_PER_OCTAVE = 16;
    private static final int LABEL_COUNTS_PER_OCTAVE = 16;

    /** Every number of labels is a multiple of this. */
    public static final int LABEL_CHUNKS = 8;

    private final MultiViewBatch batch;
    private final int rows;
    private final int time;
    private final int paddedTime;

    private ShapeBuckets(MultiViewBatch batch) {
        this.batch = batch;
        rows = Math.toIntExact(batch.inputIds().size(0));
        time = Math.toIntExact(batch.inputIds().size(1));
        paddedTime = roundUp(time, LENGTHS_PER_OCTAVE);
    }

    /** A filled-up copy of a batch, to be closed by the caller. */
    public static MultiViewBatch fill(MultiViewBatch batch) {
        return new ShapeBuckets(batch).filled();
    }

    /** The least number not below {@code n} among {@code perOctave} from each power of 2 on. */
    public static int roundUp(int n, int perOctave) {
        int step = Math.max(1, Integer.highestOneBit(n) / perOctave);
        return (n + step - 1) / step * step;
    }

    /** The number that so many labels are filled up to. */
    static int labelCount(int labels) {
        int rounded = roundUp(labels, LABEL_COUNTS_PER_OCTAVE);
        return (rounded + LABEL_CHUNKS - 1) / LABEL_CHUNKS * LABEL_CHUNKS;
    }

    private MultiViewBatch filled() {
        int labels = labelCount(batch.labels());
        return new MultiViewBatch(
                tokens(batch.inputIds(), 0),
                tokens(batch.positionIds(), 0),
                tokens(batch.segmentIds(), MultiViewBatch.PADDING_SEGMENT),
                tokens(batch.prefixIds(), MultiViewBatch.PADDING_SEGMENT),
                labels(moved(batch.labelIndices()), labels, 0),
                labels(IntArrays.values(batch.labelIds()), labels, MultiViewBatch.NO_INDEX),
                readouts(batch.predictionIndices()),
                readouts(batch.targetIndices()),
                batch.pairs() == 0 ? null : Objects.requireNonNull(batch.answerIds()).dup(),
                batch.tokens(),
                batch.sources());
    }

    private INDArray tokens(INDArray values, int fill) {
        int[] flat = IntArrays.values(values);
        int[] padded = new int[rows * paddedTime];
        Arrays.fill(padded, fill);
        for (int row = 0; row < rows; row++) {
            System.arraycopy(flat, row * time, padded, row * paddedTime, time);
        }
        return IntArrays.of(padded, rows, paddedTime);
    }

    private static INDArray labels(int[] values, int count, int fill) {
        int[] padded = Arrays.copyOf(values, count);
        Arrays.fill(padded, values.length, count, fill);
        return IntArrays.of(padded, count);
    }

    private @Nullable INDArray readouts(@Nullable INDArray indices) {
        if (indices == null) {
            return null;
        }
        return IntArrays.of(moved(indices), indices.shape());
    }

    /** Flat indices where the longer rows have them. */
    private int[] moved(INDArray indices) {
        return Arrays.stream(IntArrays.values(indices))
                .map(
                        index ->
                                index == MultiViewBatch.NO_INDEX
                                        ? index
                                        : index / time * paddedTime + index % time)
                .toArray();
    }
}
