package io.github.dl4jjepa.examples.training;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.iterator.ExampleSplit;
import io.github.dl4jjepa.core.iterator.JepaMultiViewIterator;
import io.github.dl4jjepa.core.iterator.JsonLinesReader;
import io.github.dl4jjepa.core.iterator.Pairing;
import io.github.dl4jjepa.core.objective.JepaObjective;
import io.github.dl4jjepa.core.objective.LinearPredictor;
import io.github.dl4jjepa.core.objective.TrainingGraph;
import io.github.dl4jjepa.core.objective.ViewProbe;
import io.github.dl4jjepa.core.samediff.Backend;
import io.github.dl4jjepa.core.training.JepaTrainer;
import io.github.dl4jjepa.core.training.MetricsFile;
import io.github.dl4jjepa.core.training.TrainingListener;
import io.github.dl4jjepa.core.training.TrainingSummary;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.LanguageModelLayout;
import io.github.dl4jjepa.core.view.ViewLayout;
import io.github.dl4jjepa.models.decoder.DecoderConfig;
import io.github.dl4jjepa.models.decoder.TransformerDecoder;
import io.github.dl4jjepa.models.huggingface.CheckpointDirectory;
import io.github.dl4jjepa.models.huggingface.CheckpointExporter;
import io.github.dl4jjepa.models.huggingface.CheckpointFolder;
import io.github.dl4jjepa.models.huggingface.DecoderLoader;
import io.github.dl4jjepa.models.tokenizer.ChatExampleEncoder;
import io.github.dl4jjepa.models.tokenizer.ChatTemplate;
import io.github.dl4jjepa.models.tokenizer.Tokenizer;
import io.github.dl4jjepa.models.tokenizer.TokenizerFiles;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * Trains a model on pairs: reads and checks everything, trains, and leaves a folder that
 * transformers loads.
 *
 * <p>The order is that of a user's patience: whatever can be wrong with settings, files and
 * examples is found before a weight is changed or a file is written.
 */
public final class TrainingJob {
    private final TrainingSettings settings;
    private final Path output;
    private final RunFolder run;
    private final CheckpointFolder source;

    /**
     * @param settings what to train, on what, and how
     * @param output folder for the trained model and the run's records
     */
    public TrainingJob(TrainingSettings settings, Path output) {
        this.settings = settings;
        this.output = output;
        this.run = new RunFolder(output);
        CheckpointFolder folder = CheckpointFolder.of(settings.model());
        this.source = settings.config() == null ? folder : folder.withConfig(settings.config());
    }

    /**
     * Trains.
     *
     * @param resume whether to go on with the run in the output folder
     * @param progress follows the training
     * @throws JepaException if a setting, a file or an example cannot be used
     */
    public TrainingResult run(boolean resume, TrainingListener progress) {
        Backend.requireUsable();
        if (resume) {
            run.requireSame(settings, RunInputs.of(settings, source));
        } else {
            run.requireVacant();
        }
        DecoderConfig config = DecoderLoader.config(source);
        JepaObjective objective = settings.objective().objective();
        int predictors = objective.comparesViews() ? settings.views().predictors() : 0;
        if (settings.maxLength() + predictors > config.maxPositions()) {
            throw new JepaException(
                    "--max-length "
                            + settings.maxLength()
                            + (predictors == 0 ? "" : " and " + predictors + " [PRED] tokens")
                            + " exceed the model's "
                            + config.maxPositions()
                            + " positions; lower --max-length");
        }
        TokenizerFiles original = settings.template().applyTo(TokenizerFiles.read(source.path()));
        int ids = predictors == 0 ? 0 : settings.views().distinctPredictors();
        try (Tokenizer tokenizer = Tokenizer.open(original.withPredictors(ids))) {
            int[] predictorIds = Arrays.copyOf(tokenizer.predictorIds(), ids);
            ChatExampleEncoder encoder =
                    new ChatExampleEncoder(
                            tokenizer, ChatTemplate.of(tokenizer.files()), settings.maxLength());
            Data data = data(encoder, objective, predictorIds);
            TransformerDecoder decoder = decoder(config, tokenizer);
            initialise(decoder, original, predictorIds);
            CheckpointExporter exporter =
                    CheckpointExporter.builder()
                            .setSource(source)
                            .optVocabularySize(decoder.vocabularySize())
                            .optTokenizer(tokenizer.files())
                            .optEndOfTurn(encoder.endOfTurnId())
                            .build();
            return train(decoder, objective, exporter, data, resume, progress);
        }
    }

