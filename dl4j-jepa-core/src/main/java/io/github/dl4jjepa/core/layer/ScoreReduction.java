package io.github.dl4jjepa.core.layer;

/** The scale of a {@link JepaLossLayer}'s score and of its gradients. */
public enum ScoreReduction {
    /**
     * The objective's value: the mean over labeled tokens plus lambda times the mean over pairs.
     * The scale of {@code JepaTrainer}, of {@code JepaLoss} and of Hugging Face's trainers; it does
     * not depend on how long the rows are.
     */
    MEAN,

    /**
     * The objective's value times the number of labeled tokens of a row: the sum over labeled
     * tokens divided by the number of rows that have any, which with lambda 0 is the score of a
     * {@code RnnOutputLayer} with MCXENT and softmax on these rows. Learning rates, clipping
     * thresholds and regularization found with that layer carry over.
     */
    SUM_PER_ROW
}
