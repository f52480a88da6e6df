package io.github.dl4jjepa.core.training;

/**
 * What optimizer steps cost; evaluation and checkpoints are left out.
 *
 * @param tokens tokens of all rows, padding left out
 * @param paddedTokens tokens of all rows, padding included
 * @param flops floating-point operations of forward and backward pass over the tokens that are not
 *     padding; see {@link io.github.dl4jjepa.core.decoder.Decoder#forwardFlops}
 * @param seconds wall-clock time
 */
public record StepCost(long tokens, long paddedTokens, double flops, double seconds) {
    /** Nothing done yet. */
    public static final StepCost NONE = new StepCost(0, 0, 0, 0);

    /** The cost of both. */
    public StepCost plus(StepCost other) {
        return new StepCost(
                tokens + other.tokens,
                paddedTokens + other.paddedTokens,
                flops + other.flops,
                seconds + other.seconds);
    }

    /** The part of all tokens that is padding, from 0 to 1. */
    public double paddingShare() {
        return paddedTokens == 0 ? 0 : 1 - (double) tokens / paddedTokens;
    }
}
