package io.github.dl4jjepa.core.view;

import java.io.Serializable;

/**
 * A run of tokens.
 *
 * @param start index of the first token
 * @param end index after the last token; greater than {@code start}
 */
public record TokenSpan(int start, int end) implements Serializable {
    public TokenSpan {
        if (start < 0 || end <= start) {
            throw new IllegalArgumentException("not a span of tokens: " + start + " to " + end);
        }
    }

    /** How many tokens the span has. */
    public int length() {
        return end - start;
    }
}
