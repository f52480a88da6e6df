package io.github.dl4jjepa.models.generation;

/** Why a generation ended. */
public enum FinishReason {
    /** The model wrote a token that ends a generation, such as the end of its turn. */
    END_TOKEN,
    /** The text contains one of {@link GenerationOptions#stopStrings()}. */
    STOP_STRING,
    /** There are as many new tokens as were allowed. */
    LENGTH
}
