package io.github.dl4jjepa.core.objective;

import io.github.dl4jjepa.core.internal.IntArrays;
import io.github.dl4jjepa.core.iterator.MultiViewBatch;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Draws the three tokens s, r, t of each row that {@link SemanticTube} compares. */
final class TubeIndices {
    private static final int POINTS = 3;

    private TubeIndices() {}

    /**
     * INT32 {@code [rows, 3]}, flat and in rising order.
     *
     * @param batch a batch of conversations, without views
     * @param random decides
     * @throws IllegalArgumentException if a row has fewer than three tokens
     */
    static INDArray of(MultiViewBatch batch, Random random) {
        int rows = Math.toIntExact(batch.segmentIds().size(0));
        int time = Math.toIntExact(batch.segmentIds().size(1));
        int[] segments = IntArrays.values(batch.segmentIds());
        int[][] indices = new int[rows][];
        for (int row = 0; row < rows; row++) {
            int[] tokens =
                    IntStream.range(row * time, (row + 1) * time)
                            .filter(i -> segments[i] != MultiViewBatch.PADDING_SEGMENT)
                            .toArray();
            if (tokens.length < POINTS) {
                throw new IllegalArgumentException(
                        "the semantic tube needs rows of three tokens or more; one has "
                                + tokens.length
                                + ", among "
                                + List.copyOf(batch.sources()));
            }
            indices[row] =
                    random.ints(0, tokens.length)
                            .distinct()
                            .limit(POINTS)
                            .sorted()
                            .map(i -> tokens[i])
                            .toArray();
        }
        return Nd4j.createFromArray(indices);
    }
}
