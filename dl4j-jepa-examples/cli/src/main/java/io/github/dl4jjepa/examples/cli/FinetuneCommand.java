package io.github.dl4jjepa.examples.cli;

import io.github.dl4jjepa.models.finetuning.FineTuning;
import io.github.dl4jjepa.models.finetuning.FineTuningResult;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

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
    @Mixin private FinetuneOptionsMixin options;

    private FineTuning.@Nullable GradientSources gradients;

    /** The options that were parsed. */
    FinetuneOptionsMixin options() {
        return options;
    }

    /** Lets gradients be computed elsewhere than in this process. */
    void setGradients(FineTuning.GradientSources sources) {
        gradients = sources;
    }

    @Override
    public FineTuningResult call() {
        return options.train(gradients);
    }
}
