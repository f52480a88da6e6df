/**
 * The JEPA objective as layers and vertices of Deeplearning4j's networks.
 *
 * <p>Losses and vertices are SameDiff graphs. They are run by our executor and differentiated with
 * corrected gradients, not by Deeplearning4j's own SameDiff layers, which fix the shape of the
 * first batch for good. The output layer's parameters are those of Deeplearning4j's output layers,
 * so that transfer learning and parameters of trained networks apply to it.
 */
package io.github.dl4jjepa.core.layer;
