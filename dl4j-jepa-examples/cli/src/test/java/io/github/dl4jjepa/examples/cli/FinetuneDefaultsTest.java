package io.github.dl4jjepa.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jjepa.core.objective.Calibration;
import io.github.dl4jjepa.core.objective.DistanceKind;
import io.github.dl4jjepa.core.objective.InfoNce;
import io.github.dl4jjepa.core.objective.JepaObjective;
import io.github.dl4jjepa.core.training.TrainingOptions;
import io.github.dl4jjepa.core.view.ViewOptions;
import io.github.dl4jjepa.examples.training.TinyModel;
import io.github.dl4jjepa.models.finetuning.FineTuning;
import io.github.dl4jjepa.models.tokenizer.EncoderOptions;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** Where the options of finetune have their defaults from. */
class FinetuneDefaultsTest {
    private static final Pattern OPTION = Pattern.compile("^ {2,6}(?:-\\w, )?(--[a-z-]+).*");
    private static final Pattern DEFAULT = Pattern.compile("^ +Default: (.*)");

    @TempDir private Path folder;

    @Test
    void eachDefaultThatHelpShowsIsTheLibrarysOwn() {
        TrainingOptions training = TrainingOptions.builder().build();
        JepaObjective objective = JepaObjective.builder().build();
        ViewOptions views = ViewOptions.predictors();
        Map<String, Object> library = new HashMap<>();
        library.put("--validation-split", 0.0);
        library.put("--train-on", EncoderOptions.TrainedTurns.LAST_ASSISTANT);
        library.put("--lambda", objective.lambda());
        library.put("--lambda-schedule", objective.lambdaSchedule());
        library.put("--lambda-ratio", objective.settings().get("lambda_ratio"));
        library.put("--lambda-every", Calibration.DEFAULT_EVERY);
        library.put("--gamma", objective.gamma());
        library.put("--loss-dropout", objective.lossDropout());
        library.put(
                "--distance", DistanceKind.valueOf((String) objective.settings().get("distance")));
        library.put("--temperature", InfoNce.DEFAULT_TEMPERATURE);
        library.put("--target", objective.target());
        library.put("--ema-decay", objective.emaDecay());
        library.put("--regularizer", objective.settings().get("regularizers"));
        library.put("--layout", FineTuning.Builder.DEFAULT_LAYOUT);
        library.put("--predictors", FineTuning.Builder.DEFAULT_PREDICTORS);
        library.put("--predictor-placement", views.placement());
        library.put("--direction", views.direction());
        library.put("--text-view", views.textView());
        library.put("--pooling", views.pooling());
        library.put("--pairs", FineTuning.Builder.DEFAULT_PAIRS);
        library.put("--epochs", training.epochs());
        library.put("--max-steps", training.maxSteps());
        library.put("--compute-budget", training.computeBudget());
        library.put("--batch-size", FineTuning.Builder.DEFAULT_BATCH_SIZE);
        library.put("--accumulate", training.gradientAccumulationSteps());

        library.put("--schedule", training.schedule());
        library.put("--warmup", training.warmupSteps());
        library.put("--weight-decay", training.weightDecay());
        library.put("--max-grad-norm", training.maxGradientNorm());
        library.put("--seed", FineTuning.Builder.DEFAULT_SEED);
        library.put("--keep", FineTuning.Builder.DEFAULT_KEPT_CHECKPOINTS);
        library.put("--best-metric", training.bestMetric());
        library.put("--early-stopping-patience", training.earlyStoppingPatience());
        library.put("--skip-non-finite", training.skipNonFinite());
        library.put("--generate-every", 0);
        library.put("--generate-examples", FineTuning.Builder.DEFAULT_GENERATE_EXAMPLES);
        library.put("--evaluate-every", training.evaluateEvery());
        library.put("--checkpoint-every", training.checkpointEvery());
        library.replaceAll((option, value) -> comparable(value.toString()));
        assertThat(defaultsInHelp()).isEqualTo(library);
    }

    @Test
    void aRunWithoutOptionsHasTheSettingsOfTheLibrarysOwn() throws IOException {
        Path model = TinyModel.write(folder.resolve("model"));
        Path train = TinyModel.writePairs(folder.resolve("train.jsonl"), 2);
        Path byLibrary = folder.resolve("library");
        FineTuning.of(model.toString()).setTrain(train).setOutput(byLibrary).build().run();
        Path byCommand = folder.resolve("command");
        StringWriter err = new StringWriter();
        int exitCode =
                JepaCommand.run(
                        jepa(new StringWriter(), err),
                        "finetune",
                        "--model=" + model,
                        "--train=" + train,
                        "--output=" + byCommand);
        assertThat(exitCode).as(err.toString()).isZero();
        assertThat(byCommand.resolve("run.json"))
                .hasContent(Files.readString(byLibrary.resolve("run.json")));
    }

    private static Map<String, Object> defaultsInHelp() {
        StringWriter out = new StringWriter();
        assertThat(JepaCommand.run(jepa(out, new StringWriter()), "finetune", "--help")).isZero();
        Map<String, Object> defaults = new HashMap<>();
        String option = null;
        for (String line : out.toString().lines().toList()) {
            Matcher named = OPTION.matcher(line);
            Matcher value = DEFAULT.matcher(line);
            if (value.matches()) {
                defaults.put(option, comparable(value.group(1)));
            } else if (named.matches()) {
                option = named.group(1);
            }
        }
        return defaults;
    }

    /** Numbers by their value, everything else as it is written. */
    private static Object comparable(String text) {
        return text.matches("[0-9].*") ? (Object) Double.valueOf(text) : text;
    }

    private static CommandLine jepa(StringWriter out, StringWriter err) {
        return JepaCommand.commandLine()
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true));
    }
}
