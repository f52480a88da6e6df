package io.github.dl4jjepa.examples.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.dl4jjepa.core.objective.Calibration;
import io.github.dl4jjepa.core.objective.InfoNce;
import io.github.dl4jjepa.core.objective.JepaObjective;
import io.github.dl4jjepa.core.objective.RegularizerKind;
import io.github.dl4jjepa.core.objective.TargetMode;
import io.github.dl4jjepa.core.training.StepMetrics;
import io.github.dl4jjepa.core.training.TrainerListener;
import io.github.dl4jjepa.core.training.TrainingOptions;
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
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What a run leaves.
 *
 * @param numbers loss, lambda and norm of the gradient of each step
 * @param weights by name
 */
record TrainedRun(List<Double> numbers, Map<String, float[]> weights) {
    static final int STEPS = 3;

    /** Objectives, and what is trained under them. */
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

    /** A run of three steps of four micro-batches. */
    static FineTuning.Builder builder(Kind kind, Path model, Path train, Path output) {
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
                                .optMaxSteps(STEPS)
                                .optGradientAccumulationSteps(4)
                                .optLearningRate(1e-3)
                                .build());
    }

    /** Trains. */
    static TrainedRun of(FineTuning.Builder builder, Path output) {
        List<Double> numbers = new ArrayList<>();
        builder.optListener(
                        new TrainerListener() {
                            @Override
                            public void onStep(StepMetrics metrics) {
                                numbers.add(metrics.losses().total());
                                numbers.add(metrics.lambda());
                                numbers.add(metrics.gradientNorm());
                            }
                        })
                .build()
                .run();
        return new TrainedRun(numbers, weights(output));
    }

    /** The weights in a folder. */
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
        assertThat(weights).isNotEmpty();
        return weights;
    }

    /** Asserts that numbers and weights differ by a millionth at most. */
    void assertCloseTo(TrainedRun expected) {
        assertThat(numbers).hasSameSizeAs(expected.numbers);
        for (int i = 0; i < numbers.size(); i++) {
            double value = expected.numbers.get(i);
            assertThat(numbers.get(i)).isCloseTo(value, within(1e-6 * Math.abs(value)));
        }
        assertClose(weights, expected.weights);
    }

    /** Asserts that the norms of differences are at most a millionth of the weights'. */
    static void assertClose(Map<String, float[]> actual, Map<String, float[]> expected) {
        assertThat(actual.keySet()).isEqualTo(expected.keySet());
        expected.forEach(
                (name, values) ->
                        assertThat(distance(actual.get(name), values)).as(name).isLessThan(1e-6));
    }

    private static double distance(float[] actual, float[] expected) {
        double difference = 0;
        double norm = 0;
        for (int i = 0; i < expected.length; i++) {
            difference += Math.pow((double) actual[i] - expected[i], 2);
            norm += Math.pow(expected[i], 2);
        }
        return Math.sqrt(difference / Math.max(norm, Double.MIN_NORMAL));
    }

    /** Asserts that numbers and weights are the same to the last bit. */
    void assertIs(TrainedRun expected) {
        assertThat(numbers).isEqualTo(expected.numbers);
        assertSame(weights, expected.weights);
    }

    /** Asserts that weights are the same to the last bit. */
    static void assertSame(Map<String, float[]> actual, Map<String, float[]> expected) {
        assertThat(actual.keySet()).isEqualTo(expected.keySet());
        expected.forEach((name, values) -> assertThat(actual.get(name)).as(name).isEqualTo(values));
    }
}
