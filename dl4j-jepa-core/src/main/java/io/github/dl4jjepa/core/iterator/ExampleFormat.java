package io.github.dl4jjepa.core.iterator;

import io.github.dl4jjepa.core.internal.OptionName;

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
}
