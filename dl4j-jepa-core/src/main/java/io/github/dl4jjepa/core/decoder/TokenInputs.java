package io.github.dl4jjepa.core.decoder;

import org.nd4j.autodiff.samediff.SDVariable;

/**
 * What a decoder reads, as variables of a graph; each is INT32 {@code [rows, time]}.
 *
 * <p>A token sees the tokens of its own row whose segment is its own or its prefix, and whose
 * position is not greater than its own. An attention window counts in positions. A decoder without
 * attention, which can run rows of one segment only, may leave segments and prefixes unread.
 *
 * @param ids token ids
 * @param positions position of each token, from 0
 * @param segments segment of each token, negative at padding
 * @param prefixes the segment that goes before each token's own; its own where none does
 */
public record TokenInputs(
        SDVariable ids, SDVariable positions, SDVariable segments, SDVariable prefixes) {}
