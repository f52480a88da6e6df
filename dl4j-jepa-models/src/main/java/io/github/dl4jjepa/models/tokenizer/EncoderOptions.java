package io.github.dl4jjepa.models.tokenizer;

import io.github.dl4jjepa.core.internal.OptionName;
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

    /**
     * What was cut from rows that are longer than the maximum.
     *
     * @param rows how many rows, or views of their own, were cut
     * @param tokens how many tokens were cut from them
     * @param leftOut how many examples were left out: the cut left none of their labels
     */
    public record Truncation(long rows, long tokens, long leftOut) {
        /** Nothing was cut. */
        public static final Truncation NONE = new Truncation(0, 0, 0);

        Truncation withRow(int cut) {
            return new Truncation(rows + 1, tokens + cut, leftOut);
        }

        Truncation withLeftOut() {
            return new Truncation(rows, tokens, leftOut + 1);
        }
    }

    /**
     * Which of a conversation's turns the model learns. A turn that says so itself, by {@link
     * io.github.dl4jjepa.core.view.Message#train}, is learned or not as it says.
     */
    public enum TrainedTurns {
        /** The assistant's last turn. */
        LAST_ASSISTANT,
        /** Every turn of the assistant. */
        ALL_ASSISTANT;

        /** The name as the command line has it: {@code all-assistant}. */
        @Override
        public String toString() {
            return OptionName.of(this);
        }
    }
}
