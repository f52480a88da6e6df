package io.github.dl4jjepa.core.iterator;

import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The arrays of one batch, all INT32. Indices into rows are flat: {@code row * time + index}.
 *
 * @param inputIds {@code [rows, time]} token ids, padded on the right
 * @param positionIds {@code [rows, time]} position of each token in its segment
 * @param segmentIds {@code [rows, time]} segment of each token, {@link #PADDING_SEGMENT} at padding
 * @param labelIndices {@code [labels]} flat indices of the hidden states that the language-model
 *     loss uses
 * @param labelIds {@code [labels]} the token each of them is to predict
 * @param predictionIndices {@code [pairs]} flat indices of Pred(Enc(Text)); null where the batch
 *     has no views
 * @param targetIndices {@code [pairs]} flat indices of Enc(Code), pair by pair; null where the
 *     batch has no views
 * @param tokens how many tokens are not padding
 * @param sources where the batch's examples were read
 */
public record MultiViewBatch(
        INDArray inputIds,
        INDArray positionIds,
        INDArray segmentIds,
        INDArray labelIndices,
        INDArray labelIds,
        INDArray predictionIndices,
        INDArray targetIndices,
        long tokens,
        List<String> sources) {

    /** The segment of padding: it sees itself and is seen by no token of an example. */
    public static final int PADDING_SEGMENT = -1;

    /** How many hidden states the language-model loss uses. */
    public int labels() {
        return Math.toIntExact(labelIds.length());
    }

    /** How many predictions the JEPA term compares; 0 where the batch has no views. */
    public int pairs() {
        return targetIndices == null ? 0 : Math.toIntExact(targetIndices.length());
    }
}
