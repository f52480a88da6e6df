package io.github.dl4jjepa.core.layer;

import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.api.MaskState;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.layers.samediff.SameDiffVertex;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A SameDiff vertex that our executor runs: for batches of any shape, with corrected gradients.
 *
 * <p>The backward pass runs the forward pass again, since Deeplearning4j may free what lies between
 * the two.
 */
public abstract class ExecutorVertex extends SameDiffVertex {
    private static final long serialVersionUID = 1L;

    /**
     * Draws the vertex. Masks are not given: padding stands right of what is read.
     *
     * @param inputs the inputs by the names that {@link #defineParametersAndInputs} gave them
     * @param parameters by the names of their variables; they hold their arrays
     * @return the activations
     */
    protected abstract SDVariable define(
            SameDiff graph, Map<String, SDVariable> inputs, Map<String, SDVariable> parameters);

    /**
     * The name of a parameter's variable in the graph. A parameter's own name has no underscore:
     * Deeplearning4j puts the vertex's before it with one, and looks for the last.
     *
     * @param parameter the name that {@link #defineParametersAndInputs} gave it
     */
    protected String variableName(String parameter) {
        return parameter;
    }

    /** The inputs that have a gradient; ids have none. */
    protected abstract List<String> differentiableInputs();

    @Override
    public final SDVariable defineVertex(
            SameDiff graph,
            Map<String, SDVariable> inputs,
            Map<String, SDVariable> parameters,
            Map<String, SDVariable> masks) {
        return define(graph, inputs, parameters);
    }

    @Override
    public final org.deeplearning4j.nn.graph.vertex.GraphVertex instantiate(
            ComputationGraph graph,
            String name,
            int index,
            INDArray parametersView,
            boolean initializeParameters,
            DataType networkDataType) {
        setName(name);
        return new ExecutorGraphVertex(
                this, graph, name, index, parametersView, initializeParameters, networkDataType);
    }

    @Override
    public final Pair<INDArray, MaskState> feedForwardMaskArrays(
            INDArray[] masks, MaskState state, int minibatchSize) {
        return masks == null ? null : new Pair<>(masks[0], state);
    }

    @Override
    public int minVertexInputs() {
        return getVertexParams().getInputs().size();
    }

    @Override
    public int maxVertexInputs() {
        return minVertexInputs();
    }

    /** What is common to all vertices goes over to a copy. */
    protected final <T extends ExecutorVertex> T copyTo(T copy) {
        copy.setRegularization(regularization);
        copy.setRegularizationBias(regularizationBias);
        copy.setUpdater(updater);
        copy.setBiasUpdater(biasUpdater);
        copy.setGradientNormalization(gradientNormalization);
        copy.setGradientNormalizationThreshold(gradientNormalizationThreshold);
        copy.setDataType(dataType);
        return copy;
    }

    @Override
    public abstract GraphVertex clone();
}
