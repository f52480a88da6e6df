package io.github.dl4jjepa.core.decoder;

import org.nd4j.autodiff.samediff.SDVariable;

/**
 * What a decoder reads, as variables of a graph; each is INT32 {@code [rows, time]}.
 *
 * <p>A token sees the tokens of its own row and segment whose position is not greater than its own.
 *
 * @param ids token ids
 * @param positions position of each token in its segment, from 0
 * @param segments segment of each token, negative at padding
 */
public record TokenInputs(SDVariable ids, SDVariable positions, SDVariable segments) {}
