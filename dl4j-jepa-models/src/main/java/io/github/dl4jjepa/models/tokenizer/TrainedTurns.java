package io.github.dl4jjepa.models.tokenizer;

import io.github.dl4jjepa.core.internal.OptionName;

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
