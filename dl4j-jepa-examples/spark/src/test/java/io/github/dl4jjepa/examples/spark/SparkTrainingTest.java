package io.github.dl4jjepa.examples.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.objective.Calibration;
import io.github.dl4jjepa.core.objective.InfoNce;
import io.github.dl4jjepa.core.objective.JepaObjective;
import io.github.dl4jjepa.core.objective.RegularizerKind;
import io.github.dl4jjepa.core.objective.TargetMode;
import io.github.dl4jjepa.core.training.StepMetrics;
import io.github.dl4jjepa.core.training.TrainerListener;
import io.github.dl4jjepa.core.training.TrainerState;
import io.github.dl4jjepa.core.training.TrainingOptions;
import io.github.dl4jjepa.examples.training.TinyModel;
import io.github.dl4jjepa.models.finetuning.FineTuning;
import io.github.dl4jjepa.models.lora.LoraOptions;
import io.github.dl4jjepa.models.safetensors.SafetensorsCheckpoint;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.EnabledForJreRange;
import org.junit.jupiter.api.condition.JRE;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The same training in this process, and by tasks of Spark within it. */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "Hadoop needs winutils.exe on Windows")
@EnabledForJreRange(max = JRE.JAVA_21, disabledReason = "Spark 3.5 does not run on it")
class SparkTrainingTest {
    private static final long NO_LIMIT = Long.MAX_VALUE;

    @TempDir private Path folder;

    private Path model;
    private Path train;

    /** Objectives and what is trained under them. */
    enum Kind {
        COSINE(JepaObjective.cosine(1), false),
        COSINE_LORA(JepaObjective.cosine(1), true),
        INFO_NCE(infoNce().build(), false),
        INFO_NCE_LORA(infoNce().build(), true),
        /** Two gradients a step, averages of weights, pairs compared in two ways. */
        CALIBRATED(
                infoNce()
                        .optTarget(TargetMode.EMA)
                        .optEmaDecay(0.9)
                        .optRegularizer(RegularizerKind.SIGREG.regularizer(), 0.1)
                        .optCalibration(new Calibration(0.5, 2))
                        .build(),
                false);

        private final JepaObjective objective;
        private final boolean lora;

        Kind(JepaObjective objective, boolean lora) {
            this.objective = objective;
            this.lora = lora;
        }

        private static JepaObjective.Builder infoNce() {
            return JepaObjective.builder().optDistance(InfoNce.symmetric(0.2)).optLambda(1);
        }
    }

    /** What a run leaves. */
    private record Outcome(List<Double> losses, Map<String, float[]> weights) {}

    @BeforeEach
    void writeModelAndPairs() throws IOException {
        model = TinyModel.write(folder.resolve("model"));
        train = TinyModel.writePairs(folder.resolve("train.jsonl"), 14);
    }

    static JavaSparkContext context(String master) {
        return new JavaSparkContext(
                new SparkConf()
                        .setMaster(master)
                        .setAppName("test")
                        .set("spark.ui.enabled", "false")
                        .set("spark.driver.host", "127.0.0.1")
                        .set("spark.driver.bindAddress", "127.0.0.1"));
    }

    private FineTuning.Builder builder(Kind kind, Path output) {
        return FineTuning.of(model.toString())
                .setTrain(train)
                .setOutput(output)
                .optObjective(kind.objective)
                .optLora(
                        kind.lora ? LoraOptions.builder().optRank(2).optDropout(0.1).build() : null)
                .optLinearPredictor(kind == Kind.CALIBRATED)
                .optBatchSize(2)
                .optSeed(7)
                .optTraining(
                        TrainingOptions.builder()
                                .optMaxSteps(3)
                                .optGradientAccumulationSteps(4)
                                .optLearningRate(1e-3)
                                .build());
    }

    private Outcome run(Kind kind, String name, FineTuning.GradientSources gradients) {
        List<Double> losses = new ArrayList<>();
        Path output = folder.resolve(name);
        FineTuning.Builder builder =
                builder(kind, output)
                        .optListener(
                                new TrainerListener() {
                                    @Override
                                    public void onStep(StepMetrics metrics) {
                                        losses.add(metrics.losses().total());
                                        losses.add(metrics.lambda());
                                        losses.add(metrics.gradientNorm());
                                    }
                                });
        if (gradients != null) {
            builder.optGradientSource(gradients);
        }
        builder.build().run();
        return new Outcome(losses, weights(output));
    }

    private Outcome run(Kind kind, String name, String master) {
        try (JavaSparkContext context = context(master)) {
            return run(
                    kind,
                    name,
                    (graph, replica) ->
                            new SparkGradientSource(context, graph, replica, 2, NO_LIMIT));
        }
    }

