package io.github.dl4jjepa.core.parameters;

import java.util.Objects;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * An array of a model.
 *
 * @param name its name, unique in the model
 * @param array its values, shared with the model; training updates them in place
 * @param trainable whether it is trained; a frozen parameter has no gradient, no optimizer state
 *     and no moving average, and is not written to checkpoints
 * @param hasWeightDecay whether weight decay applies to it: to matrices and embeddings, not to
 *     norms and biases
 * @param group the part of the model it belongs to
 */
public record Parameter(
        String name, INDArray array, boolean trainable, boolean hasWeightDecay, Group group) {
    public Parameter {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(array, "array");
        Objects.requireNonNull(group, "group");
    }

    /** The same parameter, frozen. */
    public Parameter freeze() {
        return new Parameter(name, array, false, hasWeightDecay, group);
    }

    /** The same parameter with another array. */
    public Parameter with(INDArray other) {
        return new Parameter(name, other, trainable, hasWeightDecay, group);
    }

    /**
     * The parameter as a variable of a graph under its own name: one that has a gradient if it is
     * trainable, a constant if it is frozen. It is drawn once a graph.
     *
     * @param graph the graph; it shares the array
     */
    public SDVariable drawIn(SameDiff graph) {
        if (graph.hasVariable(name)) {
            return graph.getVariable(name);
        }
        return trainable ? graph.var(name, array) : graph.constant(name, array);
    }

    /** The part of a model that a parameter belongs to. */
    public enum Group {
        /** Embeddings of tokens and of positions; a head that is tied to the embedding. */
        EMBEDDING,
        /** The decoder's layers and the final norm. */
        LAYER,
        /** A language-model head that is not tied to the embedding. */
        HEAD,
        /** Matrices that are added to frozen weights of the layers (LoRA, arXiv 2106.09685). */
        ADAPTER,
        /** Trained together with the model and not part of it, such as a linear predictor. */
        AUXILIARY
    }
}
