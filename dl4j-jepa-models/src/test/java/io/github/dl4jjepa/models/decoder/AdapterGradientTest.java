package io.github.dl4jjepa.models.decoder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.dl4jjepa.core.iterator.MultiViewBatch;
import io.github.dl4jjepa.core.objective.JepaObjective;
import io.github.dl4jjepa.core.objective.StepRequest;
import io.github.dl4jjepa.core.objective.TargetMode;
import io.github.dl4jjepa.core.objective.TrainingGraph;
import io.github.dl4jjepa.core.parameters.Parameter;
import io.github.dl4jjepa.models.lora.Lora;
import io.github.dl4jjepa.models.lora.LoraOptions;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Adapters under the whole objective, in double precision. */
class AdapterGradientTest {
    private static final List<Integer> NEW = List.of(298, 299);

    /** An adapter whose matrices are all far from zero. */
    static TransformerDecoder adapted(String model, LoraOptions options) {
        TransformerDecoder decoder =
                Lora.attach(DecoderGradientTest.inDouble(model), options, NEW, 3);
        org.nd4j.linalg.api.rng.Random random = Nd4j.getRandomFactory().getNewRandomInstance(7);
        for (Parameter parameter : decoder.parameters().trainable()) {
            INDArray array = parameter.array();
            array.addi(Nd4j.randn(0, 0.2, array.shape(), random).castTo(array.dataType()));
        }
        return decoder;
    }

    private static MultiViewBatch batch() {
        return DecoderGradientTest.batch(
                DecoderGradientTest.example(new int[] {7, 9, 7, 11}, 20, 21),
                DecoderGradientTest.example(new int[] {30}, 9));
    }

    @ParameterizedTest
    @MethodSource("io.github.dl4jjepa.models.Fixtures#families")
    void gradientsOfEveryAdapterMatrixAgreeWithFiniteDifferences(String model) {
        TransformerDecoder decoder =
                adapted(model, LoraOptions.builder().optRank(3).optAlpha(4).build());
        try (TrainingGraph graph = new TrainingGraph(decoder, JepaObjective.cosine(1))) {
            assertGradients(decoder, graph);
            Set<String> trained = decoder.parameters().trainable().names();
            assertThat(trained).hasSizeGreaterThan(2 * decoder.config().linearMaps().size());
            SameDiff gradients = graph.graph().getFunction("grad");
            assertThat(trained)
                    .allSatisfy(
                            name ->
                                    assertThat(gradients.getVariable(name).getGradient())
                                            .as(name)
                                            .isNotNull());
            assertThat(decoder.parameters().frozen().names())
                    .isEqualTo(decoder.config().parameterShapes().keySet())
                    .allSatisfy(
                            name ->
                                    assertThat(gradients.getVariable(name).getGradient())
                                            .as(name)
                                            .isNull());
        }
    }

    @Test
    void noOperatorComputesTheGradientOfAFrozenMatrix() {
        TransformerDecoder decoder = adapted("llama", LoraOptions.builder().optRank(2).build());
        try (TrainingGraph graph = new TrainingGraph(decoder, JepaObjective.cosine(1))) {
            SameDiff gradients = graph.graph().getFunction("grad");
            for (SameDiffOp operator : gradients.getOps().values()) {
                if (operator.getOp().opName().equals("matmul_bp")) {
                    assertThat(operator.getInputsToOp())
                            .doesNotContainAnyElementsOf(decoder.parameters().frozen().names());
                }
            }
        }
    }

    @Test
    void gradientsUnderDropoutAgreeWithFiniteDifferences() {
        TransformerDecoder decoder =
                adapted("llama", LoraOptions.builder().optRank(3).optDropout(0.3).build());
        try (TrainingGraph graph = new TrainingGraph(decoder, JepaObjective.cosine(1))) {
            assertGradients(decoder, graph);
        }
    }

    /** Compares the derivative along a random direction of each matrix. */
    private static void assertGradients(TransformerDecoder decoder, TrainingGraph graph) {
        double step = 1e-5;
        StepRequest.Weights weights = new StepRequest.Weights(0.7, 1.3);
        Map<String, INDArray> gradients = DecoderGradientTest.gradients(graph, weights, batch());
        org.nd4j.linalg.api.rng.Random random = Nd4j.getRandomFactory().getNewRandomInstance(11);
        for (Parameter parameter : decoder.parameters().trainable()) {
            INDArray array = parameter.array();
            INDArray before = array.dup();
            INDArray direction = Nd4j.randn(0, 1, array.shape(), random).castTo(array.dataType());
            direction.divi(direction.norm2Number());
            array.assign(before.add(direction.mul(step)));
            double above = total(graph, weights);
            array.assign(before.sub(direction.mul(step)));
            double below = total(graph, weights);
            array.assign(before);
            INDArray gradient = gradients.get(parameter.name());
            double norm = gradient.norm2Number().doubleValue();
            assertThat(norm).as(parameter.name()).isGreaterThan(1e-4);
            assertThat(gradient.mul(direction).sumNumber().doubleValue() / norm)
                    .as(parameter.name())
                    .isCloseTo((above - below) / (2 * step) / norm, within(1e-6));
        }
    }

