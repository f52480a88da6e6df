package io.github.dl4jjepa.examples.cli;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.internal.samediff.Backend;
import io.github.dl4jjepa.core.iterator.JsonLinesReader;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.models.chat.ChatModel;
import io.github.dl4jjepa.models.evaluation.Score;
import io.github.dl4jjepa.models.evaluation.Task;
import io.github.dl4jjepa.models.evaluation.TaskEvaluation;
import io.github.dl4jjepa.models.evaluation.Tasks;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code jepa evaluate}. */
@Command(
        name = "evaluate",
        description =
                "Generates an answer to every question of a data set, greedily, and counts the right ones.",
        footerHeading = "%nExample:%n",
        footer =
                "  jepa evaluate --model finetuned --data test.jsonl --task nl-rx --output predictions.jsonl")
final class EvaluateCommand implements Callable<EvaluateCommand.Result> {
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
            description = "JSON lines with the questions and their right answers.")
    private Path data;

    @Option(
            names = "--task",
            required = true,
            paramLabel = "NAME",
            description = "What judges an answer: nl-rx (the regular expression must be equal).")
    private String task;

    @Option(
            names = "--limit",
            defaultValue = "0",
            paramLabel = "N",
            description = "Take the first N questions only; 0 for all.")
    private int limit;

    @Option(
            names = "--output",
            paramLabel = "FILE",
            description = "Keep every prediction here, as JSON lines; a new file.")
    private Path output;

    @Option(
            names = "--max-new-tokens",
            defaultValue = "128",
            paramLabel = "N",
            description = "The most tokens of an answer.")
    private int maxNewTokens;

    @Option(
            names = "--batch-size",
            defaultValue = "16",
            paramLabel = "N",
            description = "Questions answered at once.")
    private int batchSize;

    @Mixin private TemplateOptionsMixin template;

    /** What the command prints; shares are of all examples, 0 to 1. */
    record Result(
            String task,
            int examples,
            double exactMatch,
            double contentMatch,
            double stopped,
            double seconds,
            Path output) {}

    @Override
    public Result call() {
        long begun = System.nanoTime();
        if (limit < 0 || maxNewTokens < 1 || batchSize < 1) {
            throw new ParameterException(
                    spec.commandLine(),
                    "--limit must be 0 or more, --max-new-tokens and --batch-size 1 or more");
        }
        Task judge = Tasks.named(task);
        Backend.requireUsable();
        List<Example> examples = new JsonLinesReader(data).readAll();
        if (limit > 0 && limit < examples.size()) {
            examples = examples.subList(0, limit);
        }
        if (output != null && Files.exists(output)) {
            throw new JepaException(output + ": exists already; name a new file");
        }
        try (Writer predictions =
                        output == null ? Writer.nullWriter() : Files.newBufferedWriter(output);
                ChatModel chat = ChatModel.open(base.open(model), template.options());
                ConsoleProgress progress =
                        ConsoleProgress.start("Evaluating", 0, examples.size())) {
            Score score =
                    new TaskEvaluation(chat, judge, batchSize, maxNewTokens)
                            .run(examples, predictions, new Counter(progress));
            return new Result(
                    judge.name(),
                    score.examples(),
                    score.exactMatch(),
                    score.contentMatch(),
                    score.stopped(),
                    (System.nanoTime() - begun) / 1e9,
                    output);
        } catch (IOException e) {
            throw new JepaException(
                    String.format(Locale.ROOT, "%s: cannot be written: %s", output, e.getMessage()),
                    e);
        }
    }

    /** Steps a progress bar up to a count. */
    private static final class Counter implements java.util.function.IntConsumer {
        private final ConsoleProgress progress;
        private int shown;

        Counter(ConsoleProgress progress) {
            this.progress = progress;
        }

        @Override
        public void accept(int done) {
            for (; shown < done; shown++) {
                progress.step();
            }
        }
    }
}
