package io.github.dl4jjepa.core.layer;

import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.deeplearning4j.exception.DL4JInvalidConfigException;
import org.deeplearning4j.nn.conf.BackpropType;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.graph.AttentionVertex;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.graph.LayerVertex;
import org.deeplearning4j.nn.conf.graph.rnn.LastTimeStepVertex;
import org.deeplearning4j.nn.conf.graph.rnn.ReverseTimeSeriesVertex;
import org.deeplearning4j.nn.conf.layers.Convolution1DLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.LearnedSelfAttentionLayer;
import org.deeplearning4j.nn.conf.layers.LocallyConnected1D;
import org.deeplearning4j.nn.conf.layers.RecurrentAttentionLayer;
import org.deeplearning4j.nn.conf.layers.SelfAttentionLayer;
import org.deeplearning4j.nn.conf.layers.Subsampling1DLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.conf.layers.recurrent.LastTimeStep;
import org.deeplearning4j.nn.conf.layers.wrapper.BaseWrapperLayer;

/**
 * Finds what makes a network unfit for a {@link JepaLossLayer}: layers that let a hidden state see
 * later tokens (the next one, which it is to predict, is among them, and the language-model loss
 * falls to 0 with nothing learned), layers that drop time steps, and truncated backpropagation
 * through time, which cuts a row apart from its pair.
 *
 * <p>The check is made without being asked for
 *
 * <ul>
 *   <li>at the beginning of every {@code fit} of a {@code MultiLayerNetwork}, and of a {@code
 *       ComputationGraph} that has listeners;
 *   <li>at {@code init()} of a {@code ComputationGraph} with a {@link JepaVertex} or another {@link
 *       ExecutorVertex};
 *   <li>by {@link JepaScoreCalculator}.
 * </ul>
 *
 * <p>Deeplearning4j shows the output layer of a {@code ComputationGraph} without listeners nothing
 * of its network: call {@link #require(ComputationGraphConfiguration)} there, at best for every
 * configuration that is built. The same holds for listeners in an unmodifiable collection.
 */
public final class CausalBody {
    private CausalBody() {}

    /**
     * Checks a network.
     *
     * @return the same configuration
     * @throws DL4JInvalidConfigException if a layer looks ahead or drops time steps, or if
     *     backpropagation through time is truncated
     */
    public static MultiLayerConfiguration require(MultiLayerConfiguration configuration) {
        require(configuration.getBackpropType());
        configuration.getConfs().stream()
                .map(NeuralNetConfiguration::getLayer)
                .forEach(CausalBody::require);
        return configuration;
    }

    /**
     * Checks a network: all vertices that lead to a {@link JepaLossLayer}, or all vertices if there
     * is none.
     *
     * @return the same configuration
     * @throws DL4JInvalidConfigException if a vertex looks ahead or drops time steps, or if
     *     backpropagation through time is truncated
     */
    public static ComputationGraphConfiguration require(
            ComputationGraphConfiguration configuration) {
        if (losses(configuration).isEmpty()) {
            requireOf(configuration, configuration.getVertices().keySet());
        } else {
            requireOfLosses(configuration);
        }
        return configuration;
    }

    /** Checks what leads to a {@link JepaLossLayer}, if there is one. */
    static void requireOfLosses(ComputationGraphConfiguration configuration) {
        List<String> losses = losses(configuration);
        if (losses.isEmpty()) {
            return;
        }
        Set<String> body = new TreeSet<>();
        Deque<String> pending = new ArrayDeque<>(losses);
        while (!pending.isEmpty()) {
            String vertex = pending.pop();
            if (configuration.getVertices().containsKey(vertex) && body.add(vertex)) {
                pending.addAll(configuration.getVertexInputs().getOrDefault(vertex, List.of()));
            }
        }
        requireOf(configuration, body);
    }

