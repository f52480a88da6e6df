package io.github.dl4jjepa.models.finetuning;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.internal.samediff.Backend;
import io.github.dl4jjepa.core.iterator.ExampleFormat;
import io.github.dl4jjepa.core.iterator.ExampleSplit;
import io.github.dl4jjepa.core.iterator.JepaMultiViewIterator;
import io.github.dl4jjepa.core.iterator.Pairing;
import io.github.dl4jjepa.core.iterator.WeightedExamples;
import io.github.dl4jjepa.core.objective.GradientSource;
import io.github.dl4jjepa.core.objective.JepaObjective;
import io.github.dl4jjepa.core.objective.LinearPredictor;
import io.github.dl4jjepa.core.objective.TrainingGraph;
import io.github.dl4jjepa.core.objective.ViewProbe;
import io.github.dl4jjepa.core.training.JepaTrainer;
import io.github.dl4jjepa.core.training.MetricsFile;
import io.github.dl4jjepa.core.training.TrainerListener;
import io.github.dl4jjepa.core.training.TrainingOptions;
import io.github.dl4jjepa.core.training.TrainingStoppedException;
import io.github.dl4jjepa.core.training.TrainingSummary;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.LanguageModelLayout;
import io.github.dl4jjepa.core.view.LayoutKind;
import io.github.dl4jjepa.core.view.ViewLayout;
import io.github.dl4jjepa.core.view.ViewOptions;
import io.github.dl4jjepa.models.chat.ChatModel;
import io.github.dl4jjepa.models.decoder.TransformerDecoder;
import io.github.dl4jjepa.models.evaluation.SampleEvaluation;
import io.github.dl4jjepa.models.evaluation.Task;
import io.github.dl4jjepa.models.huggingface.AdapterExporter;
import io.github.dl4jjepa.models.huggingface.AdapterFolder;
import io.github.dl4jjepa.models.huggingface.CheckpointDirectory;
import io.github.dl4jjepa.models.huggingface.CheckpointExporter;
import io.github.dl4jjepa.models.huggingface.CheckpointFolder;
import io.github.dl4jjepa.models.huggingface.DecoderLoader;
import io.github.dl4jjepa.models.huggingface.ModelWriter;
import io.github.dl4jjepa.models.huggingface.PretrainedModel;
import io.github.dl4jjepa.models.internal.NativeAllocator;
import io.github.dl4jjepa.models.lora.LoraOptions;
import io.github.dl4jjepa.models.tokenizer.ChatTemplate;
import io.github.dl4jjepa.models.tokenizer.EncoderOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * Fine-tunes a Hugging Face checkpoint on pairs of views: reads and checks everything, trains, and
 * writes a folder that transformers loads.
 *
 * <pre>{@code
 * FineTuningResult result =
 *         FineTuning.of("HuggingFaceTB/SmolLM2-135M-Instruct") // or a folder
 *                 .setTrain(Path.of("pairs.jsonl"))
 *                 .setOutput(Path.of("finetuned"))
 *                 .optObjective(JepaObjective.cosine(1))
 *                 .optPredictors(1)
 *                 .optValidationSplit(0.1)
 *                 .build()
 *                 .run();
 * }</pre>
 *
 * <p>Whatever can be wrong with settings, files and examples is found before a weight is changed or
 * a file is written. The output folder also gets {@code run.json}, {@code metrics.jsonl} and {@code
 * checkpoints}; {@link #resume} continues a run that was stopped, bit for bit.
 *
 * <p>A run is made once, by one thread.
 */
public final class FineTuning {
    private final boolean hasDefaultLength;
    private final JepaObjective objective;
    private final Path output;
    private final RunFolder run;
    private final List<TrainerListener> listeners;
    private final CheckpointFolder source;
    private final @Nullable LoraOptions lora;
    private final @Nullable Sample sample;
    private final @Nullable GradientSources gradients;
    private final int kept;
    private final BooleanSupplier stop;
    private RunSettings settings;

    /** Makes what computes the gradients of a run, such as the executors of a cluster. */
    @FunctionalInterface
    public interface GradientSources {
        /**
         * Makes the source that a run is trained with.
         *
         * @param graph the run's model, whose parameters are trained; closed when the run ends
         * @param replica makes such a graph elsewhere
         * @return a source of the same parameters, state and objective as {@code graph}
         */
        GradientSource create(TrainingGraph graph, RunReplica replica);
    }

    /** What is answered during training. */
    private record Sample(long every, Task task, int examples) {}

    private FineTuning(Builder builder) {
        objective = builder.objective;
        output = builder.output;
        listeners = List.copyOf(builder.listeners);
        run = new RunFolder(output);
        CheckpointFolder folder = CheckpointFolder.of(builder.model, builder.base);
        lora = builder.lora;
        sample = builder.sample;
        gradients = builder.gradients;
        kept = builder.kept;
        stop = builder.stop;
        source = builder.config == null ? folder : folder.withConfig(builder.config);
        settings = builder.settings(source.adapter().isPresent());
        hasDefaultLength = builder.maxLength.isEmpty();
    }

    /**
     * Begins the settings of a fine-tuning.
     *
     * @param folderOrName the checkpoint: a folder, or a name on the Hugging Face hub; see {@link
     *     CheckpointFolder#of}
     */
    public static Builder of(String folderOrName) {
        return new Builder(folderOrName);
    }

    /**
     * Trains.
     *
     * @return the last step's losses, and what the training cost
     * @throws JepaException if a file or an example cannot be used, or the output folder is not
     *     empty
     * @throws TrainingStoppedException if {@link Builder#optStop} said so
     */
    public FineTuningResult run() {
        return locked(false);
    }

    /**
     * Continues the run in the output folder from its last checkpoint. Settings and the content of
     * all files must be those that it was begun with, except how long it is, and when it is
     * evaluated and kept: epochs, steps, compute budget, {@code evaluateEvery} and {@code
     * checkpointEvery}.
     *
     * @return the last step's losses, and what the training cost
     * @throws JepaException if there is no run, it is under way, or it was begun with other
     *     settings or files
     * @throws TrainingStoppedException if {@link Builder#optStop} said so
     */
    public FineTuningResult resume() {
        return locked(true);
    }

    private FineTuningResult locked(boolean resume) {
        try {
            if (resume) {
                run.lock();
            }
            return run(resume);
        } finally {
            run.unlock();
        }
    }

    private FineTuningResult run(boolean resume) {
        Backend.requireUsable();
        NativeAllocator.returnLargeArrays();
        RunInputs inputs = RunInputs.of(settings, source);
        if (resume) {
            run.requireKnownFormat(RunOrigin.now(source));
            run.requireSameContent(inputs);
        } else {
            run.requireVacant();
        }
        settleLength();
        if (resume) {
            run.requireSameSettings(settings, inputs);
        }
        return prepared(
                (model, decoder, writer, data, validation) ->
                        train(model, decoder, writer, data, validation, resume, inputs));
    }

    private void settleLength() {
        if (hasDefaultLength) {
            int possible =
                    DecoderLoader.config(source).maxPositions()
                            - predictors(objective, settings.views());
            settings = settings.withMaxLength(Math.min(Builder.DEFAULT_MAX_LENGTH, possible));
        }
    }

    /** What is done with a model and data that were read and checked. */
    @FunctionalInterface
    private interface Work<R> {
        R with(
                PretrainedModel model,
                TransformerDecoder decoder,
                ModelWriter writer,
                Data data,
                List<Example> validation);
    }

    private <R> R prepared(Work<R> work) {
        int predictors = predictors(objective, settings.views());
        int ids = predictors == 0 ? 0 : settings.views().distinctPredictors();
        try (PretrainedModel model = PretrainedModel.open(source, settings.template(), ids)) {
            int maxPositions = model.config().maxPositions();
            if (settings.maxLength() + predictors > maxPositions) {
                throw new JepaException(
                        "the maximum length "
                                + settings.maxLength()
                                + (predictors == 0 ? "" : " and " + predictors + " [PRED] tokens")
                                + " exceed the model's "
                                + maxPositions
                                + " positions; lower maxLength");
            }
            Examples examples = examples();
            RowEncoder encoder =
                    RowEncoder.of(
                            model,
                            examples.all(),
                            settings.data().encoderOptions(settings.maxLength()));
            Data data = data(examples, encoder, model.predictorIds());
            TransformerDecoder decoder = decoder(model);
            CheckpointExporter exporter =
                    CheckpointExporter.builder()
                            .setSource(source)
                            .optVocabularySize(decoder.vocabularySize())
                            .optTokenizer(model.tokenizer().files())
                            .optEndOfTurn(encoder.endId())
                            .build();
            return work.with(
                    model, decoder, writer(decoder, exporter), data, examples.validation());
        }
    }

    /** Whether anything is held back from training. */
    boolean hasValidation() {
        return settings.validation() != null || settings.validationSplit() > 0;
    }

    /** What is held back from training. */
    List<Example> validationExamples() {
        return examples().validation();
    }

    /**
     * Checks that the run in the output folder is this one.
     *
     * @throws JepaException if it was begun with other settings or files
     */
    void requireBegun() {
        RunInputs inputs = RunInputs.of(settings, source);
        run.requireSameContent(inputs);
        settleLength();
        run.requireSameSettings(settings, inputs);
    }

    /**
     * Looks for a learning rate: takes steps whose learning rate rises from one to the next, as L.
     * N. Smith's range test does (arXiv 1506.01186), until the loss has become several times its
     * least. Nothing is written; settings of epochs, steps, schedule and warm-up have no effect.
     *
     * @param steps how many steps to take at most, 10 or more
     * @return the losses, and the learning rate at which they fell fastest
     * @throws JepaException if a file or an example cannot be used
     */
    public LearningRateSearch findLearningRate(int steps) {
        LearningRateRamp ramp = new LearningRateRamp(steps);
        Backend.requireUsable();
        NativeAllocator.returnLargeArrays();
        settleLength();
        return prepared(
                (model, decoder, writer, data, validation) -> {
                    try (TrainingGraph graph = graph(decoder, linearPredictor(decoder))) {
                        return ramp.climb(graph, data.training(), settings.training());
                    }
                });
    }

    private TransformerDecoder decoder(PretrainedModel model) {
        if (settings.config() != null) {
            return model.randomDecoder(settings.seed());
        }
        return lora == null ? model.loadDecoder() : model.loadDecoder(lora, settings.seed());
    }

    /** What writes checkpoints and the trained model: an adapter if there is one. */
    private ModelWriter writer(TransformerDecoder decoder, CheckpointExporter exporter) {
        if (decoder.adapter().isEmpty()) {
            return exporter;
        }
        LoraOptions options =
                source.adapter()
                        .map(AdapterFolder::loraOptions)
                        .orElseGet(() -> Objects.requireNonNull(lora));
        return new AdapterExporter(decoder, options, source, exporter);
    }

    private GradientSource gradientSource(TrainingGraph graph, PretrainedModel model) {
        return gradients == null
                ? graph
                : gradients.create(
                        graph,
                        new RunReplica(settings, source, model.vocabulary(), lora, objective));
    }

    private static int predictors(JepaObjective objective, ViewSettings views) {
        return objective.comparesViews() ? views.predictors() : 0;
    }

    /** Training batches, and those to validate on, if any. */
    private record Data(
            JepaMultiViewIterator training,
            Optional<JepaMultiViewIterator> validation,
            Optional<JepaMultiViewIterator> probed) {}

    /** What is trained on, and what is held back from it or given to validate on. */
    private record Examples(List<Example> training, List<Example> validation) {
        List<Example> all() {
            return Stream.concat(training.stream(), validation.stream()).toList();
        }
    }

    private Examples examples() {
        List<Example> training = new ArrayList<>();
        List<Example> validation = new ArrayList<>();
        for (int i = 0; i < settings.train().size(); i++) {
            Path file = settings.train().get(i);
            List<Example> examples = settings.data().open(file).readAll();
            if (settings.validationSplit() > 0) {
                ExampleSplit split = split(file, examples);
                examples = split.training();
                validation.addAll(split.validation());
            }
            training.addAll(
                    WeightedExamples.of(
                            examples, settings.data().weights().get(i), settings.seed()));
        }
        if (settings.validation() != null) {
            validation.addAll(settings.data().open(settings.validation()).readAll());
        }
        return new Examples(training, validation);
    }

    private ExampleSplit split(Path file, List<Example> examples) {
        try {
            return ExampleSplit.of(examples, settings.validationSplit(), settings.seed());
        } catch (JepaException e) {
            throw new JepaException(file + ": " + e.getMessage() + "; name a validation file", e);
        }
    }

    private Data data(Examples examples, RowEncoder encoder, int[] predictorIds) {
        ViewLayout layout =
                objective.comparesViews()
                        ? settings.views().layout(predictorIds)
                        : new LanguageModelLayout();
        List<Example> validation = examples.validation();
        JepaMultiViewIterator training =
                batches(encoder, layout, examples.training())
                        .optSeed(settings.seed())
                        .optGroupByLength(settings.groupByLength())
                        .optPairs(
                                objective.comparesViews()
                                        ? settings.views().pairs()
                                        : Pairing.MATCHED)
                        .build();
        EncoderOptions.Truncation cut = encoder.truncation().get();
        encoder.report("training data", EncoderOptions.Truncation.NONE);
        Optional<JepaMultiViewIterator> validated =
                validation.isEmpty()
                        ? Optional.empty()
                        : Optional.of(batches(encoder, layout, validation).build());
        encoder.report("validation data", cut);
        boolean isProbed =
                validation.stream().filter(example -> example.plainText() == null).count() > 1;
        return new Data(
                training,
                validated,
                isProbed
                        ? Optional.of(
                                batches(
                                                encoder,
                                                settings.views().probeLayout(predictorIds),
                                                validation.stream()
                                                        .filter(
                                                                example ->
                                                                        example.plainText() == null)
                                                        .toList())
                                        .build())
                        : Optional.empty());
    }

    private JepaMultiViewIterator.Builder batches(
            RowEncoder encoder, ViewLayout layout, List<Example> examples) {
        return JepaMultiViewIterator.builder()
                .setEncoder(encoder.encoder())
                .setExamples(examples)
                .setLayout(layout)
                .setBatchSize(settings.batchSize())
                .setPadId(encoder.padId());
    }

    private @Nullable LinearPredictor linearPredictor(TransformerDecoder decoder) {
        return settings.linearPredictor() && objective.comparesViews()
                ? new LinearPredictor(decoder.hiddenSize(), DataType.FLOAT)
                : null;
    }

    private TrainingGraph graph(TransformerDecoder decoder, @Nullable LinearPredictor predictor) {
        return new TrainingGraph(decoder, objective, predictor, settings.gradientCheckpointing());
    }

    private FineTuningResult train(
            PretrainedModel model,
            TransformerDecoder decoder,
            ModelWriter writer,
            Data data,
            List<Example> validation,
            boolean resume,
            RunInputs inputs) {
        LinearPredictor predictor = linearPredictor(decoder);
        try (TrainingGraph graph = graph(decoder, predictor);
                ViewProbe probe =
                        data.probed().map(views -> new ViewProbe(decoder, views)).orElse(null);
                ChatModel answering = sample == null ? null : ChatModel.of(model, decoder)) {
            JepaTrainer.Builder builder =
                    JepaTrainer.builder()
                            .setGradientSource(gradientSource(graph, model))
                            .setBatches(data.training())
                            .optOptions(settings.training())
                            .optCheckpoints(
                                    new CheckpointDirectory(run.checkpoints(), writer, kept))
                            .optStop(stop)
                            .optListener(run.guard())
                            .optListener(new MetricsFile(run.metrics()));
            if (sample != null && answering != null) {
                List<Example> examples =
                        validation.subList(0, Math.min(sample.examples(), validation.size()));
                builder.optListener(
                        new SampleEvaluation(
                                answering,
                                sample.task(),
                                examples,
                                sample.every(),
                                run.generated(),
                                listeners));
            }
            listeners.forEach(builder::optListener);
            data.validation().ifPresent(builder::optValidation);
            builder.optDiagnostics(probe);
            JepaTrainer trainer = builder.build();
            if (!resume) {
                run.begin(RunOrigin.now(source), settings, inputs);
            }
            TrainingSummary summary = resume ? trainer.resume() : trainer.train();
            writer.exportInto(decoder.parameters().trainable().arrays(), output);
            if (predictor != null) {
                TrainedViews.write(predictor, output);
            }
            return FineTuningResult.of(output, summary);
        }
    }

    /** Collects the settings of a {@link FineTuning}. */
    public static final class Builder {
        /** Examples in a micro-batch, unless said otherwise. */
        public static final int DEFAULT_BATCH_SIZE = 4;

        /** The most tokens of a row, unless said otherwise. */
        public static final int DEFAULT_MAX_LENGTH = 512;

        /** The seed, unless said otherwise. */
        public static final long DEFAULT_SEED = 42;

        /** The number of [PRED] tokens, unless said otherwise. */
        public static final int DEFAULT_PREDICTORS = 1;

        /** The layout of the views, unless said otherwise. */
        public static final LayoutKind DEFAULT_LAYOUT = LayoutKind.SHARED_PREFIX;

        /** The views of the training data that are compared, unless said otherwise. */
        public static final Pairing DEFAULT_PAIRS = Pairing.MATCHED;

        /** How many examples are answered during training, unless said otherwise. */
        public static final int DEFAULT_GENERATE_EXAMPLES = 32;

        /** How many of the last checkpoints are kept, unless said otherwise. */
        public static final int DEFAULT_KEPT_CHECKPOINTS = 1;

        private final String model;
        private List<TrainingFile> train = List.of();
        private DataSettings data = DataSettings.DEFAULT;
        private Path output;
        private @Nullable Path config;
        private @Nullable Path validation;
        private double validationSplit;
        private ChatTemplate.Options template = ChatTemplate.Options.DEFAULT;
        private JepaObjective objective = JepaObjective.cosine(1);
        private boolean linearPredictor;
        private ViewSettings views = ViewSettings.DEFAULT;
        private int batchSize = DEFAULT_BATCH_SIZE;
        private boolean groupByLength;
        private boolean gradientCheckpointing;
        private OptionalInt maxLength = OptionalInt.empty();
        private long seed = DEFAULT_SEED;
        private @Nullable TrainingOptions training;
        private @Nullable LoraOptions lora;
        private @Nullable String base;
        private @Nullable Sample sample;
        private @Nullable GradientSources gradients;
        private int kept = DEFAULT_KEPT_CHECKPOINTS;
        private BooleanSupplier stop = () -> false;
        private final List<TrainerListener> listeners = new ArrayList<>();

        @SuppressWarnings("NullAway.Init") // what is required is set before build()
        private Builder(String model) {
            this.model = Objects.requireNonNull(model, "model");
        }

        /**
         * Sets the training data.
         *
         * @param file examples in any {@link ExampleFormat}; its beginning says which
         */
        public Builder setTrain(Path file) {
            return setTrain(List.of(TrainingFile.of(file)));
        }

        /**
         * Sets the training data.
         *
         * @param files one file or more, with their weights
         */
        public Builder setTrain(List<TrainingFile> files) {
            require(!files.isEmpty(), "there is no file to train on");
            train = List.copyOf(files);
            return this;
        }

        /**
         * Sets the format of all data files (default: each file's beginning says it).
         *
         * @param format the format; null for the default
         */
        public Builder optFormat(@Nullable ExampleFormat format) {
            data = data.withFormat(format);
            return this;
        }

        /**
         * Says which key or column of the data files holds a field (default: the field's own name).
         *
         * @param field the field
         * @param name the key or column
         */
        public Builder optField(ExampleFormat.Field field, String name) {
            data = data.withField(field, name);
            return this;
        }

        /**
         * Says which turns of a conversation are learned (default: {@link
         * EncoderOptions.TrainedTurns#LAST_ASSISTANT}).
         *
         * @param turns which
         */
        public Builder optTrainOn(EncoderOptions.TrainedTurns turns) {
            data = data.withTrainOn(Objects.requireNonNull(turns, "turns"));
            return this;
        }

        /**
         * Cuts rows that are longer than the maximum at their end, and reports how many (default:
         * false, such a row is refused).
         *
         * @param truncate whether to
         */
        public Builder optTruncate(boolean truncate) {
            data = data.withTruncate(truncate);
            return this;
        }

        /**
         * Sets the folder for the trained model and the run's records.
         *
         * @param folder a new or empty folder, or that of the run to resume
         */
        public Builder setOutput(Path folder) {
            output = Objects.requireNonNull(folder, "folder");
            return this;
        }

        /**
         * Starts from random weights (default: the checkpoint's weights); of the checkpoint only
         * the tokenizer and the chat template are used.
         *
         * @param file a config.json, which says what to build
         */
        public Builder optConfig(@Nullable Path file) {
            config = file;
            return this;
        }

        /**
         * Sets the validation data (default: none).
         *
         * @param file examples in any {@link ExampleFormat}
         */
        public Builder optValidation(@Nullable Path file) {
            validation = file;
            return this;
        }

        /**
         * Holds back a part of each training file for validation (default: 0).
         *
         * @param part from 0 up to but not including 1
         */
        public Builder optValidationSplit(double part) {
            require(part >= 0 && part < 1, "the validation split must lie in 0..1, not " + part);
            validationSplit = part;
            return this;
        }

        /**
         * Chooses a chat template (default: the model's own).
         *
         * @param options a template's name or file, and values of its variables
         */
        public Builder optChatTemplate(ChatTemplate.Options options) {
            template = Objects.requireNonNull(options, "options");
            return this;
        }

        /**
         * Sets the objective (default: the paper's with lambda = 1).
         *
         * @param objective lambda = 0 for plain fine-tuning
         */
        public Builder optObjective(JepaObjective objective) {
            this.objective = Objects.requireNonNull(objective, "objective");
            return this;
        }

        /**
         * Trains a matrix between the prediction and what it is compared with (default: false).
         *
         * @param linearPredictor whether to
         */
        public Builder optLinearPredictor(boolean linearPredictor) {
            this.linearPredictor = linearPredictor;
            return this;
        }

        /**
         * Sets the number of [PRED] tokens (default: {@value #DEFAULT_PREDICTORS}; the paper
         * searches 0 to 4).
         *
         * @param count 0 to {@value ViewOptions#MAX_PREDICTORS}
         */
        public Builder optPredictors(int count) {
            require(
                    count >= 0 && count <= ViewOptions.MAX_PREDICTORS,
                    "the number of [PRED] tokens must be 0 to "
                            + ViewOptions.MAX_PREDICTORS
                            + ", not "
                            + count);
            views = views.withPredictors(count);
            return this;
        }

        /**
         * Lets all [PRED] tokens share one embedding (default: false).
         *
         * @param tied whether to
         */
        public Builder optTiedPredictors(boolean tied) {
            views = views.withTiedPredictors(tied);
            return this;
        }

        /**
         * Says which view predicts which, and where the two are read (default: {@link
         * ViewOptions}'s own). The [PRED] tokens are those of {@link #optPredictors}.
         *
         * @param options placement, direction, Text's context and pooling
         */
        public Builder optViews(ViewOptions options) {
            views = views.withOptions(options);
            return this;
        }

        /**
         * Says how the views are laid out in rows (default: {@link LayoutKind#SHARED_PREFIX}). The
         * layout decides the cost, not the result.
         *
         * @param layout how
         */
        public Builder optLayout(LayoutKind layout) {
            views = views.withLayout(layout);
            return this;
        }

        /**
         * Says which views of the training data are compared (default: {@link Pairing#MATCHED}).
         *
         * @param pairs another pairing is a control
         */
        public Builder optPairs(Pairing pairs) {
            views = views.withPairs(pairs);
            return this;
        }

        /**
         * Sets the number of examples in a micro-batch (default: {@value #DEFAULT_BATCH_SIZE}).
         *
         * @param size 1 or more
         */
        public Builder optBatchSize(int size) {
            require(size >= 1, "the batch size must be 1 or more, not " + size);
            batchSize = size;
            return this;
        }

        /**
         * Batches examples of similar length (default: false): less padding, but less random
         * batches.
         *
         * @param group whether to
         */
        public Builder optGroupByLength(boolean group) {
            groupByLength = group;
            return this;
        }

        /**
         * Keeps less for the backward pass and computes it again (default: false): less memory, a
         * third more time.
         *
         * @param checkpointing whether to
         */
        public Builder optGradientCheckpointing(boolean checkpointing) {
            gradientCheckpointing = checkpointing;
            return this;
        }

        /**
         * Sets the most tokens that a row may have (default: {@value #DEFAULT_MAX_LENGTH}, or what
         * the model has positions for, if that is less); an example with a longer row is refused,
         * unless {@link #optTruncate} cuts it.
         *
         * @param tokens 2 or more
         */
        public Builder optMaxLength(int tokens) {
            require(tokens >= 2, "the maximum length must be 2 or more, not " + tokens);
            maxLength = OptionalInt.of(tokens);
            return this;
        }

        /**
         * Sets what decides the order of examples, the split and random weights (default: {@value
         * #DEFAULT_SEED}).
         *
         * @param seed any number
         */
        public Builder optSeed(long seed) {
            this.seed = seed;
            return this;
        }

        /**
         * Trains an adapter in place of all weights (default: all weights, or those of the adapter
         * if the model is one). The output folder holds the adapter alone; [PRED] tokens and others
         * that the run adds to the tokenizer are trained with it.
         *
         * @param options which linear maps are adapted
         */
        public Builder optLora(@Nullable LoraOptions options) {
            lora = options;
            return this;
        }

        /**
         * Sets the base of an adapter that is trained further (default: the one that it names).
         *
         * @param folderOrName a folder, or a name on the Hugging Face hub
         */
        public Builder optBase(@Nullable String folderOrName) {
            base = folderOrName;
            return this;
        }

        /**
         * Says how to train (default: {@link TrainingOptions}' own, but for an adapter the learning
         * rate {@link LoraOptions#DEFAULT_LEARNING_RATE}).
         *
         * @param options epochs, learning rate, and the like
         */
        public Builder optTraining(TrainingOptions options) {
            training = Objects.requireNonNull(options, "options");
            return this;
        }

        /**
         * Lets the model answer validation examples during training (default: never). The scores
         * are lines of {@code generated.jsonl} in the output folder.
         *
         * @param steps after how many optimizer steps, 1 or more
         * @param task what judges the answers
         * @param examples how many of the validation examples are answered, the first ones
         */
        public Builder optGenerateEvery(long steps, Task task, int examples) {
            require(
                    steps >= 1 && examples >= 1,
                    "steps and examples of generation must be 1 or more, not "
                            + steps
                            + " and "
                            + examples);
            sample = new Sample(steps, Objects.requireNonNull(task, "task"), examples);
            return this;
        }

        /**
         * Sets where gradients are computed (default: in this process).
         *
         * @param sources makes what computes them, when model and data are read and checked; null
         *     for the default
         */
        public Builder optGradientSource(@Nullable GradientSources sources) {
            gradients = sources;
            return this;
        }

        /**
         * Sets how many of the last checkpoints are kept beside the best one (default: {@value
         * #DEFAULT_KEPT_CHECKPOINTS}).
         *
         * @param checkpoints 1 or more
         */
        public Builder optKeep(int checkpoints) {
            require(
                    checkpoints >= 1,
                    "the last checkpoint must be kept: 1 or more, not " + checkpoints);
            kept = checkpoints;
            return this;
        }

        /**
         * Lets the run be stopped (default: it takes all its steps).
         *
         * @param stop asked before each step, on the thread of the training; once it says true, a
         *     checkpoint is written and a {@link TrainingStoppedException} thrown, after which the
         *     run can be resumed
         */
        public Builder optStop(BooleanSupplier stop) {
            this.stop = Objects.requireNonNull(stop, "stop");
            return this;
        }

        /**
         * Adds a listener (default: none).
         *
         * @param listener told of every step
         */
        public Builder optListener(TrainerListener listener) {
            listeners.add(Objects.requireNonNull(listener, "listener"));
            return this;
        }

        /**
         * The fine-tuning, which has not begun.
         *
         * @throws IllegalStateException if the training data or the output folder is missing
         * @throws JepaException if there is no such model
         */
        public FineTuning build() {
            if (train.isEmpty() || output == null) {
                throw new IllegalStateException("setTrain and setOutput are required");
            }
            require(
                    validation == null || validationSplit == 0,
                    "validation data and a validation split are given; give one of them");
            require(
                    sample == null || validation != null || validationSplit > 0,
                    "generation during training needs validation data or a validation split");
            require(
                    lora == null || config == null,
                    "an adapter changes a trained model; train all weights of a random one");
            return new FineTuning(this);
        }

        private RunSettings settings(boolean isAdapter) {
            return new RunSettings(
                    model,
                    template,
                    config,
                    train.stream().map(TrainingFile::file).toList(),
                    validation,
                    data.withWeights(train.stream().map(TrainingFile::weight).toList()),
                    validationSplit,
                    objective.settings(),
                    linearPredictor,
                    views,
                    batchSize,
                    groupByLength,
                    gradientCheckpointing,
                    maxLength.orElse(DEFAULT_MAX_LENGTH),
                    seed,
                    training == null ? defaultTraining(isAdapter) : training,
                    lora == null ? null : lora.settings());
        }

        private TrainingOptions defaultTraining(boolean isAdapter) {
            TrainingOptions.Builder options = TrainingOptions.builder();
            return lora == null && !isAdapter
                    ? options.build()
                    : options.optLearningRate(LoraOptions.DEFAULT_LEARNING_RATE).build();
        }

        private static void require(boolean condition, String message) {
            if (!condition) {
                throw new IllegalArgumentException(message);
            }
        }
    }
}
