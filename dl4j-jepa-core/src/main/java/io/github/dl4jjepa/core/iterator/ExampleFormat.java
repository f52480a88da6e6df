package io.github.dl4jjepa.core.iterator;

import io.github.dl4jjepa.core.internal.OptionName;
import java.util.Map;

/**
 * How a file holds examples. {@link ExampleFile} reads all of them.
 *
 * <p>The first six are JSON: one object a line, or all of them in one array.
 */
public enum ExampleFormat {
    /** Conversations: {@code {"messages": [{"role": …, "content": …}, …]}}. */
    MESSAGES,
    /**
     * {@code {"prompt": …, "completion": …}}, each a string or a list of messages; {@code "system"}
     * may be added to strings.
     */
    PROMPT_COMPLETION,
    /**
     * {@code {"instruction": …, "input": …, "output": …}}. The user's turn is the instruction and,
     * if the input is not empty, a line break and the input.
     */
    ALPACA,
    /** {@code {"conversations": [{"from": "human", "value": …}, {"from": "gpt", …}]}}. */
    SHAREGPT,
    /** {@code {"text": …, "code": …}}: two views, which are the user's and the assistant's turn. */
    PAIRS,
    /** Documents: {@code {"text": …}}, or a file of plain text, which is one document. */
    TEXT,
    /**
     * Fields with commas between them, as RFC 4180 describes it. The first record names the
     * columns: {@code text} and {@code code}, or {@code prompt} and {@code completion}, and {@code
     * system}.
     */
    CSV,
    /** As {@link #CSV}, with tabs between the fields. */
    TSV;

    /** The name as the command line has it: {@code prompt-completion}. */
    @Override
    public String toString() {
        return OptionName.of(this);
    }

    /** A key of a line, or a column of a table, that a file may have under another name. */
    public enum Field {
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
        String in(Map<Field, String> names) {
            return names.getOrDefault(this, toString());
        }

        /** The usual name: {@code text}. */
        @Override
        public String toString() {
            return OptionName.of(this);
        }
    }
}
