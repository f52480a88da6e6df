package io.github.dl4jjepa.models.tokenizer;

import java.util.ArrayList;
import java.util.List;

/**
 * A token that tokenizer.json adds to the vocabulary: text that spells it becomes it.
 *
 * @param content how it is spelled
 * @param id its id
 * @param special whether decoding may leave it out
 * @param stripsBefore {@code lstrip}: whether it takes the white space before it
 * @param stripsAfter {@code rstrip}: whether it takes the white space after it
 * @param singleWord {@code single_word}: whether it is found between non-word characters only
 * @param normalized whether it is looked for in the normalized text
 */
record AddedToken(
        String content,
        int id,
        boolean special,
        boolean stripsBefore,
        boolean stripsAfter,
        boolean singleWord,
        boolean normalized) {
    /** The flags that decide where it is found, as tokenizer.json has them. */
    String flags() {
        List<String> flags = new ArrayList<>();
        if (singleWord) {
            flags.add("\"single_word\": true");
        }
        if (normalized) {
            flags.add("\"normalized\": true");
        }
        return String.join(", ", flags);
    }

    /** Whether a character counts as white space for {@code lstrip} and {@code rstrip}. */
    static boolean isBlank(char c) {
        return Character.isWhitespace(c) || Character.isSpaceChar(c) || c == '\u0085';
    }
}
