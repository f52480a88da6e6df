package io.github.dl4jjepa.models.tokenizer;

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
