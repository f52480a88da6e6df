package io.github.dl4jjepa.models.evaluation;

/**
 * How good one generated answer is.
 *
 * @param exactMatch whether the prediction is right as a whole
 * @param contentMatch whether it holds the right answer, though it may not have stopped after it
 * @param stopped whether generation ended with the end-of-turn token
 */
public record Judgment(boolean exactMatch, boolean contentMatch, boolean stopped) {}
