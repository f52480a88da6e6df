package io.github.dl4jjepa.core.internal.samediff;

import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.array.SingleThreadArrayHolder;

/** Makes graphs that share their parameters' arrays. */
public final class Graphs {
    private Graphs() {}

    /**
     * An empty graph that holds the very arrays it is given.
     *
     * <p>{@code SameDiff.create()} keeps a hidden copy of each variable for other devices: as much
     * memory again as the model has.
     */
    public static SameDiff create() {
        SameDiff graph = SameDiff.create();
        graph.setArrayHolders(new SingleThreadArrayHolder(), new SingleThreadArrayHolder(), false);
        return graph;
    }
}
