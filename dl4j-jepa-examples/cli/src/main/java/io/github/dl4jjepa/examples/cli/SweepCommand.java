package io.github.dl4jjepa.examples.cli;

import io.github.dl4jjepa.core.training.TrainerListener;
import io.github.dl4jjepa.core.training.TrainerState;
import io.github.dl4jjepa.core.training.TrainingStoppedException;
import io.github.dl4jjepa.examples.analysis.SweepFigures;
import io.github.dl4jjepa.models.finetuning.FineTuning;
import io.github.dl4jjepa.models.finetuning.LearningRateSearch;
import io.github.dl4jjepa.models.finetuning.Sweep;
import io.github.dl4jjepa.models.finetuning.SweepResult;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/** {@code jepa sweep}. */
@Command(
        name = "sweep",
        description = {
            "Fine-tunes with several settings and seeds, compares the results on the validation data, and scores"
                    + " the best on the test data, once. Takes all options of finetune.",
            "Each run has its folder below --output. --resume makes the runs that are missing."
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  jepa sweep --settings sweep.yaml --output sweep",
            "  jepa sweep --resume --output sweep",
            "  jepa sweep --model base --train train.jsonl --validation validation.jsonl --task nl-rx"
                    + " --grid lambda=0,0.5,1,2 --grid predictors=0,1,2 --grid seed=82,23,37 --output sweep",
            "  jepa sweep --find-learning-rate --model base --train train.jsonl --output rates"
        })
final class SweepCommand implements Callable<Map<String, Object>> {
    private static final String SEED = "seed";

    /** What all runs share, or the sweep decides. */
    private static final Set<String> NOT_SWEPT =
            Set.of(
                    "--settings",
                    "--resume",
                    "--help",
                    "--version",
                    "--verbose",
                    "--output",
                    "--validation",
                    "--validation-split");

    private static final int DEFAULT_SEARCH_STEPS = 100;
    private static final int ROWS = 20;

    @Spec private CommandSpec spec;

    @Option(
            names = "--grid",
            paramLabel = "NAME=VALUE,...",
            description =
                    "An option of finetune, without dashes, and the values to try. May be given several"
                            + " times: all combinations are run. seed is what repetitions differ in.")
    private Map<String, String> grid = new LinkedHashMap<>();

    @Option(
            names = "--also",
            paramLabel = "NAME=VALUE,...",
            description =
                    "Options that are set together, besides the grid: lambda=0 for the plain run that"
                            + " all others are compared with. May be given several times.")
    private List<String> also = new ArrayList<>();

    @Option(
            names = "--task",
            paramLabel = "NAME|FILE",
            description =
                    "What judges the answers of each trained model to the validation examples, as"
                            + " --task of evaluate does. Without it runs are compared by losses.")
    private @Nullable String task;

    @Option(
            names = "--max-new-tokens",
            defaultValue = "0",
            paramLabel = "N",
            description = "The most tokens of an answer; 0 for the task's own number.")
    private int maxNewTokens;

    @Option(
            names = "--metric",
            paramLabel = "NAME",
            description =
                    "What runs are compared by: a metric of the task, lm_loss, jepa_loss, loss, or a"
                            + " diagnostic such as text_retrieval_at_1. By default the task's first one,"
                            + " or else lm_loss.")
    private @Nullable String metric;

    @Option(
            names = "--test",
            paramLabel = "FILE",
            description = "Examples on which --task scores the best settings, once.")
    private @Nullable Path test;

    @Option(
            names = "--find-learning-rate",
            description =
                    "In place of a sweep, take up to --max-steps steps (default: 100) with a learning"
                            + " rate that rises from 1e-6 to 1, and suggest one.")
    private boolean findLearningRate;

    @Mixin private FinetuneOptionsMixin finetune;

    private @Nullable TrainingProgress progress;

