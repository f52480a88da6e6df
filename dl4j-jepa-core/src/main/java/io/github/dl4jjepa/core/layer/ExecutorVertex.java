package io.github.dl4jjepa.core.layer;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.exception.DL4JInvalidConfigException;
import org.deeplearning4j.exception.DL4JInvalidInputException;
import org.deeplearning4j.nn.api.MaskState;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.layers.samediff.SameDiffVertex;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.NoOp;
import org.nd4j.linalg.learning.regularization.Regularization;

/**
 * A SameDiff vertex that our executor runs: for batches of any shape, with corrected gradients.
 *
 * <p>A training step runs the forward pass once; the first one with inputs of new shapes runs it
 * twice, and so does one that runs the vertex for something else between its two passes.
 */
public abstract class ExecutorVertex extends SameDiffVertex {
    private static final long serialVersionUID = 1L;

    /**
     * Draws the vertex. Masks are not given: {@link #requireMask} has refused those that matter.
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

    /**
     * Whether a parameter is frozen: it is a constant of the graph, has no gradient, and no updater
     * changes it. By default none is.
     *
     * @param parameter the name that {@link #defineParametersAndInputs} gave it
     */
    protected boolean isFrozen(String parameter) {
        return false;
    }

    @Override
    public IUpdater getUpdaterByParam(String parameter) {
        return isFrozen(parameter) ? new NoOp() : super.getUpdaterByParam(parameter);
    }

    @Override
    public List<Regularization> getRegularizationByParam(String parameter) {
        return isFrozen(parameter) ? List.of() : super.getRegularizationByParam(parameter);
    }

    /** The inputs that have a gradient; ids have none. */
    protected abstract List<String> differentiableInputs();

    /**
     * Refuses a mask that the vertex cannot honor: by default one that leaves out tokens left of
     * others, since padding stands right of what is read.
     *
     * @param input the input's name
     * @param mask {@code [rows, time]} or {@code [rows, 1]}, of 0 and 1
     * @throws DL4JInvalidInputException if the mask is refused
     */
    protected void requireMask(String input, INDArray mask) {
        if (mask.rank() != 2) {
            throw new DL4JInvalidInputException(
                    getClass().getSimpleName()
                            + ": the mask of "
                            + input
                            + " has the shape "
                            + Arrays.toString(mask.shape())
                            + "; it must be [rows, time]");
        }
        double[][] kept = mask.castTo(DataType.DOUBLE).toDoubleMatrix();
        for (int row = 0; row < kept.length; row++) {
            for (int t = 1; t < kept[row].length; t++) {
                if (kept[row][t] > kept[row][t - 1]) {
                    throw new DL4JInvalidInputException(
                            getClass().getSimpleName()
                                    + ": the mask of "
                                    + input
                                    + " leaves out token "
                                    + (t - 1)
                                    + " of row "
                                    + row
                                    + " and not the next one: masked tokens must stand right of the"
                                    + " others");
                }
            }
        }
    }

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
        List<String> connected = graph.getConfiguration().getVertexInputs().get(name);
        if (connected.size() != minVertexInputs()) {
            throw new DL4JInvalidConfigException(
                    getClass().getSimpleName()
                            + " \""
                            + name
                            + "\" needs the inputs "
                            + getVertexParams().getInputs()
                            + ", in this order; it is connected to "
                            + connected);
        }
        CausalBody.requireOfLosses(graph.getConfiguration());
        return new ExecutorGraphVertex(
                this, graph, name, index, parametersView, initializeParameters, networkDataType);
    }

    @Override
    public final Pair<INDArray, MaskState> feedForwardMaskArrays(
            INDArray[] masks, MaskState state, int minibatchSize) {
        if (masks == null) {
            return null;
        }
        for (int i = 0; i < masks.length; i++) {
            if (masks[i] != null) {
                requireMask(getVertexParams().getInputs().get(i), masks[i]);
            }
        }
        return new Pair<>(masks[0], state);
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
