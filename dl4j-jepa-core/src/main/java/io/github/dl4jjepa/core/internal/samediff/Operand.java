package io.github.dl4jjepa.core.internal.samediff;

/**
 * How the right operand of an elementwise operator relates to the left one. Stored in graphs by its
 * ordinal.
 */
public enum Operand {
    /** Both have one shape. */
    SAME_SHAPE,
    /** The right one broadcasts to the left one's shape and has no gradient. */
    CONSTANT,
    /** {@code [n, width]} and {@code [width]}. */
    PER_COLUMN,
    /** {@code [n, width]} and {@code [n, 1]}. */
    PER_ROW
}
