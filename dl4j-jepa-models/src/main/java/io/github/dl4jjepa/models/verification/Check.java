package io.github.dl4jjepa.models.verification;

/**
 * One comparison with the reference.
 *
 * @param name what was compared
 * @param error relative error: the distance to the reference divided by its norm, over all numbers
 *     of one tensor; for greedy tokens the share that differs
 * @param passed whether the error is within the tolerance
 */
public record Check(String name, double error, boolean passed) {}
