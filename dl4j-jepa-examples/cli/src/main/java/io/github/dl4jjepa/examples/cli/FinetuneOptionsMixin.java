package io.github.dl4jjepa.examples.cli;

import io.github.dl4jjepa.core.training.TrainerListener;
import io.github.dl4jjepa.models.finetuning.FineTuning;
import io.github.dl4jjepa.models.finetuning.FineTuningResult;
import io.github.dl4jjepa.models.lora.LoraOptions;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options that finetune and sweep share. */
final class FinetuneOptionsMixin {
    @Option(
            names = "--model",
            required = true,
            paramLabel = "DIR|NAME",
            description =
                    "Folder of the checkpoint: config.json, safetensors, tokenizer.json; or its name on"
                            + " the Hugging Face hub.")
    private String model;

    @Mixin private BaseOptionMixin base;

    @Mixin private LoraOptionsMixin lora;

    @Mixin private TrainingOptionsMixin training;

    TrainingOptionsMixin training() {
        return training;
    }

    /**
     * Trains with these options.
     *
     * @param gradients what computes gradients, or null for this process
     */
    FineTuningResult train(FineTuning.@Nullable GradientSources gradients) {
        LoraOptions options = lora.options();
        return training.train(begin(options).optGradientSource(gradients), adapts(options));
    }

    /**
     * A fine-tuning with these options.
     *
     * @param progress shows how far it is
     */
    FineTuning.Builder builder(TrainerListener progress) {
        LoraOptions options = lora.options();
        return training.builder(begin(options), adapts(options), progress);
    }

    private FineTuning.Builder begin(@Nullable LoraOptions options) {
        return FineTuning.of(model).optBase(base.base()).optLora(options);
    }

    private boolean adapts(@Nullable LoraOptions options) {
        return options != null || base.open(model).adapter().isPresent();
    }
}
