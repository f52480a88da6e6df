package io.github.dl4jjepa.models.evaluation;

/**
 * How many of some examples a fact is true of.
 *
 * @param count of how many it is true
 * @param of the number of examples
 */
public record Share(int count, int of) {
    /** The standard score that 95 % of a normal distribution lie within. */
    private static final double Z = 1.959963984540054;

    public Share {
        if (count < 0 || count > of) {
            throw new IllegalArgumentException(count + " of " + of);
        }
    }

    /** This share and one more example. */
    public Share plus(boolean fact) {
        return new Share(count + (fact ? 1 : 0), of + 1);
    }

    /** The share, 0 to 1; NaN of no examples. */
    public double value() {
        return (double) count / of;
    }

    /** The lower end of Wilson's 95 % confidence interval; 0 of no examples. */
    public double lower() {
        return count == 0 ? 0 : center() - halfWidth();
    }

    /** The upper end of Wilson's 95 % confidence interval; 1 of no examples. */
    public double upper() {
        return count == of ? 1 : center() + halfWidth();
    }

    private double center() {
        return (count + Z * Z / 2) / (of + Z * Z);
    }

    private double halfWidth() {
        double variance = (double) count * (of - count) / of + Z * Z / 4;
        return Z * Math.sqrt(variance) / (of + Z * Z);
    }
}
