package io.github.dl4jjepa.core.decoder;

import io.github.dl4jjepa.core.parameters.Parameter;
import io.github.dl4jjepa.core.parameters.ParameterSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A language model that can be drawn into a SameDiff graph: all that the objective and the trainer
 * need to know of one.
 *
 * <p>The parameters live outside the graphs: every graph a decoder is drawn into shares the same
 * arrays, so a trained model needs no copying to be evaluated or to generate.
 */
public interface Decoder {
    /** Width of the hidden states. */
    int hiddenSize();

    /** Number of token ids; ids run from 0. */
    int vocabularySize();

    /** The parameters in a fixed order; a tied weight once. */
    ParameterSet parameters();

    /**
     * The same model with other arrays, such as moving averages.
     *
     * @param arrays arrays by the names of {@link #parameters()}, of the same shapes and type;
     *     parameters that are not named keep their arrays
     */
    Decoder withParameters(Map<String, INDArray> arrays);

    /**
     * The same model as it is drawn for training: with dropout, if it has any. The values of the
     * placeholders that {@link #hiddenStates} draws beyond the tokens come from {@link
     * #dropoutMasks}.
     */
    default Decoder forTraining() {
        return this;
    }

    /**
     * Values of the placeholders that {@link #hiddenStates} has drawn beyond the tokens.
     *
     * @param tokens {@code rows * time}
     * @param random decides what is dropped; null to drop nothing
     * @return arrays by name, the caller's; empty without dropout
     */
    default Map<String, INDArray> dropoutMasks(long tokens, @Nullable Random random) {
        return Map.of();
    }

    /**
     * Draws the path from tokens to the last layer's hidden states, after the final norm.
     *
     * @param graph the graph to draw into; the parameters are drawn as {@link Parameter#drawIn}
     *     does, so that frozen ones are constants
     * @param tokens variables of that graph
     * @return {@code [rows * time, hidden]}
     */
    SDVariable hiddenStates(SameDiff graph, TokenInputs tokens);

    /**
     * Names of the variables that hold what goes into the first layer and what comes out of each,
     * in graphs that {@link #hiddenStates} has drawn into. Gradient checkpointing keeps these
     * alone; a decoder that names none keeps everything.
     */
    default List<String> layerBoundaries() {
        return List.of();
    }

    /**
     * Draws the language-model head.
     *
     * @param hiddenStates {@code [n, hidden]}, of a graph that {@link #hiddenStates} has drawn into
     * @return {@code [n, vocabulary]}
     */
    SDVariable logits(SDVariable hiddenStates);

    /**
     * Floating-point operations of a forward pass over tokens that are not padding: two for each
     * multiply-add of its matrix products, attention's included. A backward pass is counted as
     * twice its forward pass.
     *
     * @param positions the tokens' positions; a token at position p sees p + 1 tokens, or as many
     *     of them as a window lets through
     * @param labels how many hidden states go through the head
     */
    double forwardFlops(int[] positions, long labels);

    /**
     * What a decoder reads, as variables of a graph; each is INT32 {@code [rows, time]}.
     *
     * <p>A token sees the tokens of its own row whose segment is its own or its prefix, and whose
     * position is not greater than its own. An attention window counts in positions. A decoder
     * without attention, which can run rows of one segment only, may leave segments and prefixes
     * unread.
     *
     * @param ids token ids
     * @param positions position of each token, from 0
     * @param segments segment of each token, negative at padding
     * @param prefixes the segment that goes before each token's own; its own where none does
     */
    public record TokenInputs(
            SDVariable ids, SDVariable positions, SDVariable segments, SDVariable prefixes) {}
}
