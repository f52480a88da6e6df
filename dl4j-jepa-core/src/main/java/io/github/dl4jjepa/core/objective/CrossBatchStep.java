package io.github.dl4jjepa.core.objective;

import java.io.Serializable;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A step whose JEPA term compares the pairs of all its batches, in three phases (GradCache, arXiv
 * 2101.06983): embed the pairs of each part, differentiate the term by the embeddings of all parts
 * together, and pass each part's gradients on to the weights. The first and the last phase may run
 * part by part, in any order and on several machines.
 *
 * <pre>{@code
 * PairGradients pairs = step.compare(List.of(step.embed(first), step.embed(second)), seed);
 * Losses losses = new Losses(0, 0, pairs.sum(), 0)
 *         .plus(step.backward(first, pairs.parts().get(0), gradients))
 *         .plus(step.backward(second, pairs.parts().get(1), gradients));
 * }</pre>
 *
 * <p>The weights must not change between the phases. Not for use by several threads.
 */
public interface CrossBatchStep {
    /**
     * Computes the embeddings of a part's pairs.
     *
     * @param part the batches, with pairs
     */
    PairEmbeddings embed(StepRequest part);

    /**
     * Computes the JEPA term over the pairs of all parts, and its gradients.
     *
     * @param parts the embeddings of all parts of the step; they are not closed
     * @param seed the step's
     */
    PairGradients compare(List<PairEmbeddings> parts, StepRequest.Seed seed);

    /**
     * Computes the gradient of a part's losses with respect to the weights.
     *
     * @param part the batches that were embedded, with the totals of the whole step
     * @param pairs the part's entry of {@link PairGradients#parts()}; it is not closed
     * @param gradients is given the name and a part of the gradient of each trainable parameter,
     *     the parts to be added; valid during the call only
     * @return the losses of the part, unweighted; the distance of its pairs is in {@link
     *     PairGradients#sum()}, and 0 here
     */
    Losses backward(
            StepRequest part, PairGradients.Part pairs, BiConsumer<String, INDArray> gradients);

    /**
     * The embeddings of pairs as arrays, which belong to this object.
     *
     * @param prediction Pred(Enc(Text)), {@code [pairs, hidden]}
     * @param target Enc(Code), {@code [pairs, hidden]}
     * @param answerIds INT32 {@code [pairs]}; two pairs have the same number where their targets
     *     read the same tokens
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

    /**
     * The JEPA term over the pairs of a whole step, and its gradients with respect to their
     * embeddings.
     *
     * @param sum the term times the number of pairs, unweighted
     * @param parts the gradients of each part of the step, in the order in which the parts were
     *     given
     */
    public record PairGradients(double sum, List<Part> parts)
            implements AutoCloseable, Serializable {
        public PairGradients {
            parts = List.copyOf(parts);
        }

        /**
         * The gradients of one part's embeddings, which belong to this object.
         *
         * @param prediction {@code [pairs, hidden]}
         * @param target {@code [pairs, hidden]}; null where no gradient flows into the target
         */
        public record Part(INDArray prediction, @Nullable INDArray target)
                implements AutoCloseable, Serializable {
            /** Frees the arrays' off-heap memory. */
            @Override
            public void close() {
                prediction.close();
                if (target != null) {
                    target.close();
                }
            }
        }

        /** Frees the off-heap memory of all parts. */
        @Override
        public void close() {
            parts.forEach(Part::close);
        }
    }
}
