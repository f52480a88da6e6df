package io.github.dl4jjepa.core.layer;

import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.deeplearning4j.exception.DL4JInvalidConfigException;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Greedy generation from a recurrent language model: at every step the most probable token, by
 * {@code rnnTimeStep}, which reads each token once.
 *
 * <pre>{@code
 * int[] answer = new RecurrentGenerator(network, END, 100).generate(promptIds).ids();
 * }</pre>
 *
 * <p>The network reads token ids, as an {@code EmbeddingSequenceLayer} does, and its output are the
 * probabilities of the next token. Its recurrent state is cleared before and after. Not safe for
 * use by several threads at once.
 */
public final class RecurrentGenerator {
    private static final double TOLERANCE = 1e-3;

    private final UnaryOperator<INDArray> step;
    private final UnaryOperator<INDArray> output;
    private final Runnable clear;
    private final int endId;
    private final int maxNewTokens;
    private boolean checked;

    /**
     * @param network a network of recurrent layers, and layers that read each token alone
     * @param endId the token that ends a text
     * @param maxNewTokens the most tokens that are generated; 1 or more
     */
    public RecurrentGenerator(MultiLayerNetwork network, int endId, int maxNewTokens) {
        this(
                network::rnnTimeStep,
                network::output,
                network::rnnClearPreviousState,
                endId,
                maxNewTokens);
    }

    /**
     * @param graph a graph of recurrent layers, and layers that read each token alone, with one
     *     input and one output
     * @param endId the token that ends a text
     * @param maxNewTokens the most tokens that are generated; 1 or more
     */
    public RecurrentGenerator(ComputationGraph graph, int endId, int maxNewTokens) {
        this(
                ids -> graph.rnnTimeStep(ids)[0],
                graph::outputSingle,
                graph::rnnClearPreviousState,
                endId,
                maxNewTokens);
    }

    private RecurrentGenerator(
            UnaryOperator<INDArray> step,
            UnaryOperator<INDArray> output,
            Runnable clear,
            int endId,
            int maxNewTokens) {
        if (maxNewTokens < 1) {
            throw new IllegalArgumentException(
                    "a maximum of " + maxNewTokens + " new tokens is less than 1");
        }
        this.step = step;
        this.output = output;
        this.clear = clear;
        this.endId = endId;
        this.maxNewTokens = maxNewTokens;
    }

    /**
     * What followed a prompt.
     *
     * @param ids the new tokens, without the end
     * @param stopped whether the end was generated; otherwise the maximum was reached
     */
    public record Generation(int[] ids, boolean stopped) {}

    /**
     * Continues a prompt.
     *
     * @param prompt token ids, one or more: Text and the separator, as the network learnt them
     * @throws DL4JInvalidConfigException if the network's state does not carry over from step to
     *     step, as that of convolutions does not
     */
    public Generation generate(int... prompt) {
        if (prompt.length == 0) {
            throw new IllegalArgumentException("a prompt has 1 token or more");
        }
        clear.run();
        try {
            INDArray probabilities = null;
            for (int id : prompt) {
                probabilities = next(id);
            }
            requireState(prompt, probabilities);
            List<Integer> ids = new ArrayList<>();
            while (true) {
                int best = probabilities.argMax().getInt(0);
                if (best == endId) {
                    return generation(ids, true);
                }
                ids.add(best);
                if (ids.size() == maxNewTokens) {
                    return generation(ids, false);
                }
                probabilities = next(best);
            }
        } finally {
            clear.run();
        }
    }

    private static Generation generation(List<Integer> ids, boolean stopped) {
        return new Generation(ids.stream().mapToInt(Integer::intValue).toArray(), stopped);
    }

    /** The probabilities after one more token. */
    private INDArray next(int id) {
        return step.apply(Nd4j.createFromArray(new int[][][] {{{id}}})).ravel();
    }

    /** Compares with the prompt read as a whole, once. */
    private void requireState(int[] prompt, INDArray stepwise) {
        if (checked || prompt.length == 1) {
            return;
        }
        INDArray whole = output.apply(Nd4j.createFromArray(new int[][][] {{prompt}}));
        boolean timeLast = whole.size(1) == stepwise.length();
        INDArray matrix = whole.reshape(whole.size(1), whole.size(2));
        INDArray last =
                timeLast ? matrix.getColumn(prompt.length - 1L) : matrix.getRow(prompt.length - 1L);
        double difference = last.sub(stepwise).amaxNumber().doubleValue();
        if (!(difference < TOLERANCE)) {
            throw new DL4JInvalidConfigException(
                    "the network's state does not carry over from step to step: token by token, its"
                            + " probabilities differ by "
                            + difference
                            + " from those of the whole prompt; call output() with the whole"
                            + " sequence for each token");
        }
        checked = true;
    }
}
