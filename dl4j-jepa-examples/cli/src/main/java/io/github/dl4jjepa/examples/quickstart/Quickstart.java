package io.github.dl4jjepa.examples.quickstart;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.diagnostics.ViewDiagnostics;
import io.github.dl4jjepa.core.objective.InfoNce;
import io.github.dl4jjepa.core.objective.JepaObjective;
import io.github.dl4jjepa.core.training.TrainerListener;
import io.github.dl4jjepa.core.training.TrainingOptions;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.Message;
import io.github.dl4jjepa.core.view.ViewOptions;
import io.github.dl4jjepa.examples.analysis.Analysis;
import io.github.dl4jjepa.examples.data.RegexGrammar;
import io.github.dl4jjepa.models.chat.ChatModel;
import io.github.dl4jjepa.models.evaluation.Score;
import io.github.dl4jjepa.models.evaluation.TaskEvaluation;
import io.github.dl4jjepa.models.evaluation.Tasks;
import io.github.dl4jjepa.models.finetuning.FineTuning;
import io.github.dl4jjepa.models.finetuning.FineTuningResult;
import io.github.dl4jjepa.models.huggingface.CheckpointFolder;
import io.github.dl4jjepa.models.tokenizer.ChatTemplate;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Trains a small decoder on the grammar's pairs without a JEPA term, with the paper's and with
 * InfoNCE, and compares the three.
 */
public final class Quickstart {
    private static final List<String> RESOURCES =
            List.of("config.json", "tokenizer.json", "tokenizer_config.json");
    private static final ObjectMapper JSON = new ObjectMapper();

    private static final int TRAINING_PAIRS = 2000;
    private static final int TEST_PAIRS = 100;
    private static final int STEPS = 300;
    private static final int MAX_LENGTH = 120;
    private static final int BATCH_SIZE = 16;
    private static final double LEARNING_RATE = 2e-3;
    private static final int MAX_ANSWER = 48;
    private static final double INFO_NCE_LAMBDA = 0.1;
    private static final double INFO_NCE_TEMPERATURE = 0.1;
    private static final int SHOWN = 3;
    private static final long SEED = 42;

    private final Consumer<String> report;
    private final int trainingPairs;
    private final int testPairs;
    private final int steps;

    /**
     * @param report is given what a user should read, line by line
     */
    public Quickstart(Consumer<String> report) {
        this(report, TRAINING_PAIRS, TEST_PAIRS, STEPS);
    }

    Quickstart(Consumer<String> report, int trainingPairs, int testPairs, int steps) {
        this.report = report;
        this.trainingPairs = trainingPairs;
        this.testPairs = testPairs;
        this.steps = steps;
    }

    /**
     * One arm of the comparison.
     *
     * @param lambda weight of the JEPA term
     * @param lmLoss language-model loss at the last step
     * @param jepaLoss JEPA loss at the last step; null where lambda is 0
     * @param exactMatch share of held-out sentences whose regular expression is right
     * @param stopped share of answers that ended with an end token
     * @param pairedCosine mean cosine of a held-out sentence and its own regular expression
     * @param unpairedCosine mean cosine of a held-out sentence and the other regular expressions
     * @param retrievalAt1 share of held-out sentences whose nearest regular expression is their own
     * @param seconds time to train
     */
    public record Arm(
            double lambda,
            double lmLoss,
            @Nullable Double jepaLoss,
            double exactMatch,
            double stopped,
            double pairedCosine,
            double unpairedCosine,
            @JsonProperty("retrieval_at_1") double retrievalAt1,
            double seconds) {}

    /**
     * The outcome.
     *
     * @param folder where data, models and metrics were written
     * @param trainingPairs number of training pairs
     * @param testPairs number of held-out pairs
     * @param plain the language-model loss alone
     * @param jepa with the paper's JEPA term, the cosine
     * @param infoNce with InfoNCE as the JEPA term
     */
    public record Result(
            Path folder, int trainingPairs, int testPairs, Arm plain, Arm jepa, Arm infoNce) {}