    private static List<String> losses(ComputationGraphConfiguration configuration) {
        return configuration.getVertices().entrySet().stream()
                .filter(
                        vertex ->
                                vertex.getValue() instanceof LayerVertex layer
                                        && layer.getLayerConf().getLayer() instanceof JepaLossLayer)
                .map(Map.Entry::getKey)
                .toList();
    }

    private static void requireOf(
            ComputationGraphConfiguration configuration, Collection<String> names) {
        require(configuration.getBackpropType());
        for (String name : names) {
            GraphVertex vertex = configuration.getVertices().get(name);
            if (vertex instanceof LayerVertex layer) {
                require(layer.getLayerConf().getLayer());
            } else {
                require(name, vertex);
            }
        }
    }

    private static void require(BackpropType type) {
        if (type == BackpropType.TruncatedBPTT) {
            throw new DL4JInvalidConfigException(
                    "BackpropType.TruncatedBPTT cuts the labels of a row apart and skips token ids"
                            + " of shape [rows, time]: nothing would be trained, or pieces of"
                            + " pairs; set backpropType(BackpropType.Standard)");
        }
    }

    private static void require(String name, GraphVertex vertex) {
        if (vertex instanceof AttentionVertex) {
            throw refused(vertex, name, ATTENDS, OWN_MASK);
        }
        if (vertex instanceof ReverseTimeSeriesVertex) {
            throw refused(vertex, name, "turns a row round", "take the vertex out");
        }
        if (vertex instanceof LastTimeStepVertex) {
            throw refused(vertex, name, DROPS, KEEP);
        }
    }

    private static final String ATTENDS =
            "attends to all tokens of a row, and Deeplearning4j has no causal mask";
    private static final String OWN_MASK =
            "use a DecoderVertex, or a SameDiffLayer that masks later tokens";
    private static final String DROPS = "drops time steps";
    private static final String KEEP = "end the body in a layer that keeps them";

    @SuppressWarnings("deprecation") // a network may still have it
    private static void require(Layer layer) {
        if (layer instanceof Bidirectional
                || layer instanceof org.deeplearning4j.nn.conf.layers.GravesBidirectionalLSTM) {
            throw refused(layer, "reads a row from right to left too", "use a forward layer");
        }
        if (layer instanceof SelfAttentionLayer
                || layer instanceof LearnedSelfAttentionLayer
                || layer instanceof RecurrentAttentionLayer) {
            throw refused(layer, ATTENDS, OWN_MASK);
        }
        if (layer instanceof Convolution1DLayer convolution
                && convolution.getConvolutionMode() != ConvolutionMode.Causal
                && convolution.getKernelSize()[0] > 1) {
            throw refused(
                    layer,
                    "is a convolution that is not causal",
                    "set convolutionMode(ConvolutionMode.Causal)");
        }
        if (layer instanceof LocallyConnected1D local && local.getKernel() > 1) {
            throw refused(
                    layer,
                    "reads tokens to the right",
                    "use a Convolution1DLayer with ConvolutionMode.Causal");
        }
        if (layer instanceof Subsampling1DLayer pooling && pooling.getKernelSize()[0] > 1) {
            throw refused(layer, "pools over tokens to the right", "take the layer out");
        }
        if (layer instanceof LastTimeStep || layer instanceof GlobalPoolingLayer) {
            throw refused(layer, DROPS, KEEP);
        }
        if (layer instanceof FrozenLayer frozen) {
            require(frozen.getLayer());
        } else if (layer instanceof BaseWrapperLayer wrapper) {
            require(wrapper.getUnderlying());
        }
    }

    private static DL4JInvalidConfigException refused(Layer layer, String reason, String remedy) {
        return refused(layer, layer.getLayerName(), reason, remedy);
    }

    private static DL4JInvalidConfigException refused(
            Object part, String name, String reason, String remedy) {
        return new DL4JInvalidConfigException(
                part.getClass().getSimpleName()
                        + (name == null ? "" : " \"" + name + "\"")
                        + " "
                        + reason
                        + ": a hidden state would see the token that it is to predict, or be"
                        + " missing; "
                        + remedy);
    }
}
