package io.github.dl4jjepa.examples.cli;

import io.github.dl4jjepa.core.internal.samediff.Backend;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.examples.spider.SpiderTask;
import io.github.dl4jjepa.models.chat.ChatModel;
import io.github.dl4jjepa.models.chat.ChatReplica;
import io.github.dl4jjepa.models.evaluation.OutcomeSource;
import io.github.dl4jjepa.models.evaluation.Score;
import io.github.dl4jjepa.models.evaluation.Task;
import io.github.dl4jjepa.models.evaluation.TaskEvaluation;
import io.github.dl4jjepa.models.evaluation.Tasks;
import io.github.dl4jjepa.models.huggingface.CheckpointFolder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code jepa evaluate}. */
@Command(
        name = "evaluate",
        description = {
            "Generates an answer to every question of a data set, greedily, and judges the answers.",
            "Each share has its 95 %% confidence interval (Wilson) beside it."
        },
        footerHeading = "%nExample:%n",
        footer =
                "  jepa evaluate --model finetuned --data test.jsonl --task nl-rx --output predictions.jsonl")
final class EvaluateCommand implements Callable<Map<String, Object>> {
    @Spec private CommandSpec spec;

    @Mixin private SettingsMixin settings;

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
            paramLabel = "NAME|FILE",
            completionCandidates = TaskNames.class,
            description = {
                "What judges an answer: ${COMPLETION-CANDIDATES};",
                "or a JSON or YAML file that declares a task (docs/tasks.md)."
            })
    private String task;

    @Option(
            names = "--databases",
            paramLabel = "DIR",
            description =
                    "Task spider: the folder with NAME/NAME.sqlite files, to compare what queries find.")
    private Path databases;

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
            names = "--resume",
            description =
                    "Continue the evaluation that broke off and left the --output file. Options that are"
                            + " not given are those that it saved.")
    private boolean resume;

    @Option(
            names = "--max-new-tokens",
            defaultValue = "0",
            paramLabel = "N",
            description = "The most tokens of an answer; 0 for the task's own number.")
    private int maxNewTokens;

    @Option(
            names = "--batch-size",
            defaultValue = "" + TaskEvaluation.Builder.DEFAULT_BATCH_SIZE,
            paramLabel = "N",
            description = "Questions answered at once.")
    private int batchSize;

    @Mixin private TemplateOptionsMixin template;

    private @Nullable Function<ChatReplica, OutcomeSource> outcomes;

    /** Lets the model answer elsewhere than in this process. */
    void setOutcomes(Function<ChatReplica, OutcomeSource> source) {
        outcomes = source;
    }

    /** The names for the help text. */
    static final class TaskNames implements Iterable<String> {
        @Override
        public Iterator<String> iterator() {
            return Tasks.names().iterator();
        }
    }

    /** A map, since each task has its own metrics: task, examples, the shares with intervals, … */
    @Override
    public Map<String, Object> call() {
        long begun = System.nanoTime();
        if (limit < 0 || maxNewTokens < 0 || batchSize < 1) {
            throw new ParameterException(
                    spec.commandLine(),
                    "--limit and --max-new-tokens must be 0 or more, --batch-size 1 or more");
        }
        if (resume && output == null) {
            throw new ParameterException(
                    spec.commandLine(), "--resume needs --output, the file to continue");
        }
        Task judge = task();
        Backend.requireUsable();
        List<Example> examples = judge.examples(data).readAll();
        if (limit > 0 && limit < examples.size()) {
            examples = examples.subList(0, limit);
        }
        CheckpointFolder folder = base.open(model);
        try (ChatModel chat = ChatModel.open(folder, template.options());
                ConsoleProgress progress =
                        ConsoleProgress.start("Evaluating", 0, examples.size())) {
            if (output != null && (resume || !Files.exists(output))) {
                settings.save(output);
            }
            Score score =
                    TaskEvaluation.builder()
                            .setModel(chat)
                            .setTask(judge)
                            .optBatchSize(batchSize)
                            .optMaxNewTokens(maxNewTokens)
                            .optOutput(output)
                            .optResume(resume)
                            .optProgress(new Counter(progress))
                            .optOutcomeSource(source(folder))
                            .build()
                            .run(examples);
            return result(judge, score, (System.nanoTime() - begun) / 1e9);
        }
    }

    private @Nullable OutcomeSource source(CheckpointFolder folder) {
        return outcomes == null
                ? null
                : outcomes.apply(new ChatReplica(folder, template.options()));
    }

    private Task task() {
        Task found = TaskFile.orNamed(task);
        if (databases == null) {
            return found;
        }
        if (found instanceof SpiderTask spider) {
            return spider.withDatabases(databases);
        }
        throw new ParameterException(
                spec.commandLine(), "--databases belongs to the task spider, not " + found.name());
    }

    private Map<String, Object> result(Task judge, Score score, double seconds) {
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("task", judge.name());
        result.put("examples", score.examples());
        score.shares().forEach((metric, share) -> result.put(metric, share.value()));
        score.measures().forEach((metric, measure) -> result.put(metric, measure.mean()));
        Map<String, List<Double>> intervals = new LinkedHashMap<>();
        score.shares()
                .forEach(
                        (metric, share) ->
                                intervals.put(metric, List.of(share.lower(), share.upper())));
        if (!intervals.isEmpty()) {
            result.put("confidence_95", intervals);
        }
        judge.note().ifPresent(note -> result.put("note", note));
        result.put("seconds", seconds);
        result.put("output", output);
        return result;
    }

    /** Steps a progress bar up to a count. */
    private static final class Counter implements IntConsumer {
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
