package io.github.dl4jjepa.models.tokenizer;

import java.util.Objects;

/**
 * How conversations and documents become rows.
 *
 * @param maxLength the most tokens that a conversation, or a view of its own, may have; also the
 *     length of a document's blocks
 * @param trainedTurns which turns of a conversation are learned
 * @param truncate whether a row that is too long is cut at its end; otherwise it is refused
 */
public record EncoderOptions(int maxLength, TrainedTurns trainedTurns, boolean truncate) {
    public EncoderOptions {
        Objects.requireNonNull(trainedTurns, "trainedTurns");
        if (maxLength < 1) {
            throw new IllegalArgumentException("maximum length " + maxLength + " is less than 1");
        }
    }

    /** The last turn is learned, and nothing is cut. */
    public static EncoderOptions of(int maxLength) {
        return new EncoderOptions(maxLength, TrainedTurns.LAST_ASSISTANT, false);
    }
}
