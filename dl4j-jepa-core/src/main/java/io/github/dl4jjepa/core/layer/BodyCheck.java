package io.github.dl4jjepa.core.layer;

import java.io.Serializable;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.deeplearning4j.exception.DL4JInvalidConfigException;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Applies {@link CausalBody} before a network trains.
 *
 * <p>Deeplearning4j hands a layer its network's listeners, and hands a listener the network; there
 * is no shorter way from a layer to the network's configuration. A {@code ComputationGraph} gives
 * its layers listeners only in {@code setListeners}.
 */
final class BodyCheck extends BaseTrainingListener implements Serializable {
    private static final long serialVersionUID = 1L;

    private static final StackWalker STACK =
            StackWalker.getInstance(StackWalker.Option.RETAIN_CLASS_REFERENCE);

    private static final Set<Class<?>> NETWORKS =
            Set.of(MultiLayerNetwork.class, ComputationGraph.class);

    /** Who clears a layer at the end of {@code fit}; a listener's {@code output} clears it too. */
    private static final List<String> END_OF_FIT = List.of("clearLayersStates", "fitHelper");

    /** Adds the check where there is none yet; an unmodifiable collection stays as it is. */
    static void addTo(Collection<TrainingListener> listeners) {
        if (listeners.stream().noneMatch(BodyCheck.class::isInstance)) {
            try {
                listeners.add(new BodyCheck());
            } catch (UnsupportedOperationException e) {
                // The user's own unmodifiable list, which Deeplearning4j will copy.
            }
        }
    }

    static void check(Model model) {
        if (model instanceof MultiLayerNetwork network) {
            if (network.getOutputLayer() instanceof JepaOutputLayer) {
                CausalBody.require(network.getLayerWiseConfigurations());
            }
        } else if (model instanceof ComputationGraph graph) {
            CausalBody.requireOfLosses(graph.getConfiguration());
        }
    }

    /**
     * Refuses an end of {@code fit} that has not reached the output layer. A {@code
     * MultiLayerNetwork} with truncated backpropagation skips features of rank 2, and with them the
     * listeners.
     */
    static void requireNotInFit() {
        List<String> callers =
                STACK.walk(
                        frames ->
                                frames.filter(frame -> NETWORKS.contains(frame.getDeclaringClass()))
                                        .limit(2)
                                        .map(StackWalker.StackFrame::getMethodName)
                                        .toList());
        if (callers.equals(END_OF_FIT)) {
            throw new DL4JInvalidConfigException(
                    "JepaLossLayer: fit has trained nothing. Either the network has"
                            + " BackpropType.TruncatedBPTT, which skips token ids of shape [rows,"
                            + " time]: set backpropType(BackpropType.Standard); or the iterator gave"
                            + " no batch with features and labels");
        }
    }

    @Override
    public void onEpochStart(Model model) {
        check(model);
    }

    @Override
    public void onForwardPass(Model model, List<INDArray> activations) {
        check(model);
    }

    @Override
    public void onForwardPass(Model model, Map<String, INDArray> activations) {
        check(model);
    }
}
