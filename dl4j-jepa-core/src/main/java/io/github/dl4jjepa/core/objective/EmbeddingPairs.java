package io.github.dl4jjepa.core.objective;

import org.nd4j.autodiff.samediff.SDVariable;

/**
 * What the JEPA term compares, as variables of one graph.
 *
 * @param prediction Pred(Enc(Text)), {@code [pairs, hidden]}
 * @param target Enc(Code), {@code [pairs, hidden]}
 * @param answerIds INT32 {@code [pairs]}; two pairs have the same number where their targets read
 *     the same tokens
 */
public record EmbeddingPairs(SDVariable prediction, SDVariable target, SDVariable answerIds) {}
