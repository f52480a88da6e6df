package io.github.dl4jjepa.core.iterator;

import io.github.dl4jjepa.core.internal.IntArrays;
import io.github.dl4jjepa.core.view.TokenizedExample;
import io.github.dl4jjepa.core.view.ViewLayout;
import java.io.Serializable;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.indexing.conditions.Conditions;

/**
 * The arrays of one batch, all INT32. Indices into rows are flat: {@code row * time + index}.
 *
 * <p>The record is immutable, its arrays are not; batches may be handed from thread to thread.
 *
 * @param inputIds {@code [rows, time]} token ids, padded on the right
 * @param positionIds {@code [rows, time]} position of each token in its segment
 * @param segmentIds {@code [rows, time]} segment of each token, {@link #PADDING_SEGMENT} at padding
 * @param prefixIds {@code [rows, time]} segment that goes before each token's own, its own where
 *     none does, {@link #PADDING_SEGMENT} at padding; {@link io.github.dl4jjepa.core.view.Row} says
 *     what a token sees
 * @param labelIndices {@code [labels]} flat indices of the hidden states that the language-model
 *     loss uses
 * @param labelIds {@code [labels]} the token each of them is to predict
 * @param predictionIndices {@code [pairs, width]} flat indices of the hidden states whose mean is
 *     Pred(Enc(Text)), filled up with {@link #NO_INDEX}; the width is 1 where only last tokens are
 *     read; null where the batch has no views
 * @param targetIndices {@code [pairs, width]} likewise of Enc(Code), pair by pair; its width may be
 *     another; null where the batch has no views
 * @param answerIds {@code [pairs]}; two pairs have the same number where their targets read views
 *     of the same tokens; null where the batch has no views
 * @param tokens how many tokens are not padding
 * @param sources where the batch's examples were read
 */
public record MultiViewBatch(
        INDArray inputIds,
        INDArray positionIds,
        INDArray segmentIds,
        INDArray prefixIds,
        INDArray labelIndices,
        INDArray labelIds,
        @Nullable INDArray predictionIndices,
        @Nullable INDArray targetIndices,
        @Nullable INDArray answerIds,
        long tokens,
        List<String> sources)
        implements AutoCloseable, Serializable {

    /** The segment of padding: it sees itself and is seen by no token of an example. */
    public static final int PADDING_SEGMENT = -1;

    /** Fills the indices of a readout up. */
    public static final int NO_INDEX = -1;

    public MultiViewBatch {
        sources = List.copyOf(sources);
    }

    /**
     * Lays examples out and pads their rows on the right, to the longest row of this batch.
     *
     * @param examples the batch's examples, one or more
     * @param layout how their views are laid out in rows
     * @param padId the token that fills rows up
     */
    public static MultiViewBatch of(List<TokenizedExample> examples, ViewLayout layout, int padId) {
        return BatchAssembler.assemble(examples, layout, padId);
    }

    /**
     * The batch behind {@link #toMultiDataSet()}.
     *
     * @throws IllegalArgumentException if the arrays are not those of a batch
     */
    public static MultiViewBatch of(MultiDataSet data) {
        INDArray[] features = data.getFeatures();
        INDArray[] labels = data.getLabels();
        if (features.length != 4 || (labels.length != 2 && labels.length != 5)) {
            throw new IllegalArgumentException(
                    "a batch has 4 features and 2 or 5 labels, not "
                            + features.length
                            + " and "
                            + labels.length);
        }
        boolean hasViews = labels.length == 5;
        INDArray segmentIds = features[2];
        List<String> sources = data.getExampleMetaData(String.class);
        return new MultiViewBatch(
                features[0],
                features[1],
                segmentIds,
                features[3],
                labels[0],
                labels[1],
                hasViews ? labels[2] : null,
                hasViews ? labels[3] : null,
                hasViews ? labels[4] : null,
                segmentIds.scan(Conditions.notEquals(PADDING_SEGMENT)).longValue(),
                sources == null ? List.of() : sources);
    }

    /**
     * The batch as Deeplearning4j passes it around, without copying.
     *
     * <p>Features are {@link #inputIds}, {@link #positionIds}, {@link #segmentIds} and {@link
     * #prefixIds}; labels are {@link #labelIndices}, {@link #labelIds} and, where the batch has
     * views, {@link #predictionIndices}, {@link #targetIndices} and {@link #answerIds}. There are
     * no masks: segments and indices say what is used. The example metadata is {@link #sources}.
     */
    public MultiDataSet toMultiDataSet() {
        INDArray[] features = {inputIds, positionIds, segmentIds, prefixIds};
        INDArray[] labels =
                pairs() == 0
                        ? new INDArray[] {labelIndices, labelIds}
                        : new INDArray[] {
                            labelIndices, labelIds, predictionIndices, targetIndices, answerIds
                        };
        MultiDataSet data = new org.nd4j.linalg.dataset.MultiDataSet(features, labels);
        data.setExampleMetaData(sources);
        return data;
    }

    /** How many hidden states the language-model loss uses. */
    public int labels() {
        return Math.toIntExact(labelIds.length());
    }

    /** The positions of the tokens that are not padding. */
    public int[] positions() {
        int[] positions = IntArrays.values(positionIds);
        int[] segments = IntArrays.values(segmentIds);
        return IntStream.range(0, positions.length)
                .filter(i -> segments[i] != PADDING_SEGMENT)
                .map(i -> positions[i])
                .toArray();
    }

    /** How many tokens the arrays hold, padding included. */
    public long paddedTokens() {
        return inputIds.length();
    }

    /** How many predictions the JEPA term compares; 0 where the batch has no views. */
    public int pairs() {
        return targetIndices == null ? 0 : Math.toIntExact(targetIndices.size(0));
    }

    /** Frees the arrays' off-heap memory, which the garbage collector is in no hurry to do. */
    @Override
    public void close() {
        Stream.of(
                        inputIds,
                        positionIds,
                        segmentIds,
                        prefixIds,
                        labelIndices,
                        labelIds,
                        predictionIndices,
                        targetIndices,
                        answerIds)
                .filter(array -> array != null && array.closeable())
                .forEach(INDArray::close);
    }
}
