package io.github.dl4jjepa.examples.cli;

import io.github.dl4jjepa.core.WeightSchedule;
import io.github.dl4jjepa.core.training.TrainingOptions;
import io.github.dl4jjepa.models.finetuning.FineTuning;
import io.github.dl4jjepa.models.finetuning.FineTuningResult;
import java.nio.file.Path;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The options that finetune and pretrain share. */
final class TrainingOptionsMixin {
    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    @Option(
            names = "--train",
            required = true,
            paramLabel = "FILE",
            description = "JSON lines to train on, each {\"messages\": [system, user, assistant]}.")
    private Path train;

    @ArgGroup(exclusive = true)
    private Validation validation = new Validation();

    private static final class Validation {
        @Option(
                names = "--validation",
                paramLabel = "FILE",
                description = "JSON lines to validate on.")
        private Path file;

        @Option(
                names = "--validation-split",
                paramLabel = "F",
                description = "Hold back this part of --train for validation, between 0 and 1.")
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
            description = "Go on with the run in --output from its last checkpoint.")
    private boolean resume;

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
            defaultValue = "4",
            paramLabel = "N",
            description = "How often to go through the training data.")
    private int epochs;

    @Option(
            names = "--max-steps",
            defaultValue = "0",
            paramLabel = "N",
            description =
                    "Optimiser steps to take, in place of --epochs; 0 for as many as these need.")
    private long maxSteps;

    @Option(
            names = "--compute-budget",
            defaultValue = "0",
            paramLabel = "FLOPS",
            description =
                    "Stop when this many floating-point operations are spent, in place of --epochs;"
                            + " 2e15, say. Padding is not counted. 0 for no budget.")
    private double computeBudget;

    @Option(
            names = "--batch-size",
            defaultValue = "" + FineTuning.Builder.DEFAULT_BATCH_SIZE,
            paramLabel = "N",
            description = "Examples in a micro-batch.")
    private int batchSize;

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
            defaultValue = "1",
            paramLabel = "N",
            description = "Micro-batches per optimizer step.")
    private int accumulate;

    @Option(
            names = "--learning-rate",
            defaultValue = "2e-5",
            paramLabel = "X",
            description = "Largest learning rate.")
    private double learningRate;

    @Option(
            names = "--schedule",
            defaultValue = "linear",
            paramLabel = "NAME",
            description = "How the learning rate falls: ${COMPLETION-CANDIDATES}.")
    private WeightSchedule schedule;

    @Option(
            names = "--warmup",
            defaultValue = "0",
            paramLabel = "N",
            description = "Steps over which the learning rate rises.")
    private long warmup;

    @Option(
            names = "--weight-decay",
            defaultValue = "0",
            paramLabel = "X",
            description = "AdamW's decoupled decay; none on norms and biases.")
    private double weightDecay;

    @Option(
            names = "--max-grad-norm",
            defaultValue = "1",
            paramLabel = "X",
            description = "Clip the gradient's global norm to this; 0 for no clipping.")
    private double maxGradNorm;

    @Option(
            names = "--max-length",
            defaultValue = "" + FineTuning.Builder.DEFAULT_MAX_LENGTH,
            paramLabel = "N",
            description = "The most tokens a row may have; a longer one is refused.")
    private int maxLength;

    @Option(
            names = "--seed",
            defaultValue = "" + FineTuning.Builder.DEFAULT_SEED,
            paramLabel = "N",
            description =
                    "Decides the order of examples, the split, loss dropout, and random weights.")
    private long seed;

    @Option(
            names = "--evaluate-every",
            defaultValue = "0",
            paramLabel = "N",
            description = "Steps between validations; 0 for once an epoch.")
    private long evaluateEvery;

    @Option(
            names = "--checkpoint-every",
            defaultValue = "0",
            paramLabel = "N",
            description = "Steps between checkpoints; 0 for once an epoch.")
    private long checkpointEvery;

    /**
     * Trains with these options.
     *
     * @param model folder or name of the checkpoint, or of the tokenizer where {@code config} is
     *     given
     * @param config a config.json to start from with random weights, or null
     * @throws ParameterException if an option is out of its range
     */
    FineTuningResult train(String model, Path config) {
        try (TrainingProgress progress = new TrainingProgress("Training")) {
            FineTuning tuning = tuning(model, config, progress);
            return resume ? tuning.resume() : tuning.run();
        }
    }

    private FineTuning tuning(String model, Path config, TrainingProgress progress) {
        try {
            FineTuning.Builder tuning =
                    FineTuning.of(model)
                            .setTrain(train)
                            .setOutput(output)
                            .optConfig(config)
                            .optValidation(validation.file)
                            .optValidationSplit(validation.split)
                            .optChatTemplate(template.options())
                            .optObjective(objective.objective())
                            .optLinearPredictor(linearPredictor)
                            .optBatchSize(batchSize)
                            .optGroupByLength(groupByLength)
                            .optGradientCheckpointing(gradientCheckpointing)
                            .optMaxLength(maxLength)
                            .optSeed(seed)
                            .optTraining(options())
                            .optListener(progress);
            views.applyTo(tuning);
            return tuning.build();
        } catch (IllegalArgumentException e) {
            throw new ParameterException(command.commandLine(), e.getMessage(), e);
        }
    }

    private TrainingOptions options() {
        return TrainingOptions.builder()
                .optEpochs(epochs)
                .optMaxSteps(maxSteps)
                .optComputeBudget(computeBudget)
                .optAccumulate(accumulate)
                .optLearningRate(learningRate)
                .optSchedule(schedule)
                .optWarmupSteps(warmup)
                .optWeightDecay(weightDecay)
                .optMaxGradientNorm(maxGradNorm)
                .optEvaluateEvery(evaluateEvery)
                .optCheckpointEvery(checkpointEvery)
                .optSeed(seed)
                .build();
    }
}
