package io.github.dl4jjepa.examples.cli;

import io.github.dl4jjepa.models.huggingface.CheckpointFolder;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The base of a model that is an adapter. */
final class BaseOptionMixin {
    @Option(
            names = "--base",
            paramLabel = "DIR|NAME",
            description =
                    "Where --model is a LoRA adapter: its base model, if not the one that it names.")
    private @Nullable String base;

    /** The base, or null. */
    @Nullable String base() {
        return base;
    }

    /** Opens a model with its base. */
    CheckpointFolder open(String model) {
        return CheckpointFolder.of(model, base);
    }
}
