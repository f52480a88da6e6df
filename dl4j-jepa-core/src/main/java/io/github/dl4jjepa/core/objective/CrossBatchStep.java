package io.github.dl4jjepa.core.objective;

import java.util.List;
import java.util.function.BiConsumer;
import org.nd4j.linalg.api.ndarray.INDArray;

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
    PairGradients compare(List<PairEmbeddings> parts, StepSeed seed);

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
}
