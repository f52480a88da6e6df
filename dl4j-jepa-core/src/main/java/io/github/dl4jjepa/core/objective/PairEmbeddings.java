package io.github.dl4jjepa.core.objective;

import java.io.Serializable;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The embeddings of pairs as arrays, which belong to this object.
 *
 * @param prediction Pred(Enc(Text)), {@code [pairs, hidden]}
 * @param target Enc(Code), {@code [pairs, hidden]}
 * @param answerIds INT32 {@code [pairs]}; two pairs have the same number where their targets read
 *     the same tokens
 */
public record PairEmbeddings(INDArray prediction, INDArray target, INDArray answerIds)
        implements AutoCloseable, Serializable {
    /**
     * Copies the pairs of several parts into one, in order.
     *
     * @throws IllegalArgumentException if there are no parts
     */
    static PairEmbeddings concat(List<PairEmbeddings> parts) {
        if (parts.isEmpty()) {
            throw new IllegalArgumentException("there are no pairs to compare");
        }
        return new PairEmbeddings(
                concat(parts, PairEmbeddings::prediction),
                concat(parts, PairEmbeddings::target),
                concat(parts, PairEmbeddings::answerIds));
    }

    private static INDArray concat(
            List<PairEmbeddings> parts, Function<PairEmbeddings, INDArray> array) {
        return parts.size() == 1
                ? array.apply(parts.get(0)).dup()
                : Nd4j.concat(0, parts.stream().map(array).toArray(INDArray[]::new));
    }

    /** How many pairs there are. */
    public long pairs() {
        return prediction.size(0);
    }

    /** Frees the arrays' off-heap memory. */
    @Override
    public void close() {
        Stream.of(prediction, target, answerIds)
                .filter(INDArray::closeable)
                .forEach(INDArray::close);
    }
}
