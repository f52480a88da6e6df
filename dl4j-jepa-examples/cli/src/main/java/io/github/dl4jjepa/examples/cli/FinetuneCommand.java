package io.github.dl4jjepa.examples.cli;

import io.github.dl4jjepa.models.finetuning.FineTuning;
import io.github.dl4jjepa.models.finetuning.FineTuningResult;
import io.github.dl4jjepa.models.lora.LoraOptions;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code jepa finetune}. */
@Command(
        name = "finetune",
        description =
                "Trains a Hugging Face checkpoint on pairs of views, with the JEPA term or without.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  jepa finetune --model SmolLM2-135M-Instruct --train pairs.jsonl --validation-split 0.1"
                    + " --output finetuned",
            "  jepa finetune --model SmolLM2-135M-Instruct --train chats.jsonl --train pairs.csv.gz:0.5"
                    + " --train-on all-assistant --output finetuned",
            "  jepa finetune --model SmolLM2-135M --train book.txt --lambda 0 --output continued"
        })
final class FinetuneCommand implements Callable<FineTuningResult> {
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

    private FineTuning.@Nullable GradientSources gradients;

    /** Lets gradients be computed elsewhere than in this process. */
    void setGradients(FineTuning.GradientSources sources) {
        gradients = sources;
    }

    @Override
    public FineTuningResult call() {
        LoraOptions options = lora.options();
        boolean adapts = options != null || base.open(model).adapter().isPresent();
        FineTuning.Builder tuning = FineTuning.of(model).optBase(base.base()).optLora(options);
        if (gradients != null) {
            tuning.optGradientSource(gradients);
        }
        return training.train(tuning, adapts);
    }
}
