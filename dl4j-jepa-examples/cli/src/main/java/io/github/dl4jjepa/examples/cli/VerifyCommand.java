package io.github.dl4jjepa.examples.cli;

import io.github.dl4jjepa.core.internal.samediff.Backend;
import io.github.dl4jjepa.models.huggingface.DecoderLoader;
import io.github.dl4jjepa.models.verification.Verification;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.IExitCodeGenerator;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code jepa verify}. */
@Command(
        name = "verify",
        description = {
            "Compares an imported model with outputs that transformers exported (docs/verify.md): hidden states,"
                    + " logits, losses, view embeddings, the gradient of every parameter, greedy tokens.",
            "Exits with 1 if a comparison fails."
        },
        footerHeading = "%nExample:%n",
        footer = "  jepa verify --model fixtures/llama --reference fixtures/llama")
final class VerifyCommand implements Callable<VerifyCommand.Result>, IExitCodeGenerator {
    @Option(
            names = "--model",
            required = true,
            paramLabel = "DIR|NAME",
            description = "Folder of the model, or its name on the Hugging Face hub.")
    private String model;

    @Mixin private BaseOptionMixin base;

    @Option(
            names = "--reference",
            required = true,
            paramLabel = "DIR",
            description = "Folder with golden.json, golden.safetensors and grads.safetensors.")
    private Path reference;

    @Option(
            names = "--tolerance",
            defaultValue = "1e-4",
            paramLabel = "X",
            description = "The largest relative error that passes.")
    private double tolerance;

    private int exitCode;

    /** What the command prints. */
    record Result(
            List<Verification.Check> checked, long passed, long failed, List<String> skipped) {}

    @Override
    public Result call() {
        Backend.requireUsable();
        Verification.Report report =
                Verification.run(DecoderLoader.load(base.open(model)), reference, tolerance);
        exitCode = report.failed() == 0 ? 0 : 1;
        return new Result(report.checked(), report.passed(), report.failed(), report.skipped());
    }

    @Override
    public int getExitCode() {
        return exitCode;
    }
}
