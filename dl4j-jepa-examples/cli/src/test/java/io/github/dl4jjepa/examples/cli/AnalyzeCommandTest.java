package io.github.dl4jjepa.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.dl4jjepa.core.training.TrainingOptions;
import io.github.dl4jjepa.core.view.ViewOptions;
import io.github.dl4jjepa.examples.training.TinyModel;
import io.github.dl4jjepa.models.finetuning.FineTuning;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AnalyzeCommandTest {
    private static final int PAIRS = 12;

    @TempDir private Path folder;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();
    private String model;
    private String data;
    private String output;

    @BeforeEach
    void writeModelAndPairs() throws IOException {
        model = TinyModel.write(folder.resolve("model")).toString();
        data = TinyModel.writePairs(folder.resolve("pairs.jsonl"), PAIRS).toString();
        output = folder.resolve("figures").toString();
    }

    private int run(String... args) {
        return JepaCommand.run(
                JepaCommand.commandLine()
                        .setOut(new PrintWriter(out, true))
                        .setErr(new PrintWriter(err, true)),
                args);
    }

    @Test
    void drawsFiguresWithTheirNumbersBesideThem() throws IOException {
        Path metrics = folder.resolve("metrics.jsonl");
        Files.writeString(
                metrics,
                "{\"step\":1,\"lm_loss\":2.5,\"jepa_loss\":0.5}\n"
                        + "{\"step\":2,\"lm_loss\":2.25,\"jepa_loss\":null}\n");
        assertThat(
                        run(
                                "analyze",
                                "--model",
                                model,
                                "--data",
                                data,
                                "--output",
                                output,
                                "--metrics",
                                metrics.toString()))
                .as(err.toString())
                .isZero();

        JsonNode result = new ObjectMapper().readTree(out.toString());
        assertThat(result.path("pairs").intValue()).isEqualTo(PAIRS);
        assertThat(result.at("/diagnostics/paired_cosine").doubleValue()).isBetween(-1.0, 1.0);
        List<String> figures =
                List.of("cosines", "cosines-centered", "singular-values", "tsne", "losses");
        assertThat(result.path("figures")).map(JsonNode::textValue).isEqualTo(figures);
        for (String figure : figures) {
            assertThat(ImageIO.read(folder.resolve("figures/" + figure + ".png").toFile()))
                    .isNotNull();
            assertThat(folder.resolve("figures/" + figure + ".svg")).content().contains("<svg");
        }
        assertThat(lines("losses.csv"))
                .containsExactly(
                        "loss,step,value", "lm_loss,1,2.5", "lm_loss,2,2.25", "jepa_loss,1,0.5");
        assertThat(lines("tsne.csv")).hasSize(1 + 2 * PAIRS);
        assertThat(lines("singular-values.csv")).hasSize(1 + PAIRS);
        double shares =
                lines("cosines.csv").stream()
                        .filter(line -> line.startsWith("paired"))
                        .mapToDouble(line -> Double.parseDouble(line.split(",")[2]))
                        .sum();
        assertThat(shares).isCloseTo(1, org.assertj.core.api.Assertions.within(1e-9));
    }

    @Test
    void readsTheViewsThatTheModelWasTrainedWith() throws IOException {
        Path trained = folder.resolve("trained");
        FineTuning.of(model)
                .setTrain(Path.of(data))
                .setOutput(trained)
                .optPredictors(3)
                .optTiedPredictors(true)
                .optLinearPredictor(true)
                .optViews(
                        ViewOptions.builder()
                                .optPlacement(ViewOptions.PredictorPlacement.AFTER)
                                .optDirection(ViewOptions.Direction.FORWARD)
                                .optTextView(ViewOptions.TextView.ALONE)
                                .optPooling(ViewOptions.Pooling.MEAN)
                                .build())
                .optTraining(TrainingOptions.builder().optMaxSteps(2).optLearningRate(1e-2).build())
                .build()
                .run();
        double asTrained = pairedCosine(trained);
        double said = pairedCosine(trained, "--text-view", "alone", "--pooling", "mean");
        double otherwise = pairedCosine(trained, "--pooling", "last-token");

        assertThat(asTrained).isEqualTo(said).isNotEqualTo(otherwise);

        Files.delete(trained.resolve("linear_predictor.safetensors"));
        output = folder.resolve("without-predictor").toString();
        assertThat(pairedCosine(trained)).isNotEqualTo(asTrained);
    }

    private double pairedCosine(Path analyzed, String... options) throws IOException {
        List<String> args = new ArrayList<>(List.of("analyze", "--model", analyzed.toString()));
        args.addAll(List.of("--data", data, "--output", output + String.join("", options)));
        args.addAll(List.of(options));
        out.getBuffer().setLength(0);
        assertThat(run(args.toArray(String[]::new))).as(err.toString()).isZero();
        return new ObjectMapper()
                .readTree(out.toString())
                .at("/diagnostics/paired_cosine")
                .doubleValue();
    }

    private List<String> lines(String file) throws IOException {
        return Files.readAllLines(folder.resolve("figures").resolve(file));
    }

    @Test
    void leavesAFolderWithSomethingInItAlone() throws IOException {
        Files.createDirectories(folder.resolve("figures"));
        Files.writeString(folder.resolve("figures/mine.txt"), "mine");
        assertThat(run("analyze", "--model", model, "--data", data, "--output", output))
                .isEqualTo(1);
        assertThat(err.toString()).contains("not empty");
    }

    @Test
    void refusesMorePredictorsThanTheTokenizerHas() {
        assertThat(
                        run(
                                "analyze",
                                "--model",
                                model,
                                "--data",
                                data,
                                "--output",
                                output,
                                "--predictors",
                                "3"))
                .isEqualTo(1);
        assertThat(err.toString()).contains("0 [PRED] tokens, not 3");
    }
}
