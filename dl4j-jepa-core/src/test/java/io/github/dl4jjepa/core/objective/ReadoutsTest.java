package io.github.dl4jjepa.core.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.dl4jjepa.core.internal.samediff.FiniteDifferences;
import io.github.dl4jjepa.core.internal.samediff.Graphs;
import io.github.dl4jjepa.core.ops.Ops;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class ReadoutsTest {
    private final INDArray states = Nd4j.rand(DataType.DOUBLE, 6, 4);

    private INDArray mean(int[][] indices) {
        SameDiff graph = Graphs.create();
        SDVariable hidden = graph.var("hidden", states);
        SDVariable placeholder = graph.placeHolder("indices", DataType.INT32, -1, -1);
        String mean = Readouts.mean(hidden, placeholder).name();
        return graph.outputSingle(Map.of("indices", Nd4j.createFromArray(indices)), mean);
    }

    @Test
    void aSingleStateIsTakenAsItIs() {
        assertThat(mean(new int[][] {{3}, {0}})).isEqualTo(states.getRows(3, 0));
    }

    @Test
    void aSinglePairIsTakenToo() {
        assertThat(mean(new int[][] {{5}})).isEqualTo(states.getRows(5));
    }

    @Test
    void severalStatesAreAveragedAndWhatFillsUpIsNot() {
        INDArray mean = mean(new int[][] {{1, 2, 4}, {5, -1, -1}});
        INDArray first = states.getRow(1).add(states.getRow(2)).add(states.getRow(4)).div(3);
        assertThat(mean.getRow(0).distance2(first)).isCloseTo(0, within(1e-12));
        assertThat(mean.getRow(1)).isEqualTo(states.getRow(5));
    }

    @Test
    void gradientsAgreeWithFiniteDifferences() {
        SameDiff graph = Graphs.create();
        SDVariable hidden = graph.var("hidden", states);
        SDVariable indices = graph.placeHolder("indices", DataType.INT32, -1, -1);
        SDVariable mean = Readouts.mean(hidden, indices);
        Ops.multiply(mean, Ops.multiply(mean, mean)).sum("loss");
        FiniteDifferences.assertGradients(
                graph,
                "loss",
                Map.of("indices", Nd4j.createFromArray(new int[][] {{1, 2, 4}, {5, 2, -1}})),
                1e-7);
    }
}
