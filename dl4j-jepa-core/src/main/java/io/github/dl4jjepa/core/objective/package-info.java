/**
 * The objective: the language-model loss and the JEPA term with its distances, regularizers and
 * targets, and its gradients for any decoder.
 *
 * <p>{@link io.github.dl4jjepa.core.objective.TrainingGraph} computes the gradient of an optimizer
 * step, or of a part of one: a {@link io.github.dl4jjepa.core.objective.StepRequest}. Where pairs
 * are compared with each other, the parts go through the phases of a {@link
 * io.github.dl4jjepa.core.objective.CrossBatchStep}.
 */
@NullMarked
package io.github.dl4jjepa.core.objective;

import org.jspecify.annotations.NullMarked;
