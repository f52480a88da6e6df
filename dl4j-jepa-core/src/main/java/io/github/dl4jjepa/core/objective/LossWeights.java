package io.github.dl4jjepa.core.objective;

import java.io.Serializable;

/**
 * The weights of an optimizer step's two losses.
 *
 * @param gamma of the mean cross entropy of a label
 * @param lambda of the JEPA term; 0 leaves it out, and with it its cost
 */
public record LossWeights(double gamma, double lambda) implements Serializable {}
