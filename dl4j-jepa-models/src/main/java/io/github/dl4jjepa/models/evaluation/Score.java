package io.github.dl4jjepa.models.evaluation;

/**
 * The judgments of some answers, counted.
 *
 * @param examples how many answers were judged
 * @param exactMatches how many of them are right as a whole
 * @param contentMatches how many hold the right answer, though they may not have stopped after it
 * @param stops how many ended with the end-of-turn token
 */
public record Score(int examples, int exactMatches, int contentMatches, int stops) {
    /** Nothing judged yet. */
    public static final Score NONE = new Score(0, 0, 0, 0);

    /** This score and one more judgment. */
    public Score plus(Judgment judgment) {
        return new Score(
                examples + 1,
                exactMatches + (judgment.exactMatch() ? 1 : 0),
                contentMatches + (judgment.contentMatch() ? 1 : 0),
                stops + (judgment.stopped() ? 1 : 0));
    }

    /** The share of answers that are right as a whole, 0 to 1; NaN where none was judged. */
    public double exactMatch() {
        return share(exactMatches);
    }

    /** The share of answers that hold the right one, 0 to 1; NaN where none was judged. */
    public double contentMatch() {
        return share(contentMatches);
    }

    /**
     * The share of answers that ended with the end-of-turn token, 0 to 1; NaN where none was
     * judged.
     */
    public double stopped() {
        return share(stops);
    }

    private double share(int count) {
        return (double) count / examples;
    }
}
