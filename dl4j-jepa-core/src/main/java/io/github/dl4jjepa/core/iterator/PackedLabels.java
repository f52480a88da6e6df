package io.github.dl4jjepa.core.iterator;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * What a batch's hidden states are used for, in the one array that Deeplearning4j hands to an
 * output layer: INT32 {@code [rows, 4, time]}. At row r and time t
 *
 * <ul>
 *   <li>channel 0 has the token that the hidden state is to predict,
 *   <li>channel 1 the number of the pair whose Pred(Enc(Text)) reads it,
 *   <li>channel 2 the number of the pair whose Enc(Code) reads it,
 *   <li>channel 3, where channel 2 has a pair, a number that pairs with the same Code share,
 * </ul>
 *
 * <p>and -1 where there is none: padding is what no channel uses. A pair's embedding is the mean of
 * the hidden states that read it. Pairs are numbered from 0.
 *
 * @param labelIndices INT32 {@code [labels]}, as {@link MultiViewBatch#labelIndices}
 * @param labelIds INT32 {@code [labels]}, as {@link MultiViewBatch#labelIds}
 * @param predictionIndices INT32 {@code [pairs, width]}, as {@link
 *     MultiViewBatch#predictionIndices}; null where there are no pairs
 * @param targetIndices INT32 {@code [pairs, width]}, as {@link MultiViewBatch#targetIndices}; null
 *     where there are no pairs
 * @param answerIds INT32 {@code [pairs]}, as {@link MultiViewBatch#answerIds}; null where there are
 *     no pairs
 */
public record PackedLabels(
        INDArray labelIndices,
        INDArray labelIds,
        @Nullable INDArray predictionIndices,
        @Nullable INDArray targetIndices,
        @Nullable INDArray answerIds) {
    private static final int LABEL = 0;
    private static final int PREDICTION = 1;
    private static final int TARGET = 2;
    private static final int ANSWER = 3;

    /** How many channels there are. */
    public static final int CHANNELS = 4;

    private static final int NONE = MultiViewBatch.NO_INDEX;

    /**
     * Packs a batch.
     *
     * @throws IllegalArgumentException if two pairs read one hidden state as their prediction, or
     *     as their target, which the array has no room for
     */
    public static INDArray pack(MultiViewBatch batch) {
        int rows = Math.toIntExact(batch.inputIds().size(0));
        int time = Math.toIntExact(batch.inputIds().size(1));
        int[][][] packed = new int[rows][CHANNELS][time];
        for (int[][] row : packed) {
            for (int[] channel : row) {
                Arrays.fill(channel, NONE);
            }
        }
        int[] indices = batch.labelIndices().toIntVector();
        int[] ids = batch.labelIds().toIntVector();
        for (int i = 0; i < indices.length; i++) {
            if (ids[i] != NONE) {
                packed[indices[i] / time][LABEL][indices[i] % time] = ids[i];
            }
        }
        if (batch.pairs() > 0) {
            put(
                    packed,
                    PREDICTION,
                    Objects.requireNonNull(batch.predictionIndices()).toIntMatrix());
            put(packed, TARGET, Objects.requireNonNull(batch.targetIndices()).toIntMatrix());
            int[] answers =
                    inOrderOfAppearance(Objects.requireNonNull(batch.answerIds()).toIntVector());
            for (int[][] row : packed) {
                for (int t = 0; t < time; t++) {
                    if (row[TARGET][t] != NONE) {
                        row[ANSWER][t] = answers[row[TARGET][t]];
                    }
                }
            }
        }
        return Nd4j.createFromArray(packed);
    }

    private static void put(int[][][] packed, int channel, int[][] readouts) {
        int time = packed[0][channel].length;
        for (int pair = 0; pair < readouts.length; pair++) {
            for (int index : readouts[pair]) {
                if (index == NONE) {
                    continue;
                }
                int[] row = packed[index / time][channel];
                if (row[index % time] != NONE) {
                    throw new IllegalArgumentException(
                            "two pairs read one hidden state; packed labels have room for one");
                }
                row[index % time] = pair;
            }
        }
    }

    private static int[] inOrderOfAppearance(int[] ids) {
        List<Integer> distinct = IntStream.of(ids).distinct().boxed().toList();
        return IntStream.of(ids).map(distinct::indexOf).toArray();
    }

    /**
     * Unpacks a batch's labels; their number is filled up to one of a few, with ids of {@link
     * MultiViewBatch#NO_INDEX}, so that a graph meets few shapes.
     *
     * @param packed {@code [rows, 4, time]}, of any type
     * @throws IllegalArgumentException if the array is of another shape, or its pairs are not
     *     numbered from 0 with a prediction and a target each
     */
    public static PackedLabels unpack(INDArray packed) {
        requirePacked(packed);
        int rows = Math.toIntExact(packed.size(0));
        int time = Math.toIntExact(packed.size(2));
        int[] values = packed.castTo(DataType.INT32).dup('c').data().asInt();
        List<Integer> labelIndices = new ArrayList<>();
        List<Integer> labelIds = new ArrayList<>();
        Map<Integer, List<Integer>> predictions = new TreeMap<>();
        Map<Integer, List<Integer>> targets = new TreeMap<>();
        Map<Integer, Integer> answers = new TreeMap<>();
        for (int row = 0; row < rows; row++) {
            for (int t = 0; t < time; t++) {
                int index = row * time + t;
                int first = row * CHANNELS * time + t;
                if (values[first] >= 0) {
                    labelIndices.add(index);
                    labelIds.add(values[first]);
                }
                add(predictions, values[first + PREDICTION * time], index);
                add(targets, values[first + TARGET * time], index);
                if (values[first + TARGET * time] >= 0) {
                    answers.put(values[first + TARGET * time], values[first + ANSWER * time]);
                }
            }
        }
        int pairs = predictions.size();
        List<Integer> numbers = IntStream.range(0, pairs).boxed().toList();
        if (!List.copyOf(predictions.keySet()).equals(numbers)
                || !List.copyOf(targets.keySet()).equals(numbers)) {
            throw new IllegalArgumentException(
                    "the pairs of packed labels must be numbered from 0 and have a prediction and a"
                            + " target each; predictions are of "
                            + predictions.keySet()
                            + ", targets of "
                            + targets.keySet());
        }
        int filled = Math.max(1, ShapeBuckets.labelCount(labelIds.size()));
        return new PackedLabels(
                vector(labelIndices, filled, 0),
                vector(labelIds, filled, NONE),
                pairs == 0 ? null : readouts(predictions),
                pairs == 0 ? null : readouts(targets),
                pairs == 0 ? null : vector(List.copyOf(answers.values()), pairs, NONE));
    }

    /**
     * The labels of each row.
     *
     * @param packed {@code [rows, 4, time]}, of any type
     * @return {@code [rows][time]}, -1 where there is none
     * @throws IllegalArgumentException if the array is of another shape
     */
    public static int[][] labels(INDArray packed) {
        requirePacked(packed);
        return packed.castTo(DataType.INT32)
                .get(NDArrayIndex.all(), NDArrayIndex.point(LABEL), NDArrayIndex.all())
                .reshape(packed.size(0), packed.size(2))
                .toIntMatrix();
    }

    private static void requirePacked(INDArray packed) {
        if (packed.rank() != 3 || packed.size(1) != CHANNELS) {
            throw new IllegalArgumentException(
                    "labels of shape "
                            + Arrays.toString(packed.shape())
                            + " are not packed as [rows, "
                            + CHANNELS
                            + ", time]: they must come from a JepaMultiViewIterator with"
                            + " MultiDataSetForm.SEQUENCE or PACKED");
        }
    }

    private static void add(Map<Integer, List<Integer>> readouts, int pair, int index) {
        if (pair >= 0) {
            readouts.computeIfAbsent(pair, number -> new ArrayList<>()).add(index);
        }
    }

    private static INDArray vector(List<Integer> values, int size, int fill) {
        return Nd4j.createFromArray(
                IntStream.range(0, size)
                        .map(i -> i < values.size() ? values.get(i) : fill)
                        .toArray());
    }

    private static INDArray readouts(Map<Integer, List<Integer>> indices) {
        int width = indices.values().stream().mapToInt(List::size).max().orElseThrow();
        return Nd4j.createFromArray(
                indices.values().stream()
                        .map(
                                read ->
                                        IntStream.range(0, width)
                                                .map(i -> i < read.size() ? read.get(i) : NONE)
                                                .toArray())
                        .toArray(int[][]::new));
    }

    /** How many labels there are. */
    public int labels() {
        return (int) IntStream.of(labelIds.toIntVector()).filter(id -> id != NONE).count();
    }

    /** How many pairs there are. */
    public int pairs() {
        return answerIds == null ? 0 : Math.toIntExact(answerIds.length());
    }
}
