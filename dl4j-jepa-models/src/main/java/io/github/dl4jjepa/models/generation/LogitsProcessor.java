package io.github.dl4jjepa.models.generation;

/** Changes the logits of the next token before one is chosen. */
@FunctionalInterface
public interface LogitsProcessor {
    /**
     * Changes logits in place; {@link Float#NEGATIVE_INFINITY} rules a token out.
     *
     * @param ids the prompt and the new tokens so far; only the first {@code length} count, and
     *     they are not to be changed
     * @param promptLength how many of them are the prompt
     * @param length how many there are
     * @param logits {@code [vocabulary]}
     */
    void process(int[] ids, int promptLength, int length, float[] logits);
}
