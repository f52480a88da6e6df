package io.github.dl4jjepa.examples.cli;

import io.github.dl4jjepa.models.finetuning.FineTuning;
import io.github.dl4jjepa.models.finetuning.FineTuningResult;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code jepa pretrain}. */
@Command(
        name = "pretrain",
        description = "Trains a decoder from random weights on pairs of views.",
        footerHeading = "%nExample:%n",
        footer =
                "  jepa pretrain --config small/config.json --train pairs.jsonl --learning-rate 1e-3"
                        + " --output pretrained")
final class PretrainCommand implements Callable<FineTuningResult> {
    @Option(
            names = "--config",
            required = true,
            paramLabel = "FILE",
            description = "config.json of the decoder.")
    private Path config;

    @Option(
            names = {"--tokenizer", "--model"},
            paramLabel = "DIR|NAME",
            description =
                    "Folder of tokenizer.json and the chat template, or a name on the Hugging Face"
                            + " hub; by default the folder of --config.")
    private String tokenizer;

    @Mixin private TrainingOptionsMixin training;

    @Override
    public FineTuningResult call() {
        String own = Objects.requireNonNull(config.toAbsolutePath().getParent()).toString();
        return training.train(
                FineTuning.of(tokenizer == null ? own : tokenizer).optConfig(config), false);
    }
}
