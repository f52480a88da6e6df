package io.github.dl4jjepa.examples.cli;

import io.github.dl4jjepa.core.view.ViewOptions;
import io.github.dl4jjepa.examples.analysis.Analysis;
import io.github.dl4jjepa.models.huggingface.CheckpointFolder;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code jepa analyze}. */
@Command(
        name = "analyze",
        description = {
            "Looks at the embeddings that a model has of Text and Code: do they tell pairs apart, or have they"
                    + " collapsed?",
            "Prints cosines, retrieval, effective ranks and more, and draws: cosines, singular values, t-SNE and,"
                    + " of a training's output, its losses; each as PNG, SVG and CSV."
        },
        footerHeading = "%nExample:%n",
        footer = "  jepa analyze --model finetuned --data test.jsonl --limit 200 --output figures")
final class AnalyzeCommand implements Callable<Analysis.Result> {
    @Spec private CommandSpec spec;

    @Option(
            names = "--model",
            required = true,
            paramLabel = "DIR|NAME",
            description = "Folder of the model, or its name on the Hugging Face hub.")
    private String model;

    @Mixin private BaseOptionMixin base;

    @Option(
            names = "--data",
            required = true,
            paramLabel = "FILE",
            description =
                    "JSON lines with the pairs to look at; best ones that were not trained on.")
    private Path data;

    @Option(
            names = "--limit",
            defaultValue = "500",
            paramLabel = "N",
            description = "Take the first N pairs only; 0 for all. t-SNE compares all with all.")
    private int limit;

    @Option(
            names = "--metrics",
            paramLabel = "FILE",
            description =
                    "A training's metrics.jsonl, for the curves of its losses. Default: the one in"
                            + " --model, if there is one.")
    private Path metrics;

    @Option(
            names = "--predictors",
            defaultValue = "-1",
            paramLabel = "K",
            description =
                    "[PRED] tokens after Text: 0 to look at Enc(Text), more for Pred(Enc(Text))."
                            + " Default: as in the model's training, or else as many as its tokenizer"
                            + " has.",
            showDefaultValue = CommandLine.Help.Visibility.NEVER)
    private int predictors;

    @Option(
            names = "--text-view",
            paramLabel = "NAME",
            description =
                    "Whether Text is seen with the prompt before it: ${COMPLETION-CANDIDATES}. By"
                            + " default as in the model's training, or else in-context.")
    private ViewOptions.TextView textView;

    @Option(
            names = "--pooling",
            paramLabel = "NAME",
            description =
                    "Which hidden states of a view are read: ${COMPLETION-CANDIDATES}. By default as in"
                            + " the model's training, or else last-token.")
    private ViewOptions.Pooling pooling;

    @Option(
            names = "--output",
            required = true,
            paramLabel = "DIR",
            description = "Folder for the figures; new or empty.")
    private Path output;

    @Mixin private TemplateOptionsMixin template;

    @Override
    public Analysis.Result call() {
        if (limit < 0) {
            throw new ParameterException(
                    spec.commandLine(), "--limit must be 0 or more, not " + limit);
        }
        CheckpointFolder folder = base.open(model);
        Path own = folder.openedPath().resolve("metrics.jsonl");
        Path curves = metrics == null && Files.exists(own) ? own : metrics;
        Analysis.Result result =
                new Analysis(
                                folder,
                                template.options(),
                                data,
                                limit,
                                curves,
                                predictors,
                                textView,
                                pooling)
                        .run(output);
        PrintWriter err = spec.commandLine().getErr();
        result.diagnostics()
                .forEach((name, value) -> err.printf(Locale.ROOT, "%-26s %10.4f%n", name, value));
        if (result.collapse() != null) {
            err.println(result.collapse());
        }
        return result;
    }
}
