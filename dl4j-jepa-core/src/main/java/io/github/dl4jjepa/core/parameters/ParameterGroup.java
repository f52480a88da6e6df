package io.github.dl4jjepa.core.parameters;

/** The part of a model that a parameter belongs to. */
public enum ParameterGroup {
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
