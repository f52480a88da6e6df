package io.github.dl4jjepa.models.decoder;

/** How a decoder knows where a token stands. */
public sealed interface PositionEmbedding permits RotaryEmbedding, PositionEmbedding.Learned {
    /** A trained vector per position, added to the token's embedding, as in GPT-2. */
    record Learned() implements PositionEmbedding {}
}
