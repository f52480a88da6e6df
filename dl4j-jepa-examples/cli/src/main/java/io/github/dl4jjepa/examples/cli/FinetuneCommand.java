package io.github.dl4jjepa.examples.cli;

import io.github.dl4jjepa.models.finetuning.FineTuning;
import io.github.dl4jjepa.models.finetuning.FineTuningResult;
import io.github.dl4jjepa.models.lora.LoraOptions;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code jepa finetune}. */
@Command(
        name = "finetune",
        description =
                "Trains a Hugging Face checkpoint on pairs of views, with the JEPA term or without.",
        footerHeading = "%nExample:%n",
        footer =
                "  jepa finetune --model SmolLM2-135M-Instruct --train pairs.jsonl --validation-split 0.1"
                        + " --output finetuned")
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

    @Override
    public FineTuningResult call() {
        LoraOptions options = lora.options();
        boolean adapts = options != null || base.open(model).adapter().isPresent();
        return training.train(FineTuning.of(model).optBase(base.base()).optLora(options), adapts);
    }
}
