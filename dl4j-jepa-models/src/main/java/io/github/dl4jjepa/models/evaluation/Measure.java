package io.github.dl4jjepa.models.evaluation;

/**
 * A sum, and what it is divided by for a mean.
 *
 * @param sum the sum, such as the loss of all tokens
 * @param weight the number of things added, such as tokens
 */
public record Measure(double sum, double weight) {
    /** Both of two measures together. */
    public Measure plus(Measure other) {
        return new Measure(sum + other.sum, weight + other.weight);
    }

    /** The mean; NaN where the weight is 0. */
    public double mean() {
        return sum / weight;
    }
}
