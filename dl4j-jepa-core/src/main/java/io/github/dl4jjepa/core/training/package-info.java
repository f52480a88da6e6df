/**
 * The training loop: {@link io.github.dl4jjepa.core.training.JepaTrainer} takes batches and
 * gradients and produces a trained model, checkpoints and metrics.
 *
 * <p>It replaces {@code SameDiff.fit}, which in Deeplearning4j 1.0.0-M2.1 has no gradient
 * accumulation, no clipping by the global norm, no decoupled weight decay for some parameters only,
 * and reports a loss of 0. An {@link io.github.dl4jjepa.core.training.Optimizer} updates the
 * trainable parameters; its state is part of each checkpoint.
 */
@NullMarked
package io.github.dl4jjepa.core.training;

import org.jspecify.annotations.NullMarked;
