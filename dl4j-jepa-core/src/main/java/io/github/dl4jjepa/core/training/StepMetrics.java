package io.github.dl4jjepa.core.training;

import java.util.Optional;

/**
 * What there is to tell about an optimiser step.
 *
 * @param step the step, from 1
 * @param epoch epochs done after the step, with the fraction of the one under way
 * @param losses the losses of the step's batch, before its update
 * @param learningRate the step's learning rate
 * @param gradientNorm Euclidean norm of all gradients together, before clipping
 * @param cost what the step cost
 * @param validation the validation losses after the update, if it was evaluated
 */
public record StepMetrics(
        long step,
        double epoch,
        MeanLosses losses,
        double learningRate,
        double gradientNorm,
        StepCost cost,
        Optional<MeanLosses> validation) {}