    static Map<String, float[]> weights(Path output) {
        Map<String, float[]> weights = new TreeMap<>();
        try (Stream<Path> files = Files.list(output)) {
            for (Path file :
                    files.filter(path -> path.toString().endsWith(".safetensors")).toList()) {
                SafetensorsCheckpoint checkpoint = SafetensorsCheckpoint.open(file);
                for (String name : checkpoint.tensors().keySet()) {
                    try (INDArray values = checkpoint.read(name)) {
                        weights.put(name, values.ravel().toFloatVector());
                    }
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return weights;
    }

    /** The norm of a difference, relative to the norm of what is expected. */
    private static double distance(float[] actual, float[] expected) {
        double difference = 0;
        double norm = 0;
        for (int i = 0; i < expected.length; i++) {
            difference += Math.pow((double) actual[i] - expected[i], 2);
            norm += Math.pow(expected[i], 2);
        }
        return Math.sqrt(difference / Math.max(norm, Double.MIN_NORMAL));
    }

    private static void assertClose(Outcome actual, Outcome expected) {
        assertThat(actual.losses()).hasSameSizeAs(expected.losses());
        for (int i = 0; i < actual.losses().size(); i++) {
            double value = expected.losses().get(i);
            assertThat(actual.losses().get(i)).isCloseTo(value, within(1e-6 * Math.abs(value)));
        }
        assertThat(actual.weights()).hasSameSizeAs(expected.weights());
        expected.weights()
                .forEach(
                        (name, values) ->
                                assertThat(distance(actual.weights().get(name), values))
                                        .as(name)
                                        .isLessThan(1e-6));
    }

    private static void assertSame(Outcome actual, Outcome expected) {
        assertThat(actual.losses()).isEqualTo(expected.losses());
        expected.weights()
                .forEach(
                        (name, values) ->
                                assertThat(actual.weights().get(name)).as(name).isEqualTo(values));
    }

    /** Rounding apart; and two runs with the same partitions to the last bit. */
    @ParameterizedTest
    @EnumSource
    void sparkTrainsAsOneMachineDoes(Kind kind) {
        Outcome alone = run(kind, "alone", (FineTuning.GradientSources) null);
        Outcome one = run(kind, "one", "local[1]");
        Outcome two = run(kind, "two", "local[2]");
        assertThat(alone.weights()).isNotEmpty();
        assertClose(one, alone);
        assertSame(two, one);
    }

    @Test
    void anExecutorWithoutTheModelSaysWhereItIs() {
        assertThatThrownBy(() -> runSabotaged(() -> move(model, folder.resolve("elsewhere"))))
                .isInstanceOf(JepaException.class)
                .hasMessageStartingWith("Executor driver on 127.0.0.1: ")
                .hasMessageContaining(model.toString())
                .hasMessageContaining("Every executor reads the model itself");
    }

    @Test
    void anExecutorWithOtherWeightsIsRefused() {
        assertThatThrownBy(() -> runSabotaged(() -> change(model.resolve("model.safetensors"))))
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("model.safetensors differs here from the one");
    }

    /** Lets something happen between the driver's reading of the model and the executors'. */
    private void runSabotaged(Runnable sabotage) {
        try (JavaSparkContext context = context("local[2]")) {
            builder(Kind.COSINE_LORA, folder.resolve("out"))
                    .optGradientSource(
                            (graph, replica) ->
                                    new SparkGradientSource(context, graph, replica, 2, NO_LIMIT))
                    .optListener(
                            new TrainerListener() {
                                @Override
                                public void onStart(long totalSteps, TrainerState state) {
                                    sabotage.run();
                                }
                            })
                    .build()
                    .run();
        }
    }

    private static void move(Path from, Path to) {
        try {
            Files.move(from, to);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void change(Path file) {
        try {
            byte[] bytes = Files.readAllBytes(file);
            bytes[bytes.length - 1] ^= 1;
            Files.write(file, bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void moreWeightsThanTheLimitAreRefusedBeforeTraining() {
        try (JavaSparkContext context = context("local[2]")) {
            assertThatThrownBy(
                            () ->
                                    run(
                                            Kind.COSINE,
                                            "out",
                                            (graph, replica) ->
                                                    new SparkGradientSource(
                                                            context, graph, replica, 2, 10_000)))
                    .isInstanceOf(JepaException.class)
                    .hasMessageContaining("more than the broadcastLimit")
                    .hasMessageContaining("train an adapter (loraRank), or raise it");
        }
        assertThat(folder.resolve("out")).doesNotExist();
    }
}
