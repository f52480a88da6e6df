package io.github.dl4jjepa.core.diagnostics;

import java.util.Arrays;
import java.util.Locale;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The embeddings of the two views of a data set, each view seen alone: {@code Enc(Code)}, and
 * {@code Enc(Text)} or, read with predictor tokens, {@code Pred(Enc(Text))}.
 *
 * @param text DOUBLE {@code [pairs, hidden]}
 * @param code DOUBLE {@code [pairs, hidden]}; row by row the second view of {@code text}
 * @param answerIds of each pair; pairs with the same have the same second view
 */
public record ViewEmbeddings(INDArray text, INDArray code, int[] answerIds) {
    /**
     * @throws IllegalArgumentException unless both are DOUBLE {@code [pairs, hidden]}, with at
     *     least two pairs
     */
    public ViewEmbeddings {
        if (text.rank() != 2 || !text.equalShapes(code) || text.rows() != answerIds.length) {
            throw new IllegalArgumentException(
                    String.format(
                            Locale.ROOT,
                            "text %s, code %s and %d answers are not [pairs, hidden] of the same"
                                    + " pairs",
                            Arrays.toString(text.shape()),
                            Arrays.toString(code.shape()),
                            answerIds.length));
        }
        if (text.dataType() != DataType.DOUBLE || code.dataType() != DataType.DOUBLE) {
            throw new IllegalArgumentException(
                    "embeddings must be DOUBLE, not " + text.dataType() + ", " + code.dataType());
        }
        if (text.rows() < 2) {
            throw new IllegalArgumentException("one pair cannot be compared with others");
        }
    }

    /** How many pairs there are. */
    public int pairs() {
        return answerIds.length;
    }
}
