package io.github.dl4jjepa.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.dl4jjepa.examples.training.TinyModel;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** What the options of finetune do to a run. */
class FinetuneOptionsTest {
    @TempDir private Path folder;

    private Path model;
    private Path train;
    private int runs;

    @BeforeEach
    void writeModelAndPairs() throws IOException {
        model = TinyModel.write(folder.resolve("model"));
        train = TinyModel.writePairs(folder.resolve("train.jsonl"), 12);
    }

    /** The metrics of a run, a line a step. */
    private List<JsonNode> finetune(String options) throws IOException {
        Path output = folder.resolve("out" + runs++);
        List<String> args = new ArrayList<>(List.of("finetune", "--max-length", "96"));
        args.addAll(List.of("--model", model.toString(), "--train", train.toString()));
        args.addAll(List.of("--output", output.toString(), "--learning-rate", "1e-3"));
        args.addAll(List.of(options.split(" ")));
        StringWriter err = new StringWriter();
        CommandLine jepa =
                JepaCommand.commandLine()
                        .setOut(new PrintWriter(new StringWriter()))
                        .setErr(new PrintWriter(err));
        assertThat(JepaCommand.run(jepa, args.toArray(String[]::new)))
                .as("%s: %s", options, err)
                .isZero();
        List<JsonNode> metrics = new ArrayList<>();
        for (String line : Files.readAllLines(output.resolve("metrics.jsonl"))) {
            metrics.add(new ObjectMapper().readTree(line));
        }
        return metrics;
    }

    private static double last(List<JsonNode> metrics, String key) {
        return metrics.get(metrics.size() - 1).get(key).doubleValue();
    }

    private static double sum(List<JsonNode> metrics, String key) {
        return metrics.stream().mapToDouble(line -> line.get(key).doubleValue()).sum();
    }

    @Test
    void logsAlsoAsCsvAndForTensorBoardAndWritesAReport() throws IOException {
        int steps = finetune("--max-steps 3 --log csv,tensorboard").size();
        Path output = folder.resolve("out0");

        assertThat(Files.readAllLines(output.resolve("metrics.csv"))).hasSize(1 + steps);
        assertThat(output.resolve("tensorboard"))
                .isDirectoryContaining("glob:**events.out.tfevents.*");
        assertThat(output.resolve("report.html")).content().contains("Language-model loss");
    }

    @Test
    void keepsAsManyCheckpointsAsItIsTold() throws IOException {
        finetune("--max-steps 4 --checkpoint-every 1 --keep 3");

        assertThat(folder.resolve("out0/checkpoints").toFile().list())
                .containsExactlyInAnyOrder(
                        "checkpoints.json", "step-000002", "step-000003", "step-000004");
    }

    @Test
    void endsEarlyWhereAnEvaluationIsNoBetter() throws IOException {
        List<JsonNode> metrics =
                finetune(
                        "--max-steps 60 --validation-split 0.5 --evaluate-every 1"
                                + " --early-stopping-patience 2 --best-metric text-retrieval-at-1");

        List<Double> retrieved =
                metrics.stream()
                        .map(line -> line.get("validation_text_retrieval_at_1").doubleValue())
                        .toList();
        int best = metrics.size() - 3;
        assertThat(metrics).hasSizeBetween(3, 59);
        assertThat(retrieved.subList(0, best)).allMatch(value -> value < retrieved.get(best));
        assertThat(retrieved.subList(best + 1, best + 3))
                .allMatch(value -> value <= retrieved.get(best));
    }

    @Test
    void layoutsDifferInCostAndNotInResult() throws IOException {
        List<JsonNode> shared = finetune("--max-steps 3");
        List<JsonNode> block = finetune("--max-steps 3 --layout block");
        List<JsonNode> separate = finetune("--max-steps 3 --layout separate");
        for (String loss : List.of("lm_loss", "jepa_loss")) {
            assertThat(last(block, loss)).isCloseTo(last(separate, loss), within(1e-4));
            assertThat(last(shared, loss)).isCloseTo(last(separate, loss), within(1e-4));
        }
        assertThat(sum(shared, "flops")).isLessThan(0.8 * sum(separate, "flops"));
        assertThat(sum(block, "tokens")).isEqualTo(sum(separate, "tokens"));
        assertThat(sum(block, "padded_tokens")).isLessThan(sum(separate, "padded_tokens"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "--predictors 0",
                "--predictors 3",
                "--tied-predictors --predictors 3",
                "--predictor-placement before",
                "--direction reverse",
                "--text-view alone",
                "--pooling mean",
            })
    void eachChoiceOfViewsIsAnotherJepaTerm(String choice) throws IOException {
        double usual = last(finetune("--max-steps 1"), "jepa_loss");
        double chosen = last(finetune("--max-steps 1 " + choice), "jepa_loss");
        assertThat(chosen).isPositive().isNotCloseTo(usual, within(1e-6));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "--distance centered-cosine",
                "--distance l2",
                "--distance mse",
                "--distance info-nce",
                "--distance info-nce --temperature 0.5",
                "--distance info-nce-one-way",
                "--distance centered-info-nce",
                "--distance semantic-tube",
                "--regularizer sigreg=0.1",
                "--regularizer vicreg=0.5 --regularizer sigreg=0.1",
                "--pairs shuffled",
                "--pairs same-view",
            })
    void eachObjectiveIsAnotherJepaTerm(String choice) throws IOException {
        double usual = last(finetune("--max-steps 1"), "jepa_loss");
        double chosen = last(finetune("--max-steps 1 " + choice), "jepa_loss");
        assertThat(chosen).isPositive().isNotCloseTo(usual, within(1e-6));
    }

