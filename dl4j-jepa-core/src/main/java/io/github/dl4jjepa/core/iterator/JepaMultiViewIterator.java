package io.github.dl4jjepa.core.iterator;

/** CONTRACT ONLY: a helper writes the body. */
public final class JepaMultiViewIterator {
    /** Whether the epoch has another batch. */
    public boolean hasNext() {
        throw new UnsupportedOperationException();
    }

    /** The next batch of the epoch. */
    public MultiViewBatch nextBatch() {
        throw new UnsupportedOperationException();
    }

    /** Batches in an epoch, the same in each. */
    public int batchesPerEpoch() {
        throw new UnsupportedOperationException();
    }

    /**
     * Goes to a batch of an epoch, both from 0; the order of an epoch depends on seed and epoch
     * alone.
     */
    public void seek(int epoch, int batch) {
        throw new UnsupportedOperationException();
    }
}