    /**
     * Runs the three arms.
     *
     * @param plainProgress follows the training without the JEPA term
     * @param jepaProgress follows the training with the cosine
     * @param infoNceProgress follows the training with InfoNCE
     */
    public Result run(
            TrainerListener plainProgress,
            TrainerListener jepaProgress,
            TrainerListener infoNceProgress) {
        try {
            Path folder = Files.createTempDirectory("jepa-quickstart-");
            List<Example> pairs = RegexGrammar.examples(trainingPairs + testPairs, SEED);
            List<Example> test = pairs.subList(trainingPairs, pairs.size());
            writeJsonLines(folder.resolve("train.jsonl"), pairs.subList(0, trainingPairs));
            writeJsonLines(folder.resolve("test.jsonl"), test);
            Path base = Files.createDirectory(folder.resolve("base"));
            for (String name : RESOURCES) {
                try (InputStream resource =
                        Quickstart.class.getResourceAsStream("/quickstart/" + name)) {
                    Files.copy(resource, base.resolve(name));
                }
            }
            report.accept("Data, models and metrics are in " + folder);
            Arm plain = arm(folder, "plain", JepaObjective.cosine(0), test, plainProgress);
            Arm jepa = arm(folder, "jepa", JepaObjective.cosine(1), test, jepaProgress);
            JepaObjective infoNceObjective =
                    JepaObjective.builder()
                            .optLambda(INFO_NCE_LAMBDA)
                            .optDistance(InfoNce.symmetric(INFO_NCE_TEMPERATURE))
                            .build();
            Arm infoNce = arm(folder, "info-nce", infoNceObjective, test, infoNceProgress);
            report.accept("");
            report.accept(
                    String.format(
                            Locale.ROOT,
                            "%-14s%8s%9s%13s%9s%9s%10s%13s%9s",
                            "arm",
                            "LM loss",
                            "JEPA",
                            "exact match",
                            "stopped",
                            "paired",
                            "unpaired",
                            "retrieval@1",
                            "seconds"));
            report.accept(row("plain", plain));
            report.accept(row("JEPA, cosine", jepa));
            report.accept(row("JEPA, InfoNCE", infoNce));
            report.accept("paired, unpaired: cosines of a sentence with its own and with others'");
            report.accept("regular expressions; retrieval@1: its own is the nearest.");
            return new Result(folder, trainingPairs, testPairs, plain, jepa, infoNce);
        } catch (IOException e) {
            throw new JepaException(
                    "the quickstart's files cannot be written: " + e.getMessage(), e);
        }
    }

    private Arm arm(
            Path folder,
            String name,
            JepaObjective objective,
            List<Example> test,
            TrainerListener progress)
            throws IOException {
        Path base = folder.resolve("base");
        FineTuningResult result =
                FineTuning.of(base.toString())
                        .setTrain(folder.resolve("train.jsonl"))
                        .setOutput(folder.resolve(name))
                        .optConfig(base.resolve("config.json"))
                        .optObjective(objective)
                        .optBatchSize(BATCH_SIZE)
                        .optMaxLength(MAX_LENGTH)
                        .optSeed(SEED)
                        .optTraining(
                                TrainingOptions.builder()
                                        .optMaxSteps(steps)
                                        .optLearningRate(LEARNING_RATE)
                                        .optWarmupSteps(steps / 10)
                                        .optCheckpointEvery(steps)
                                        .build())
                        .optListener(progress)
                        .build()
                        .run();
        Path predictions = folder.resolve(name + "-predictions.jsonl");
        Files.deleteIfExists(predictions);
        try (ChatModel model = ChatModel.open(result.output().toString())) {
            Score score =
                    TaskEvaluation.builder()
                            .setModel(model)
                            .setTask(Tasks.named("nl-rx"))
                            .optBatchSize(test.size())
                            .optMaxNewTokens(MAX_ANSWER)
                            .optOutput(predictions)
                            .build()
                            .run(test);
            show(name, Files.readString(predictions));
            ViewDiagnostics views = views(result.output(), folder.resolve("test.jsonl"));
            return new Arm(
                    objective.lambda(),
                    Objects.requireNonNull(result.lmLoss()),
                    objective.lambda() > 0 ? result.jepaLoss() : null,
                    score.share("exact_match").value(),
                    score.share("stopped").value(),
                    views.pairedCosine(),
                    views.unpairedCosine(),
                    views.textRetrievalAt1(),
                    result.seconds());
        }
    }

    private static ViewDiagnostics views(Path model, Path data) {
        ViewOptions views = ViewOptions.predictors();
        return new Analysis(
                        CheckpointFolder.open(model),
                        ChatTemplate.Options.DEFAULT,
                        data,
                        0,
                        null,
                        -1,
                        views.textView(),
                        views.pooling())
                .diagnostics();
    }

    private void show(String name, String predictions) throws IOException {
        report.accept("");
        for (String line : predictions.lines().limit(SHOWN).toList()) {
            var prediction = JSON.readTree(line);
            report.accept(name + ": " + prediction.get("prompt").textValue());
            report.accept("    expected  " + prediction.get("answer").textValue());
            report.accept("    generated " + prediction.get("prediction").textValue());
        }
    }

    private static String row(String name, Arm arm) {
        return String.format(
                Locale.ROOT,
                "%-14s%8.3f%9s%13.2f%9.2f%9.3f%10.3f%13.2f%9.0f",
                name,
                arm.lmLoss(),
                arm.jepaLoss() == null ? "-" : String.format(Locale.ROOT, "%.3f", arm.jepaLoss()),
                arm.exactMatch(),
                arm.stopped(),
                arm.pairedCosine(),
                arm.unpairedCosine(),
                arm.retrievalAt1(),
                arm.seconds());
    }

    private static void writeJsonLines(Path file, List<Example> examples) throws IOException {
        StringBuilder lines = new StringBuilder();
        for (Example example : examples) {
            ObjectNode line = JSON.createObjectNode();
            for (Message message : example.messages()) {
                line.withArrayProperty("messages")
                        .addObject()
                        .put("role", message.role())
                        .put("content", message.content());
            }
            lines.append(JSON.writeValueAsString(line)).append('\n');
        }
        Files.writeString(file, lines.toString());
    }
}