    @ParameterizedTest
    @ValueSource(strings = {"--target stop-gradient", "--target ema --ema-decay 0.5"})
    void eachTargetIsAnotherGradient(String choice) throws IOException {
        List<JsonNode> usual = finetune("--max-steps 2");
        List<JsonNode> chosen = finetune("--max-steps 2 " + choice);
        assertThat(chosen.get(0).get("jepa_loss").doubleValue())
                .isCloseTo(usual.get(0).get("jepa_loss").doubleValue(), within(1e-6));
        assertThat(last(chosen, "jepa_loss")).isNotCloseTo(last(usual, "jepa_loss"), within(1e-6));
    }

    @Test
    void lambdaIsMeasuredOrFollowsASchedule() throws IOException {
        List<JsonNode> measured = finetune("--max-steps 3 --lambda-ratio 0.1 --lambda-every 2");
        assertThat(measured.get(0).get("lambda").doubleValue()).isPositive();
        assertThat(measured.get(1).get("lambda")).isEqualTo(measured.get(0).get("lambda"));
        assertThat(measured.get(2).get("lambda")).isNotEqualTo(measured.get(0).get("lambda"));
        List<JsonNode> falling = finetune("--max-steps 4 --lambda 2 --lambda-schedule linear");
        assertThat(falling.stream().map(line -> line.get("lambda").doubleValue()))
                .containsExactly(2.0, 1.5, 1.0, 0.5);
    }

    @Test
    void aValidationLooksAtTheViews() throws IOException {
        for (String lambda : List.of("0", "1")) {
            List<JsonNode> metrics =
                    finetune("--max-steps 1 --validation-split 0.5 --lambda " + lambda);
            assertThat(last(metrics, "validation_paired_cosine")).isBetween(-1.0, 1.0);
            assertThat(last(metrics, "validation_text_retrieval_at_5")).isBetween(0.0, 1.0);
            assertThat(last(metrics, "validation_text_effective_rank")).isBetween(1.0, 6.0);
        }
    }

    @Test
    void thePairedCosineOfAValidationIsItsJepaLoss() throws IOException {
        List<JsonNode> metrics = finetune("--max-steps 2 --validation-split 0.5");
        assertThat(1 - last(metrics, "validation_paired_cosine"))
                .isCloseTo(last(metrics, "validation_jepa_loss"), within(1e-5));
    }

    @Test
    void aLinearPredictorIsTrained() throws IOException {
        List<JsonNode> without = finetune("--max-steps 2");
        List<JsonNode> with = finetune("--max-steps 2 --linear-predictor");
        assertThat(with.get(0).get("jepa_loss").doubleValue())
                .isCloseTo(without.get(0).get("jepa_loss").doubleValue(), within(1e-6));
        assertThat(last(with, "jepa_loss")).isNotCloseTo(last(without, "jepa_loss"), within(1e-6));
    }

    @Test
    void aStepThatDropsTheTermCostsAPlainStep() throws IOException {
        List<JsonNode> plain = finetune("--max-steps 12 --lambda 0");
        List<JsonNode> dropping = finetune("--max-steps 12 --loss-dropout 0.5");
        List<JsonNode> dropped =
                dropping.stream().filter(line -> line.get("jepa_loss").isNull()).toList();
        assertThat(dropped).hasSizeBetween(2, 10);
        for (JsonNode line : dropped) {
            JsonNode same = plain.get(line.get("step").intValue() - 1);
            // The head has one more token to tell apart: [PRED].
            assertThat(line.get("flops").doubleValue() / same.get("flops").doubleValue())
                    .isBetween(1.0, 1.001);
            assertThat(line.get("tokens")).isEqualTo(same.get("tokens"));
        }
        assertThat(sum(dropping, "flops")).isGreaterThan(sum(plain, "flops"));
    }

    @Test
    void equalBudgetsMeanMoreStepsForThePlainRun() throws IOException {
        double perStep = last(finetune("--max-steps 1"), "flops");
        String budget = " --compute-budget " + 20.5 * perStep;
        List<JsonNode> jepa = finetune(budget.strip());
        List<JsonNode> plain = finetune("--lambda 0" + budget);
        assertThat(sum(jepa, "flops")).isBetween(18 * perStep, 20.5 * perStep);
        assertThat(sum(plain, "flops")).isBetween(18 * perStep, 20.5 * perStep);
        assertThat(plain).hasSizeGreaterThan(jepa.size());
        assertThat(last(plain, "learning_rate")).isLessThan(1e-3 / 4);
    }

    @Test
    void examplesOfLikeLengthNeedLessPadding() throws IOException {
        List<JsonNode> grouped = finetune("--max-steps 3 --batch-size 4 --group-by-length");
        List<JsonNode> shuffled = finetune("--max-steps 3 --batch-size 4");
        assertThat(sum(grouped, "tokens")).isEqualTo(sum(shuffled, "tokens"));
        assertThat(sum(grouped, "padded_tokens")).isLessThan(sum(shuffled, "padded_tokens"));
    }
}
