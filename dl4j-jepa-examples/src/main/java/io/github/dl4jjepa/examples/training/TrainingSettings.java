package io.github.dl4jjepa.examples.training;

import io.github.dl4jjepa.core.training.TrainingOptions;
import java.nio.file.Path;

/**
 * What decides a run's outcome, as the command line takes it and {@code run.json} keeps it. A run
 * is resumed with the settings it was begun with; its files may have moved.
 *
 * @param model folder of the checkpoint to start from, or its name on the Hugging Face hub; of the
 *     tokenizer alone where {@code config} is given
 * @param template which chat template is used
 * @param config a config.json to start from with random weights, or null
 * @param train JSON lines to train on
 * @param validation JSON lines to validate on, or null
 * @param validationSplit the part of {@code train} held back for validation, or 0
 * @param objective what is minimised
 * @param linearPredictor whether a trained matrix stands between prediction and target
 * @param views what the JEPA term compares, and in which layout
 * @param batchSize examples a micro-batch
 * @param groupByLength whether examples of like length make a batch
 * @param gradientCheckpointing whether less is kept for the backward pass and computed again
 * @param maxLength the most tokens a row may have
 * @param seed decides order, split and random weights
 * @param training how to train
 */
public record TrainingSettings(
        String model,
        TemplateSettings template,
        Path config,
        Path train,
        Path validation,
        double validationSplit,
        ObjectiveSettings objective,
        boolean linearPredictor,
        ViewSettings views,
        int batchSize,
        boolean groupByLength,
        boolean gradientCheckpointing,
        int maxLength,
        long seed,
        TrainingOptions training) {}