    private static double total(TrainingGraph graph, StepRequest.Weights weights) {
        return graph.accumulate(
                        graph.wholeStep(List.of(batch()), weights, DecoderGradientTest.STEP),
                        (name, gradient) -> {})
                .total(weights);
    }

    @Test
    void dropoutIsDecidedByTheSeedAndTheStepAndIsOffInEvaluation() {
        TransformerDecoder plain = adapted("llama", LoraOptions.builder().optRank(3).build());
        TransformerDecoder dropping =
                adapted("llama", LoraOptions.builder().optRank(3).optDropout(0.3).build());
        MultiViewBatch batch = batch();
        try (TrainingGraph expected = new TrainingGraph(plain, JepaObjective.cosine(1));
                TrainingGraph graph = new TrainingGraph(dropping, JepaObjective.cosine(1))) {
            double first = loss(graph, batch, new StepRequest.Seed(1, 1));
            assertThat(loss(graph, batch, new StepRequest.Seed(1, 2))).isNotEqualTo(first);
            assertThat(loss(graph, batch, new StepRequest.Seed(2, 1))).isNotEqualTo(first);
            assertThat(loss(graph, batch, new StepRequest.Seed(1, 1))).isEqualTo(first);
            assertThat(graph.evaluate(batch).languageModelSum())
                    .isCloseTo(expected.evaluate(batch).languageModelSum(), within(1e-12));
        }
    }

    private static double loss(TrainingGraph graph, MultiViewBatch batch, StepRequest.Seed seed) {
        return graph.accumulate(
                        graph.wholeStep(List.of(batch), new StepRequest.Weights(1, 0.5), seed),
                        (name, gradient) -> {})
                .languageModelSum();
    }

    @Test
    void masksKeepTheirShareAndTheirScale() {
        TransformerDecoder decoder =
                adapted("llama", LoraOptions.builder().optRank(3).optDropout(0.25).build())
                        .forTraining();
        Map<String, INDArray> masks = decoder.dropoutMasks(500, new Random(5));
        INDArray mask = masks.get("dropout_masks.48");
        assertThat(mask.meanNumber().doubleValue()).isCloseTo(1, within(0.02));
        assertThat(mask.maxNumber().doubleValue()).isCloseTo(1 / 0.75, within(1e-6));
        int[][] order = masks.get("dropout_order").toIntMatrix();
        assertThat(order).hasDimensions(14, 500);
        assertThat(order[0]).isNotEqualTo(order[1]).doesNotHaveDuplicates();
    }

    @Test
    void gradientCheckpointingChangesNoGradientUnderDropout() {
        TransformerDecoder decoder =
                adapted("llama", LoraOptions.builder().optRank(3).optDropout(0.3).build());
        StepRequest.Weights weights = new StepRequest.Weights(0.3, 0.7);
        try (TrainingGraph graph = new TrainingGraph(decoder, JepaObjective.cosine(1));
                TrainingGraph checkpointing =
                        new TrainingGraph(decoder, JepaObjective.cosine(1), null, true)) {
            DecoderGradientTest.assertSame(
                    DecoderGradientTest.gradients(checkpointing, weights, batch()),
                    DecoderGradientTest.gradients(graph, weights, batch()));
        }
    }

    @Test
    void gradientsOfMicroBatchesUnderDropoutDoNotDependOnTheirOrder() {
        TransformerDecoder decoder =
                adapted("llama", LoraOptions.builder().optRank(3).optDropout(0.3).build());
        MultiViewBatch one = DecoderGradientTest.batch(DecoderGradientTest.FOUR[0]);
        MultiViewBatch two = DecoderGradientTest.batch(DecoderGradientTest.FOUR[2]);
        StepRequest.Weights weights = new StepRequest.Weights(0.3, 0.7);
        try (TrainingGraph graph = new TrainingGraph(decoder, JepaObjective.cosine(1))) {
            DecoderGradientTest.assertSame(
                    DecoderGradientTest.gradients(graph, weights, one, two),
                    DecoderGradientTest.gradients(graph, weights, two, one));
        }
    }

    @Test
    void anAverageHoldsCopiesOfTheAdapterAlone() {
        TransformerDecoder decoder = adapted("llama", LoraOptions.builder().optRank(2).build());
        JepaObjective objective = JepaObjective.builder().optTarget(TargetMode.EMA).build();
        try (TrainingGraph graph = new TrainingGraph(decoder, objective)) {
            assertThat(graph.state().keySet())
                    .containsExactlyElementsOf(
                            decoder.parameters().trainable().names().stream()
                                    .map(name -> name + ".ema")
                                    .toList());
            assertThat(
                            DecoderGradientTest.gradients(
                                            graph, new StepRequest.Weights(1, 0.5), batch())
                                    .keySet())
                    .isEqualTo(decoder.parameters().trainable().names());
        }
    }
}
