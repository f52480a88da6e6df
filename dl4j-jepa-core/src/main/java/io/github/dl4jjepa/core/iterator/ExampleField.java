package io.github.dl4jjepa.core.iterator;

import io.github.dl4jjepa.core.internal.OptionName;
import java.util.Map;

/** A key of a line, or a column of a table, that a file may have under another name. */
public enum ExampleField {
    /** The list of a conversation's messages. */
    MESSAGES,
    /** Text, or a document; in a file of conversations, the first of two views. */
    TEXT,
    /** Code; in a file of conversations, the second of two views. */
    CODE,
    /** The user's turn. */
    PROMPT,
    /** The assistant's turn. */
    COMPLETION,
    /** The system message, which may be absent. */
    SYSTEM;

    /**
     * The name of this field in a file.
     *
     * @param names the fields that have another name than their own
     */
    String in(Map<ExampleField, String> names) {
        return names.getOrDefault(this, toString());
    }

    /** The usual name: {@code text}. */
    @Override
    public String toString() {
        return OptionName.of(this);
    }
}
