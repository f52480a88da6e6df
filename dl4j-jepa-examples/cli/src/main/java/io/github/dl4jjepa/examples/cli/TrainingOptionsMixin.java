package io.github.dl4jjepa.examples.cli;

import io.github.dl4jjepa.core.WeightSchedule;
import io.github.dl4jjepa.core.training.TrainerListener;
import io.github.dl4jjepa.core.training.TrainerState;
import io.github.dl4jjepa.core.training.TrainingOptions;
import io.github.dl4jjepa.core.training.TrainingOptions.BestMetric;
import io.github.dl4jjepa.core.training.TrainingStoppedException;
import io.github.dl4jjepa.examples.report.RunReport;
import io.github.dl4jjepa.models.finetuning.FineTuning;
import io.github.dl4jjepa.models.finetuning.FineTuningResult;
import io.github.dl4jjepa.models.finetuning.TrainingFile;
import io.github.dl4jjepa.models.lora.LoraOptions;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The options that finetune and pretrain share. */
final class TrainingOptionsMixin {
    private static final TrainingOptions DEFAULTS = TrainingOptions.builder().build();

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    @Mixin private SettingsMixin settings;

    @Option(
            names = "--train",
            required = true,
            paramLabel = "FILE[:WEIGHT]",
            converter = TrainingFileConverter.class,
            description =
                    "Examples to train on: JSON lines, each {\"messages\": [system, user,"
                            + " assistant]}, or another format (see --format). May be given several"
                            + " times. An epoch has each example WEIGHT times: once without one;"
                            + " with 0.5 a half of the file, drawn at random.")
    private List<TrainingFile> train;

    @ArgGroup(exclusive = true)
    private Validation validation = new Validation();

    private static final class Validation {
        @Option(
                names = "--validation",
                paramLabel = "FILE",
                description = "Examples to validate on.")
        private Path file;

        @Option(
                names = "--validation-split",
                paramLabel = "F",
                description =
                        "Hold back this part of each --train file for validation, between 0 and 1.")
        private double split;
    }

    @Option(
            names = "--output",
            required = true,
            paramLabel = "DIR",
            description =
                    "Folder for the trained model, metrics.jsonl and checkpoints; new or empty.")
    private Path output;

    @Option(
            names = "--resume",
            description =
                    "Continue the run in --output from its last checkpoint. Options that are not given"
                            + " are those of its run.yaml.")
    private boolean resume;

    @Mixin private DataOptionsMixin data;

    @Mixin private TemplateOptionsMixin template;

    @Mixin private ObjectiveOptionsMixin objective;

    @Option(
            names = "--linear-predictor",
            description =
                    "Put a trained matrix between the prediction and what it is compared with.")
    private boolean linearPredictor;

    @Mixin private ViewOptionsMixin views;

    @Option(
            names = "--epochs",
            paramLabel = "N",
            description = "How often to go through the training data.")
    private int epochs = DEFAULTS.epochs();

    @Option(
            names = "--max-steps",
            paramLabel = "N",
            description =
                    "Optimizer steps to take, in place of --epochs; 0 for as many as these need.")
    private long maxSteps = DEFAULTS.maxSteps();

    @Option(
            names = "--compute-budget",
            paramLabel = "FLOPS",
            description =
                    "Stop when this many floating-point operations are spent, in place of --epochs;"
                            + " 2e15, say. Padding is not counted. 0 for no budget.")
    private double computeBudget = DEFAULTS.computeBudget();

    @Option(names = "--batch-size", paramLabel = "N", description = "Examples in a micro-batch.")
    private int batchSize = FineTuning.Builder.DEFAULT_BATCH_SIZE;

    @Option(
            names = "--group-by-length",
            description =
                    "Batch examples of similar length: less padding, but less random batches.")
    private boolean groupByLength;

    @Option(
            names = "--gradient-checkpointing",
            description =
                    "Keep less for the backward pass and compute it again: less memory, a third more"
                            + " time.")
    private boolean gradientCheckpointing;

    @Option(
            names = "--accumulate",
            paramLabel = "N",
            description = "Micro-batches per optimizer step.")
    private int accumulate = DEFAULTS.gradientAccumulationSteps();

