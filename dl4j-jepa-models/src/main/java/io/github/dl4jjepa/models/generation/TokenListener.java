package io.github.dl4jjepa.models.generation;

/** Hears of each new token as soon as it is chosen. */
@FunctionalInterface
public interface TokenListener {
    /**
     * A token was chosen.
     *
     * @param prompt index of the prompt that it continues
     * @param ids the new tokens of the prompt so far, the last of them new; end tokens are left out
     */
    void onToken(int prompt, int[] ids);
}
