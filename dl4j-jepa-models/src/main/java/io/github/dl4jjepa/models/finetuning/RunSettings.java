package io.github.dl4jjepa.models.finetuning;

import io.github.dl4jjepa.core.training.TrainingOptions;
import io.github.dl4jjepa.models.tokenizer.ChatTemplateOptions;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What decides a run's outcome, as {@code run.json} keeps it. A run is resumed with the settings it
 * was begun with; its files may have moved.
 *
 * @param model the checkpoint to start from; of the tokenizer alone where {@code config} is given
 * @param template which chat template is used
 * @param config a config.json to start from with random weights, or null
 * @param train JSON lines to train on
 * @param validation JSON lines to validate on, or null
 * @param validationSplit the part of {@code train} held back for validation, or 0
 * @param objective the objective's settings
 * @param linearPredictor whether a trained matrix stands between prediction and target
 * @param views what the JEPA term compares, and in which layout
 * @param batchSize examples in a micro-batch
 * @param groupByLength whether examples of similar length make a batch
 * @param gradientCheckpointing whether less is kept for the backward pass and computed again
 * @param maxLength the most tokens a row may have
 * @param seed decides order, split and random weights
 * @param training how to train
 * @param lora the settings of a new adapter, or null where none is added
 */
record RunSettings(
        String model,
        ChatTemplateOptions template,
        @Nullable Path config,
        Path train,
        @Nullable Path validation,
        double validationSplit,
        Map<String, Object> objective,
        boolean linearPredictor,
        ViewSettings views,
        int batchSize,
        boolean groupByLength,
        boolean gradientCheckpointing,
        int maxLength,
        long seed,
        TrainingOptions training,
        @Nullable Map<String, Object> lora) {
    RunSettings withMaxLength(int tokens) {
        return new RunSettings(
                model,
                template,
                config,
                train,
                validation,
                validationSplit,
                objective,
                linearPredictor,
                views,
                batchSize,
                groupByLength,
                gradientCheckpointing,
                tokens,
                seed,
                training,
                lora);
    }
}