    @Option(
            names = "--learning-rate",
            paramLabel = "X",
            description =
                    "Largest learning rate: 2e-5 without this option, the paper's; 2e-4 for a LoRA adapter, as in"
                            + " peft's examples: it begins without effect, and few weights have to do"
                            + " the work of all.")
    private @Nullable Double learningRate;

    @Option(
            names = "--schedule",
            paramLabel = "NAME",
            description = "How the learning rate falls: ${COMPLETION-CANDIDATES}.")
    private WeightSchedule schedule = DEFAULTS.schedule();

    @Option(
            names = "--warmup",
            paramLabel = "N",
            description = "Steps over which the learning rate rises.")
    private long warmup = DEFAULTS.warmupSteps();

    @Option(
            names = "--weight-decay",
            paramLabel = "X",
            description = "AdamW's decoupled decay; none on norms and biases.")
    private double weightDecay = DEFAULTS.weightDecay();

    @Option(
            names = "--max-grad-norm",
            paramLabel = "X",
            description = "Clip the gradient's global norm to this; 0 for no clipping.")
    private double maxGradNorm = DEFAULTS.maxGradientNorm();

    @Option(
            names = "--max-length",
            paramLabel = "N",
            description =
                    "The most tokens a row may have; a longer one is refused, or cut"
                            + " with --truncate. By default "
                            + FineTuning.Builder.DEFAULT_MAX_LENGTH
                            + ", or what the model has positions for.")
    private Integer maxLength;

    @Option(
            names = "--seed",
            paramLabel = "N",
            description =
                    "Decides the order of examples, the split, loss dropout, and random weights.")
    private long seed = FineTuning.Builder.DEFAULT_SEED;

    @Option(
            names = "--evaluate-every",
            paramLabel = "N",
            description = "Steps between validations; 0 for once an epoch.")
    private long evaluateEvery = DEFAULTS.evaluateEvery();

    @Option(
            names = "--checkpoint-every",
            paramLabel = "N",
            description = "Steps between checkpoints; 0 for once an epoch.")
    private long checkpointEvery = DEFAULTS.checkpointEvery();

    @Option(
            names = "--log",
            paramLabel = "FORMAT",
            split = ",",
            description =
                    "Write the metrics in this format, too: ${COMPLETION-CANDIDATES}. May be given"
                            + " several times.")
    private @Nullable List<LogFormat> log;

    @Option(
            names = "--keep",
            paramLabel = "N",
            description = "How many of the last checkpoints to keep; the best one is kept as well.")
    private int keep = FineTuning.Builder.DEFAULT_KEPT_CHECKPOINTS;

    @Option(
            names = "--best-metric",
            paramLabel = "NAME",
            description =
                    "What of a validation tells the best checkpoint: ${COMPLETION-CANDIDATES}.")
    private BestMetric bestMetric = DEFAULTS.bestMetric();

    @Option(
            names = "--early-stopping-patience",
            paramLabel = "N",
            description =
                    "Stop after so many validations in a row without a better one (see"
                            + " --best-metric); 0 for never.")
    private int earlyStoppingPatience = DEFAULTS.earlyStoppingPatience();

    @Option(
            names = "--skip-non-finite",
            paramLabel = "N",
            description =
                    "Steps that may be skipped, without an update, because a loss or the gradient is"
                            + " infinite or not a number; one more ends the run.")
    private long skipNonFinite = DEFAULTS.skipNonFinite();

    @Option(
            names = "--generate-every",
            paramLabel = "N",
            description =
                    "Steps between answers to validation examples, whose scores go to generated.jsonl; 0"
                            + " for never.")
    private long generateEvery;

    @Option(
            names = "--generate-task",
            paramLabel = "NAME|FILE",
            description = "What judges these answers, as --task of evaluate does.")
    private String generateTask;

    @Option(
            names = "--generate-examples",
            paramLabel = "N",
            description = "How many validation examples are answered each time.")
    private int generateExamples = FineTuning.Builder.DEFAULT_GENERATE_EXAMPLES;

