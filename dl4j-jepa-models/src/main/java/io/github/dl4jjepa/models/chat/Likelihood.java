package io.github.dl4jjepa.models.chat;

/**
 * How probable an answer is.
 *
 * @param logProbability the sum of the log-probabilities of its tokens, in nats, without the end of
 *     the turn
 * @param tokens how many tokens these are
 * @param endLogProbability the log-probability of the end of the turn after it
 */
public record Likelihood(double logProbability, int tokens, double endLogProbability) {
    /** The mean log-probability of a token. */
    public double perToken() {
        return logProbability / tokens;
    }
}
