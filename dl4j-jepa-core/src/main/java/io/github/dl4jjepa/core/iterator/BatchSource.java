package io.github.dl4jjepa.core.iterator;

/**
 * The batches of a data set, epoch by epoch, from any of which one can go on: what the trainer
 * needs of an iterator.
 */
public interface BatchSource {
    /** Batches in an epoch, the same in each; at least 1. */
    int batchesPerEpoch();

    /**
     * Goes to a batch of an epoch, both from 0. What follows depends on the two alone, not on what
     * was read before.
     */
    void seek(int epoch, int batch);

    /**
     * The next batch of the epoch. Its arrays are the caller's, who closes them after use.
     *
     * @throws java.util.NoSuchElementException after the last batch of the epoch
     */
    MultiViewBatch nextBatch();

    /**
     * The next batch of the epoch with the conversations of its examples only: what a step costs
     * that leaves the JEPA term out.
     *
     * @throws java.util.NoSuchElementException after the last batch of the epoch
     */
    MultiViewBatch nextBatchWithoutViews();
}
