package io.github.dl4jjepa.core.objective;

import io.github.dl4jjepa.core.ops.Ops;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;

/** Reads views out of hidden states. */
final class Readouts {
    private Readouts() {}

    /**
     * The mean of the hidden states that each view is read at.
     *
     * @param hiddenStates {@code [rows * time, hidden]}
     * @param indices INT32 {@code [pairs, width]}, negative where there is none; each row has at
     *     least one
     * @return {@code [pairs, hidden]}
     */
    static SDVariable mean(SDVariable hiddenStates, SDVariable indices) {
        SameDiff graph = indices.getSameDiff();
        SDVariable read = indices.gte(0).castTo(hiddenStates.dataType());
        // A product and not a sum: SameDiff cannot sum a column of [pairs, 1] along its width.
        SDVariable count = graph.mmul(graph.expandDims(read, 1), graph.expandDims(read, 2));
        SDVariable weights = read.div(count.reshape(-1, 1)).reshape(-1, 1);
        SDVariable gathered = Ops.gather(hiddenStates, Ops.negativeAsZero(indices).reshape(-1));
        SDVariable shape =
                graph.stack(
                        0,
                        graph.sizeAt(indices, 0),
                        graph.sizeAt(indices, 1),
                        graph.sizeAt(hiddenStates, 1));
        return Ops.multiplyConstant(gathered, weights).reshape(shape).sum(1);
    }
}
