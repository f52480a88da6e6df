/**
 * The JEPA objective as layers and vertices of Deeplearning4j's networks.
 *
 * <p>The configurations are SameDiff layers as Deeplearning4j knows them. Their SameDiff graphs are
 * run by our executor and differentiated with corrected gradients, not by Deeplearning4j's own
 * SameDiff layers, which fix the shape of the first batch for good.
 */
package io.github.dl4jjepa.core.layer;
