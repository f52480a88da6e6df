package io.github.dl4jjepa.core.layer;

import java.util.stream.Stream;
import org.deeplearning4j.exception.DL4JInvalidConfigException;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.graph.LayerVertex;
import org.deeplearning4j.nn.conf.layers.Convolution1DLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.LearnedSelfAttentionLayer;
import org.deeplearning4j.nn.conf.layers.RecurrentAttentionLayer;
import org.deeplearning4j.nn.conf.layers.SelfAttentionLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.conf.layers.recurrent.LastTimeStep;
import org.deeplearning4j.nn.conf.layers.wrapper.BaseWrapperLayer;

/**
 * Finds layers that let a hidden state see later tokens: the next one, which it is to predict, is
 * among them, and the language-model loss falls to 0 with nothing learnt.
 *
 * <p>Deeplearning4j shows an output layer no more of its network than one array, so that {@link
 * JepaLossLayer} cannot look for itself: call this when the configuration is built.
 */
public final class CausalBody {
    private CausalBody() {}

    /**
     * Checks the body of a network.
     *
     * @return the same configuration
     * @throws DL4JInvalidConfigException if a layer looks ahead, or drops time steps
     */
    public static MultiLayerConfiguration require(MultiLayerConfiguration configuration) {
        configuration.getConfs().stream()
                .map(NeuralNetConfiguration::getLayer)
                .forEach(CausalBody::require);
        return configuration;
    }

    /**
     * Checks the body of a network.
     *
     * @return the same configuration
     * @throws DL4JInvalidConfigException if a layer looks ahead, or drops time steps
     */
    public static ComputationGraphConfiguration require(
            ComputationGraphConfiguration configuration) {
        configuration.getVertices().values().stream()
                .flatMap(
                        vertex ->
                                vertex instanceof LayerVertex layer
                                        ? Stream.of(layer.getLayerConf().getLayer())
                                        : Stream.empty())
                .forEach(CausalBody::require);
        return configuration;
    }

    @SuppressWarnings("deprecation") // a network may still have it
    private static void require(Layer layer) {
        if (layer instanceof Bidirectional
                || layer instanceof org.deeplearning4j.nn.conf.layers.GravesBidirectionalLSTM) {
            throw refused(layer, "reads a row from right to left too", "take the layer without it");
        }
        if (layer instanceof SelfAttentionLayer
                || layer instanceof LearnedSelfAttentionLayer
                || layer instanceof RecurrentAttentionLayer) {
            throw refused(
                    layer,
                    "attends to all tokens of a row, and Deeplearning4j has no causal mask",
                    "take a DecoderVertex, or a SameDiffLayer with a mask of your own");
        }
        if (layer instanceof Convolution1DLayer convolution
                && convolution.getConvolutionMode() != ConvolutionMode.Causal
                && convolution.getKernelSize()[0] > 1) {
            throw refused(
                    layer,
                    "is a convolution that is not causal",
                    "set convolutionMode(ConvolutionMode.Causal)");
        }
        if (layer instanceof LastTimeStep || layer instanceof GlobalPoolingLayer) {
            throw refused(layer, "drops time steps", "end the body in a layer that keeps them");
        }
        if (layer instanceof FrozenLayer frozen) {
            require(frozen.getLayer());
        } else if (layer instanceof BaseWrapperLayer wrapper) {
            require(wrapper.getUnderlying());
        }
    }

    private static DL4JInvalidConfigException refused(Layer layer, String reason, String remedy) {
        String name = layer.getLayerName() == null ? "" : " \"" + layer.getLayerName() + "\"";
        return new DL4JInvalidConfigException(
                layer.getClass().getSimpleName()
                        + name
                        + " "
                        + reason
                        + ": a hidden state would see the token that it is to predict, or be"
                        + " missing; "
                        + remedy);
    }
}