    /** A map, since settings and metrics have names of their own. */
    @Override
    public Map<String, Object> call() {
        try {
            return findLearningRate ? learningRate() : sweep();
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage(), e);
        } finally {
            endProgress();
        }
    }

    private Map<String, Object> sweep() {
        StopSignals signals = new StopSignals();
        try (signals) {
            return sweep(signals);
        } catch (TrainingStoppedException e) {
            throw new StoppedException(
                    e.getMessage()
                            + ":\n  "
                            + StoppedException.resuming(spec.name(), finetune.training().output()),
                    signals.exitCode(),
                    e);
        }
    }

    private Map<String, Object> sweep(StopSignals signals) {
        Map<String, List<String>> axes = new LinkedHashMap<>();
        grid.forEach((name, values) -> axes.put(swept(name), List.of(values.split(",", -1))));
        List<String> seeds = axes.remove(SEED);
        Sweep.Builder sweep =
                Sweep.builder()
                        .setFineTuning(point -> fineTuning(point).optStop(signals::haveArrived))
                        .setOutput(finetune.training().output())
                        .optSeeds(
                                seeds == null
                                        ? List.of(spec.findOption("--seed").<Long>getValue())
                                        : seeds.stream().map(this::seed).toList())
                        .optTask(task == null ? null : TaskFile.orNamed(task))
                        .optMaxNewTokens(maxNewTokens)
                        .optMetric(metric)
                        .optTest(test)
                        .optProgress(this::report);
        axes.forEach(sweep::optGrid);
        also.forEach(settings -> sweep.optAlso(settings(settings)));
        Sweep built = sweep.build();
        SweepResult result = finetune.training().resumes() ? built.resume() : built.run();
        endProgress();

        Path output = finetune.training().output();
        SweepTable table = new SweepTable(result);
        table.write(output);
        PrintWriter err = spec.commandLine().getErr();
        err.print(table.text());
        err.flush();
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("output", output);
        json.put("arms", result.arms().size());
        json.put("runs", result.arms().stream().mapToInt(arm -> arm.runs().size()).sum());
        json.put(
                "failed",
                result.arms().stream()
                        .flatMap(arm -> arm.runs().stream())
                        .filter(run -> run.failure() != null)
                        .map(SweepResult.Run::name)
                        .toList());
        json.put("best", result.winner().settings());
        json.put("metric", result.metric());
        json.put("validation", result.winner().mean(result.metric()).orElseThrow());
        json.put("test", result.test());
        json.put("figures", SweepFigures.heatMaps(result, axes, output.resolve("figures")));
        return json;
    }

    private long seed(String text) {
        try {
            return Long.parseLong(text.strip());
        } catch (NumberFormatException e) {
            throw new ParameterException(
                    spec.commandLine(), "--grid: '" + text + "' is no seed, a whole number", e);
        }
    }

    private Map<String, String> settings(String text) {
        Map<String, String> settings = new LinkedHashMap<>();
        for (String setting : text.split(",", -1)) {
            int equals = setting.indexOf('=');
            if (equals < 1) {
                throw new ParameterException(
                        spec.commandLine(), "--also: '" + setting + "' is not NAME=VALUE");
            }
            String name = swept(setting.substring(0, equals));
            if (name.equals(SEED)) {
                throw new ParameterException(
                        spec.commandLine(), "--also: all settings have the seeds of --grid seed=");
            }
            settings.put(name, setting.substring(equals + 1));
        }
        return settings;
    }

    /** Checks that runs can differ in an option. */
    private String swept(String name) {
        CommandLine run = finetune();
        OptionSpec option = run.getCommandSpec().optionsMap().get("--" + name);
        if (option == null || NOT_SWEPT.contains(option.longestName())) {
            List<String> near =
                    new UnmatchedArgumentException(run, List.of("--" + name.replace('_', '-')))
                            .getSuggestions();
            throw new ParameterException(
                    spec.commandLine(),
                    option != null
                            ? "all runs of a sweep have the same --" + name
                            : "finetune has no option '"
                                    + name
                                    + "'"
                                    + (near.isEmpty()
                                            ? ""
                                            : "; did you mean '"
                                                    + near.get(0).substring(2)
                                                    + "'?"));
        }
        return name;
    }

    private static CommandLine finetune() {
        return JepaCommand.configured(
                new CommandLine(new FinetuneCommand()).setCaseInsensitiveEnumValuesAllowed(true));
    }

    private FineTuning.Builder fineTuning(Sweep.Point point) {
        return fineTuning(point, progress())
                .optListener(
                        new TrainerListener() {
                            @Override
                            public void onStart(long totalSteps, TrainerState state) {
                                finetune.training().saveSettings();
                            }
                        });
    }

    private FineTuning.Builder fineTuning(Sweep.Point point, TrainerListener listener) {
        Map<String, Object> changed = new LinkedHashMap<>(point.settings());
        changed.put(SEED, point.seed());
        changed.put("output", point.output());
        List<String> words = new ArrayList<>();
        CommandLine run = finetune();
        for (OptionSpec option : spec.commandLine().getParseResult().matchedOptions()) {
            String name = option.longestName();
            boolean isOfTheRun =
                    run.getCommandSpec().optionsMap().containsKey(name)
                            && !SettingsFile.OF_THE_CALL.contains(name)
                            && !changed.containsKey(name.substring(2));
            if (isOfTheRun && option.typeInfo().isBoolean()) {
                words.add(name + "=" + option.getValue());
            } else if (isOfTheRun) {
                option.originalStringValues().forEach(value -> words.add(name + "=" + value));
            }
        }
        changed.forEach((name, value) -> words.add("--" + name + "=" + value));
        try {
            run.parseArgs(words.toArray(String[]::new));
            FinetuneCommand command = run.getCommand();
            return command.options().builder(listener);
        } catch (ParameterException e) {
            throw new ParameterException(
                    spec.commandLine(), point.settings() + ": " + e.getMessage(), e);
        }
    }

    private TrainerListener progress() {
        endProgress();
        progress = new TrainingProgress("Training");
        return progress;
    }

    private void endProgress() {
        if (progress != null) {
            progress.close();
            progress = null;
        }
    }

    private void report(SweepResult.Run run) {
        endProgress();
        PrintWriter err = spec.commandLine().getErr();
        err.printf(
                Locale.ROOT,
                "%s: %s, %.0f s%n",
                run.name(),
                run.failure() == null ? "done" : "failed",
                run.seconds());
    }

    private Map<String, Object> learningRate() {
        long steps = finetune.training().maxSteps();
        LearningRateSearch search =
                fineTuning(
                                new Sweep.Point(
                                        Map.of(),
                                        spec.findOption("--seed").<Long>getValue(),
                                        finetune.training().output()),
                                progress())
                        .build()
                        .findLearningRate((int) (steps == 0 ? DEFAULT_SEARCH_STEPS : steps));
        endProgress();
        PrintWriter err = spec.commandLine().getErr();
        err.printf("%13s%10s%10s%n", "learning rate", "loss", "smoothed");
        List<LearningRateSearch.Point> points = search.points();
        int every = Math.max(1, points.size() / ROWS);
        for (int i = 0; i < points.size(); i += every) {
            LearningRateSearch.Point point = points.get(i);
            err.printf(
                    Locale.ROOT,
                    "%13.1e%10.4f%10.4f%n",
                    point.learningRate(),
                    point.loss(),
                    point.smoothedLoss());
        }
        err.printf(Locale.ROOT, "Steepest fall at %.1e%n", search.suggested());
        SweepFigures.learningRate(search, finetune.training().output());
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("output", finetune.training().output());
        json.put("steps", points.size());
        json.put("learning_rate", search.suggested());
        return json;
    }
}
