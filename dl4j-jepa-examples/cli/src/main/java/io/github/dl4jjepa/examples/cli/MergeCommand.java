package io.github.dl4jjepa.examples.cli;

import io.github.dl4jjepa.models.huggingface.CheckpointFolder;
import io.github.dl4jjepa.models.huggingface.LoraMerge;
import io.github.dl4jjepa.models.safetensors.Dtype;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code jepa merge}. */
@Command(
        name = "merge",
        description = "Merges a LoRA adapter with its base model into a model that needs neither.",
        footerHeading = "%nExample:%n",
        footer = "  jepa merge --adapter finetuned --output merged")
final class MergeCommand implements Callable<MergeCommand.Result> {
    @Spec private CommandSpec spec;

    @Option(
            names = {"--model", "--base"},
            paramLabel = "DIR|NAME",
            description = "The base model. Default: the one that the adapter names.")
    private @Nullable String model;

    @Option(
            names = "--adapter",
            required = true,
            paramLabel = "DIR|NAME",
            description = "Folder of the adapter, or its name on the Hugging Face hub.")
    private String adapter;

    @Option(
            names = "--output",
            required = true,
            paramLabel = "DIR",
            description = "Folder for the merged model; new or empty.")
    private Path output;

    @Option(
            names = "--dtype",
            defaultValue = "f32",
            paramLabel = "NAME",
            description = "What weights are rounded to: f32, bf16 or f16.")
    private String dtype;

    /** What the command prints. */
    record Result(Path base, Path adapter, Path output, double seconds) {}

    @Override
    public Result call() {
        long begun = System.nanoTime();
        Dtype type =
                switch (dtype.toLowerCase(Locale.ROOT)) {
                    case "f32" -> Dtype.F32;
                    case "bf16" -> Dtype.BF16;
                    case "f16" -> Dtype.F16;
                    default ->
                            throw new ParameterException(
                                    spec.commandLine(),
                                    "--dtype must be f32, bf16 or f16, not " + dtype);
                };
        CheckpointFolder folder = CheckpointFolder.of(adapter, model);
        LoraMerge.merge(folder, type, output);
        return new Result(
                folder.path(), folder.openedPath(), output, (System.nanoTime() - begun) / 1e9);
    }
}