    /**
     * Trains with these options.
     *
     * @param tuning the fine-tuning, with the settings that are not here
     * @param adapts whether an adapter is trained
     * @throws ParameterException if an option is out of its range
     * @throws StoppedException if a signal has stopped the training
     */
    FineTuningResult train(FineTuning.Builder tuning, boolean adapts) {
        StopSignals signals = new StopSignals();
        try (signals;
                TrainingProgress progress = new TrainingProgress("Training")) {
            FineTuning built = build(tuning.optStop(signals::haveArrived), adapts, progress);
            FineTuningResult result = resume ? built.resume() : built.run();
            RunReport.write(result);
            return result;
        } catch (TrainingStoppedException e) {
            throw new StoppedException(
                    e.getMessage()
                            + ":\n  "
                            + StoppedException.resuming(
                                    command.commandLine().getCommandName(), output),
                    signals.exitCode(),
                    e);
        }
    }

    /** Where the results go. */
    Path output() {
        return output;
    }

    /** How many steps are asked for; 0 for as many as the epochs need. */
    long maxSteps() {
        return maxSteps;
    }

    boolean resumes() {
        return resume;
    }

    void saveSettings() {
        settings.save(output);
    }

    private FineTuning build(FineTuning.Builder tuning, boolean adapts, TrainingProgress progress) {
        try {
            return builder(tuning, adapts, progress).build();
        } catch (IllegalArgumentException e) {
            throw new ParameterException(command.commandLine(), e.getMessage(), e);
        }
    }

    /**
     * Sets what these options say.
     *
     * @param tuning the fine-tuning, with the settings that are not here
     * @param adapts whether an adapter is trained
     * @param progress shows how far it is
     * @throws ParameterException if an option is out of its range
     */
    FineTuning.Builder builder(
            FineTuning.Builder tuning, boolean adapts, TrainerListener progress) {
        try {
            tuning.setTrain(train)
                    .setOutput(output)
                    .optValidation(validation.file)
                    .optValidationSplit(validation.split)
                    .optChatTemplate(template.options())
                    .optObjective(objective.objective())
                    .optLinearPredictor(linearPredictor)
                    .optBatchSize(batchSize)
                    .optGroupByLength(groupByLength)
                    .optGradientCheckpointing(gradientCheckpointing)
                    .optSeed(seed)
                    .optTraining(options(adapts))
                    .optKeep(keep)
                    .optListener(progress)
                    .optListener(new SettingsKeeper());
            if (log != null) {
                log.stream()
                        .distinct()
                        .map(format -> format.into(output))
                        .forEach(tuning::optListener);
            }
            data.applyTo(tuning);
            views.applyTo(tuning);
            if (maxLength != null) {
                tuning.optMaxLength(maxLength);
            }
            if (generateEvery != 0 && generateTask == null) {
                throw new ParameterException(
                        command.commandLine(), "--generate-every needs --generate-task");
            }
            if (generateEvery != 0) {
                tuning.optGenerateEvery(
                        generateEvery, TaskFile.orNamed(generateTask), generateExamples);
            }
            return tuning;
        } catch (IllegalArgumentException e) {
            throw new ParameterException(command.commandLine(), e.getMessage(), e);
        }
    }

    private TrainingOptions options(boolean adapts) {
        if (learningRate == null) {
            learningRate = adapts ? LoraOptions.DEFAULT_LEARNING_RATE : DEFAULTS.learningRate();
        }
        return TrainingOptions.builder()
                .optEpochs(epochs)
                .optMaxSteps(maxSteps)
                .optComputeBudget(computeBudget)
                .optGradientAccumulationSteps(accumulate)
                .optLearningRate(learningRate)
                .optSchedule(schedule)
                .optWarmupSteps(warmup)
                .optWeightDecay(weightDecay)
                .optMaxGradientNorm(maxGradNorm)
                .optEvaluateEvery(evaluateEvery)
                .optCheckpointEvery(checkpointEvery)
                .optBestMetric(bestMetric)
                .optEarlyStoppingPatience(earlyStoppingPatience)
                .optSkipNonFinite(skipNonFinite)
                .optSeed(seed)
                .build();
    }

    /** Saves the options beside the results, once the run has its folder. */
    private final class SettingsKeeper implements TrainerListener {
        @Override
        public void onStart(long totalSteps, TrainerState state) {
            settings.save(output);
        }
    }
}
