package io.github.dl4jjepa.examples.quickstart;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.objective.JepaObjective;
import io.github.dl4jjepa.core.training.TrainingListener;
import io.github.dl4jjepa.core.training.TrainingOptions;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.Message;
import io.github.dl4jjepa.models.chat.ChatModel;
import io.github.dl4jjepa.models.evaluation.Evaluation;
import io.github.dl4jjepa.models.evaluation.NlRxTask;
import io.github.dl4jjepa.models.evaluation.Score;
import io.github.dl4jjepa.models.finetuning.FineTuning;
import io.github.dl4jjepa.models.finetuning.FineTuningResult;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;

/**
 * Trains a small decoder on the grammar's pairs with and without the JEPA term, and compares the
 * two.
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
     * @param exactMatch share of held-back sentences whose regular expression is right
     * @param stopped share of answers that ended by themselves
     * @param seconds time to train
     */
    public record Arm(
            double lambda,
            double lmLoss,
            Double jepaLoss,
            double exactMatch,
            double stopped,
            double seconds) {}

    /**
     * What was found.
     *
     * @param folder where data, models and metrics were left
     * @param trainingPairs how many pairs were learnt from
     * @param testPairs how many held-back pairs were asked
     * @param plain the language-model loss alone
     * @param jepa with the JEPA term
     */
    public record Result(Path folder, int trainingPairs, int testPairs, Arm plain, Arm jepa) {}

    /**
     * Runs both arms.
     *
     * @param plainProgress follows the training without the JEPA term
     * @param jepaProgress follows the training with it
     */
    public Result run(TrainingListener plainProgress, TrainingListener jepaProgress) {
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
            Arm plain = arm(folder, "plain", 0, test, plainProgress);
            Arm jepa = arm(folder, "jepa", 1, test, jepaProgress);
            report.accept("");
            report.accept(
                    String.format(
                            Locale.ROOT,
                            "%-8s%10s%12s%13s%10s%10s",
                            "arm",
                            "LM loss",
                            "JEPA loss",
                            "exact match",
                            "stopped",
                            "seconds"));
            report.accept(row("plain", plain));
            report.accept(row("JEPA", jepa));
            return new Result(folder, trainingPairs, testPairs, plain, jepa);
        } catch (IOException e) {
            throw new JepaException(
                    "the quickstart's files cannot be written: " + e.getMessage(), e);
        }
    }

    private Arm arm(
            Path folder, String name, double lambda, List<Example> test, TrainingListener progress)
            throws IOException {
        Path base = folder.resolve("base");
        FineTuningResult result =
                FineTuning.of(base.toString())
                        .setTrain(folder.resolve("train.jsonl"))
                        .setOutput(folder.resolve(name))
                        .optConfig(base.resolve("config.json"))
                        .optObjective(JepaObjective.cosine(lambda))
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
        StringWriter predictions = new StringWriter();
        try (ChatModel model = ChatModel.open(result.output().toString())) {
            Score score =
                    new Evaluation(model, new NlRxTask(), test.size(), 48)
                            .run(test, predictions, done -> {});
            Files.writeString(folder.resolve(name + "-predictions.jsonl"), predictions.toString());
            show(name, predictions.toString());
            return new Arm(
                    lambda,
                    result.lmLoss(),
                    lambda > 0 ? result.jepaLoss() : null,
                    score.exactMatch(),
                    score.stopped(),
                    result.seconds());
        }
    }

    private void show(String name, String predictions) throws IOException {
        report.accept("");
        for (String line : predictions.lines().limit(SHOWN).toList()) {
            var prediction = JSON.readTree(line);
            report.accept(name + ": " + prediction.get("prompt").textValue());
            report.accept("    should be " + prediction.get("answer").textValue());
            report.accept("    became    " + prediction.get("prediction").textValue());
        }
    }

    private static String row(String name, Arm arm) {
        return String.format(
                Locale.ROOT,
                "%-8s%10.3f%12s%13.2f%10.2f%10.0f",
                name,
                arm.lmLoss(),
                arm.jepaLoss() == null ? "-" : String.format(Locale.ROOT, "%.3f", arm.jepaLoss()),
                arm.exactMatch(),
                arm.stopped(),
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
