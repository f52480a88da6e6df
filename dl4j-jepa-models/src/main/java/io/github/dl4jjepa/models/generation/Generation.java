package io.github.dl4jjepa.models.generation;

/**
 * What followed a prompt.
 *
 * @param ids the new tokens, without the end token that stopped it
 * @param finishReason why there are no more
 */
public record Generation(int[] ids, FinishReason finishReason) {
    /** Whether it ended by itself; otherwise it reached the largest length. */
    public boolean stopped() {
        return finishReason != FinishReason.LENGTH;
    }

    /** Why a generation ended. */
    public enum FinishReason {
        /** The model wrote a token that ends a generation, such as the end of its turn. */
        END_TOKEN,
        /** The text contains one of {@link GenerationOptions#stopStrings()}. */
        STOP_STRING,
        /** There are as many new tokens as were allowed. */
        LENGTH
    }
}
