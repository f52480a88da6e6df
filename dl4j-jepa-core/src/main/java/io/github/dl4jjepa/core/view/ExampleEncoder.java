package io.github.dl4jjepa.core.view;

import io.github.dl4jjepa.core.JepaException;

/**
 * Turns text into token ids: the seam between the views and whatever tokenizer and chat format a
 * model has.
 */
@FunctionalInterface
public interface ExampleEncoder {
    /**
     * Tokenizes an example.
     *
     * @throws JepaException if the example cannot be used: no assistant turn, a template that
     *     refuses it, a row that is too long; the message names {@link Example#source()}
     */
    TokenizedExample encode(Example example);

    /**
     * One more than the largest id that a row may hold, [PRED] tokens included; default: not known,
     * and not checked.
     */
    default int vocabularySize() {
        return Integer.MAX_VALUE;
    }
}
