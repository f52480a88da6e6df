package io.github.dl4jjepa.core.view;

import java.io.Serializable;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A view as token ids.
 *
 * @param ids the view's tokens, without template; one or more
 * @param inRow where the view lies in its example's conversation; null where it is no part of it
 */
public record TokenizedView(int[] ids, @Nullable TokenSpan inRow) implements Serializable {
    public TokenizedView {
        if (ids.length == 0) {
            throw new IllegalArgumentException("a view without tokens");
        }
    }

    /** A view that is no part of the conversation. */
    public static TokenizedView alone(int... ids) {
        return new TokenizedView(ids, null);
    }

    /**
     * A view that is a part of the conversation.
     *
     * @param row the conversation's token ids
     * @param span the view's tokens
     */
    public static TokenizedView inRow(int[] row, TokenSpan span) {
        return new TokenizedView(Arrays.copyOfRange(row, span.start(), span.end()), span);
    }
}
