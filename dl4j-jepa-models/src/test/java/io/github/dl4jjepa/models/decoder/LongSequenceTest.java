package io.github.dl4jjepa.models.decoder;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jjepa.core.decoder.Decoder;
import io.github.dl4jjepa.core.internal.samediff.Arena;
import io.github.dl4jjepa.core.internal.samediff.GradientFunction;
import io.github.dl4jjepa.core.internal.samediff.Graphs;
import io.github.dl4jjepa.models.Fixtures;
import io.github.dl4jjepa.models.huggingface.CheckpointFolder;
import io.github.dl4jjepa.models.huggingface.DecoderLoader;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** What a long row takes to train. */
class LongSequenceTest {
    private static final TransformerDecoder DECODER =
            DecoderLoader.load(CheckpointFolder.open(Fixtures.model("llama")));

    private static SDVariable tokens(SameDiff graph, String name) {
        return graph.placeHolder(name, DataType.INT32, -1, -1);
    }

    /** Trains on one row and gives the bytes of intermediate results that were needed at once. */
    private static long bytes(int time) {
        SameDiff graph = Graphs.createForExecutor();
        SDVariable hidden =
                DECODER.hiddenStates(
                        graph,
                        new Decoder.TokenInputs(
                                tokens(graph, "ids"),
                                tokens(graph, "positions"),
                                tokens(graph, "segments"),
                                tokens(graph, "prefixes")));
        hidden.norm2("loss", 0, 1);
        graph.setLossVariables("loss");
        INDArray positions = Nd4j.createFromArray(new int[][] {IntStream.range(0, time).toArray()});
        INDArray zeros = Nd4j.zeros(DataType.INT32, 1, time);
        try (Arena arena = new Arena(DataType.FLOAT);
                GradientFunction function =
                        new GradientFunction(
                                graph,
                                DECODER.parameters().trainable().names().stream()
                                        .filter(name -> name.contains("q_proj"))
                                        .toList(),
                                List.of(),
                                arena,
                                List.of())) {
            function.run(
                    Map.of(
                            "ids",
                            positions.fmod(DECODER.config().vocabularySize()),
                            "positions",
                            positions,
                            "segments",
                            zeros,
                            "prefixes",
                            zeros),
                    (name, gradient) ->
                            assertThat(gradient.norm2Number().doubleValue()).isPositive(),
                    (name, value) -> {});
            return arena.mostBytesUsed();
        }
    }

    /** The scores of one head alone would be 4 million numbers for 2,048 tokens. */
    @Test
    void memoryGrowsWithTheTokensAndNotWithTheirSquare() {
        assertThat((double) bytes(2048) / bytes(512)).isBetween(3.0, 4.05);
    }
}
