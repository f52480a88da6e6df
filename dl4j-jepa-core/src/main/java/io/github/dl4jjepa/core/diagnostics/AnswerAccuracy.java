package io.github.dl4jjepa.core.diagnostics;

/**
 * How the model continues prompts, judged by its most probable token after each token of the right
 * answer. An answer that is right in this sense is the one that greedy decoding gives.
 *
 * @param exact the share of answers of which every token is right, and the end in its place
 * @param content the share of which every token is right, wherever the model would end it
 * @param stops the share that the model ends where the right answer ends, and not before, whatever
 *     the tokens
 */
public record AnswerAccuracy(double exact, double content, double stops) {}