    /** Training batches, and those to validate on, if any. */
    private record Data(
            JepaMultiViewIterator training,
            Optional<JepaMultiViewIterator> validation,
            Optional<JepaMultiViewIterator> probed) {}

    private Data data(ChatExampleEncoder encoder, JepaObjective objective, int[] predictorIds) {
        ViewLayout layout =
                objective.comparesViews()
                        ? settings.views().layout(predictorIds)
                        : new LanguageModelLayout();
        List<Example> training = new JsonLinesReader(settings.train()).readAll();
        List<Example> validation = List.of();
        if (settings.validation() != null) {
            validation = new JsonLinesReader(settings.validation()).readAll();
        } else if (settings.validationSplit() > 0) {
            ExampleSplit split =
                    ExampleSplit.of(training, settings.validationSplit(), settings.seed());
            training = split.training();
            validation = split.validation();
        }
        return new Data(
                batches(encoder, layout, training)
                        .optSeed(settings.seed())
                        .optGroupByLength(settings.groupByLength())
                        .optPairs(
                                objective.comparesViews()
                                        ? settings.views().pairs()
                                        : Pairing.MATCHED)
                        .build(),
                validation.isEmpty()
                        ? Optional.empty()
                        : Optional.of(batches(encoder, layout, validation).build()),
                validation.size() < 2
                        ? Optional.empty()
                        : Optional.of(
                                batches(
                                                encoder,
                                                settings.views().probeLayout(predictorIds),
                                                validation)
                                        .build()));
    }

    private JepaMultiViewIterator.Builder batches(
            ChatExampleEncoder encoder, ViewLayout layout, List<Example> examples) {
        return JepaMultiViewIterator.builder()
                .setEncoder(encoder)
                .setExamples(examples)
                .setLayout(layout)
                .setBatchSize(settings.batchSize())
                .setPadId(encoder.padId());
    }

    private TransformerDecoder decoder(DecoderConfig config, Tokenizer tokenizer) {
        int vocabularySize = Math.max(config.vocabularySize(), tokenizer.vocabularySize());
        return settings.config() == null
                ? DecoderLoader.load(source, vocabularySize)
                : TransformerDecoder.random(
                        config.withVocabularySize(vocabularySize), settings.seed());
    }

    /** Gives [PRED] tokens that the model has not met before their first embedding. */
    private static void initialise(
            TransformerDecoder decoder, TokenizerFiles original, int[] predictorIds) {
        decoder.initialiseTokens(
                Arrays.stream(predictorIds).skip(original.predictors()).boxed().toList());
    }

    private TrainingResult train(
            TransformerDecoder decoder,
            JepaObjective objective,
            CheckpointExporter exporter,
            Data data,
            boolean resume,
            TrainingListener progress) {
        LinearPredictor predictor =
                settings.linearPredictor() && objective.comparesViews()
                        ? new LinearPredictor(decoder.hiddenSize(), DataType.FLOAT)
                        : null;
        try (TrainingGraph graph =
                        new TrainingGraph(
                                decoder, objective, predictor, settings.gradientCheckpointing());
                ViewProbe probe =
                        data.probed().map(views -> new ViewProbe(decoder, views)).orElse(null)) {
            JepaTrainer.Builder builder =
                    JepaTrainer.builder()
                            .setGradientSource(graph)
                            .setObjective(objective)
                            .setBatches(data.training())
                            .optOptions(settings.training())
                            .optCheckpoints(new CheckpointDirectory(run.checkpoints(), exporter))
                            .optListener(new MetricsFile(run.metrics()))
                            .optListener(progress);
            data.validation().ifPresent(builder::optValidation);
            builder.optDiagnostics(probe);
            if (!resume) {
                run.begin(settings, RunInputs.of(settings, source));
            }
            JepaTrainer trainer = builder.build();
            TrainingSummary summary = resume ? trainer.resume() : trainer.train();
            exporter.exportInto(decoder.parameters(), output);
            return TrainingResult.of(output, summary);
        }
    }
}
