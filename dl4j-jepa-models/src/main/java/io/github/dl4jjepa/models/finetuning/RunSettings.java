package io.github.dl4jjepa.models.finetuning;

import io.github.dl4jjepa.core.training.TrainingOptions;
import io.github.dl4jjepa.models.tokenizer.ChatTemplate;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What decides a run's outcome, as {@code run.json} keeps it. A run is resumed with the settings it
 * was begun with; its files may have moved.
 *
 * @param model the checkpoint to start from; of the tokenizer alone where {@code config} is given
 * @param template which chat template is used
 * @param config a config.json to start from with random weights, or null
 * @param train files to train on
 * @param validation a file to validate on, or null
 * @param data how the files are read, and what of them is learned
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
        ChatTemplate.Options template,
        @Nullable Path config,
        List<Path> train,
        @Nullable Path validation,
        DataSettings data,
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
                data,
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
