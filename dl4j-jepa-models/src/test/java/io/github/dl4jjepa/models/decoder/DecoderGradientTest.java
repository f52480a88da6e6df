package io.github.dl4jjepa.models.decoder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.dl4jjepa.core.internal.samediff.FiniteDifferences;
import io.github.dl4jjepa.core.iterator.MultiViewBatch;
import io.github.dl4jjepa.core.objective.Distance;
import io.github.dl4jjepa.core.objective.DistanceKind;
import io.github.dl4jjepa.core.objective.InfoNce;
import io.github.dl4jjepa.core.objective.JepaObjective;
import io.github.dl4jjepa.core.objective.LinearPredictor;
import io.github.dl4jjepa.core.objective.Losses;
import io.github.dl4jjepa.core.objective.RegularizerKind;
import io.github.dl4jjepa.core.objective.StepRequest;
import io.github.dl4jjepa.core.objective.TargetMode;
import io.github.dl4jjepa.core.objective.TrainingGraph;
import io.github.dl4jjepa.core.view.SharedPrefixLayout;
import io.github.dl4jjepa.core.view.TokenSpan;
import io.github.dl4jjepa.core.view.TokenizedExample;
import io.github.dl4jjepa.core.view.TokenizedView;
import io.github.dl4jjepa.core.view.ViewOptions;
import io.github.dl4jjepa.models.Fixtures;
import io.github.dl4jjepa.models.huggingface.CheckpointFolder;
import io.github.dl4jjepa.models.huggingface.DecoderLoader;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** The decoder under the whole objective, in double precision. */
class DecoderGradientTest {
    private static final SharedPrefixLayout LAYOUT =
            new SharedPrefixLayout(ViewOptions.predictors(298, 299));

    static final StepRequest.Seed STEP = new StepRequest.Seed(0, 1);

    static TransformerDecoder inDouble(String model) {
        TransformerDecoder decoder =
                DecoderLoader.load(CheckpointFolder.open(Fixtures.model(model)));
        Map<String, INDArray> parameters = new LinkedHashMap<>();
        decoder.parameters()
                .arrays()
                .forEach((name, value) -> parameters.put(name, value.castTo(DataType.DOUBLE)));
        return new TransformerDecoder(decoder.config(), parameters);
    }

    static MultiViewBatch batch(TokenizedExample... examples) {
        return MultiViewBatch.of(List.of(examples), LAYOUT, 0);
    }

    static TokenizedExample example(int[] text, int... code) {
        int[] ids = new int[text.length + code.length + 1];
        System.arraycopy(text, 0, ids, 0, text.length);
        System.arraycopy(code, 0, ids, text.length, code.length);
        ids[ids.length - 1] = 2;
        return new TokenizedExample(
                "test",
                ids,
                new TokenSpan(text.length, ids.length),
                List.of(
                        TokenizedView.inRow(ids, new TokenSpan(0, text.length)),
                        TokenizedView.inRow(ids, new TokenSpan(text.length, ids.length - 1))));
    }

    private static Map<String, INDArray> placeholders(MultiViewBatch batch) {
        Map<String, INDArray> placeholders =
                new HashMap<>(
                        Map.of(
                                "input_ids", batch.inputIds(),
                                "position_ids", batch.positionIds(),
                                "segment_ids", batch.segmentIds(),
                                "prefix_ids", batch.prefixIds(),
                                "label_indices", batch.labelIndices(),
                                "label_ids", batch.labelIds(),
                                "prediction_indices", batch.predictionIndices(),
                                "target_indices", batch.targetIndices()));
        placeholders.put("answer_ids", batch.answerIds());
        placeholders.put("lm_weight", Nd4j.scalar(0.7));
        placeholders.put("jepa_weight", Nd4j.scalar(1.3));
        return placeholders;
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama", "llama-untied", "mistral"})
    void gradientsOfEveryParameterAgreeWithFiniteDifferences(String model) {
        TransformerDecoder decoder = inDouble(model);
        MultiViewBatch batch =
                batch(example(new int[] {7, 9, 7, 11}, 20, 21), example(new int[] {30}, 9));
        try (TrainingGraph graph = new TrainingGraph(decoder, JepaObjective.cosine(1))) {
            FiniteDifferences.assertGradients(graph.graph(), "loss", placeholders(batch), 1e-6);
        }
    }

    @Test
    void gradientsWithALinearPredictorAgreeWithFiniteDifferences() {
        LinearPredictor predictor = new LinearPredictor(48, DataType.DOUBLE);
        predictor
                .parameters()
                .forEach(weight -> weight.array().addi(Nd4j.randn(weight.array().shape())));
        MultiViewBatch batch = batch(example(new int[] {7, 9, 7, 11}, 20, 21));
        try (TrainingGraph graph =
                new TrainingGraph(inDouble("llama"), JepaObjective.cosine(1), predictor, false)) {
            assertThat(graph.graph().hasVariable("linear_predictor.weight")).isTrue();
            FiniteDifferences.assertGradients(graph.graph(), "loss", placeholders(batch), 1e-6);
        }
    }

    @Test
    void aLinearPredictorBeginsAsNone() {
        TransformerDecoder decoder = inDouble("llama");
        MultiViewBatch batch = batch(example(new int[] {7, 9, 7, 11}, 20, 21));
        LinearPredictor predictor = new LinearPredictor(48, DataType.DOUBLE);
        try (TrainingGraph plain = new TrainingGraph(decoder, JepaObjective.cosine(1));
                TrainingGraph linear =
                        new TrainingGraph(decoder, JepaObjective.cosine(1), predictor, false)) {
            assertThat(linear.evaluate(batch).jepaSum())
                    .isCloseTo(plain.evaluate(batch).jepaSum(), within(1e-12));
            assertThat(linear.flops(List.of(batch), true) - plain.flops(List.of(batch), true))
                    .isEqualTo(3 * 2.0 * 48 * 48);
        }
    }

    @Test
    void lossesAgreeWithTransformersInDoublePrecision() throws Exception {
        JsonNode golden =
                new ObjectMapper()
                        .readTree(Fixtures.model("llama").resolve("golden.json").toFile());
        assertThat(golden.path("predictor_ids").toString()).isEqualTo("[298,299]");
        Losses losses = goldenLosses(inDouble("llama"));
        JsonNode expected = golden.path("losses_float64");
        assertThat(losses.languageModel()).isCloseTo(expected.path("lm").asDouble(), within(1e-12));
        assertThat(losses.jepa()).isCloseTo(expected.path("cosine_k2").asDouble(), within(1e-12));
    }

    /**
     * The golden batch by way of our own layout: rows, views and readouts are those of the
     * reference.
     */
    private static Losses goldenLosses(TransformerDecoder decoder) {
        var golden =
                io.github.dl4jjepa.models.safetensors.SafetensorsCheckpoint.open(
                        Fixtures.model("llama").resolve("golden.safetensors"));
        int[][] text = golden.read("text_ids").toIntMatrix();
        int[][] textMask = golden.read("text_mask").toIntMatrix();
        int[][] code = golden.read("code_ids").toIntMatrix();
        int[][] codeMask = golden.read("code_mask").toIntMatrix();
        TokenizedExample[] examples = new TokenizedExample[text.length];
        for (int i = 0; i < examples.length; i++) {
            examples[i] = example(real(text[i], textMask[i]), real(code[i], codeMask[i]));
        }
        try (TrainingGraph graph = new TrainingGraph(decoder, JepaObjective.cosine(1))) {
            return graph.evaluate(batch(examples));
        }
    }

    private static int[] real(int[] ids, int[] mask) {
        return java.util.Arrays.copyOf(ids, java.util.Arrays.stream(mask).sum());
    }

    static Stream<Arguments> objectives() {
        return Stream.of(
                Arguments.of("cosine", JepaObjective.builder()),
                Arguments.of(
                        "centered cosine",
                        with(DistanceKind.CENTERED_COSINE.of(InfoNce.DEFAULT_TEMPERATURE))),
                Arguments.of("InfoNCE", with(InfoNce.symmetric(0.07))),
                Arguments.of("centered InfoNCE", with(InfoNce.centered(0.1))),
                Arguments.of(
                        "regularizers",
                        JepaObjective.builder()
                                .optRegularizer(RegularizerKind.SIGREG.regularizer(), 0.1)
                                .optRegularizer(RegularizerKind.VICREG.regularizer(), 0.2)),
                Arguments.of(
                        "stop-gradient",
                        with(InfoNce.oneWay(0.2)).optTarget(TargetMode.STOP_GRADIENT)),
                Arguments.of("an average", with(InfoNce.symmetric(0.2)).optTarget(TargetMode.EMA)));
    }

    static JepaObjective.Builder with(Distance distance) {
        return JepaObjective.builder().optDistance(distance);
    }

    static final TokenizedExample[] FOUR = {
        example(new int[] {7, 9, 7, 11, 40, 41}, 20, 21, 22, 23),
        example(new int[] {30}, 9),
        example(new int[] {50, 51, 52}, 60, 61),
        example(new int[] {33, 34}, 9)
    };

    static Map<String, INDArray> gradients(
            TrainingGraph graph, StepRequest.Weights weights, MultiViewBatch... batches) {
        Map<String, INDArray> sum = new LinkedHashMap<>();
        graph.accumulate(
                graph.wholeStep(List.of(batches), weights, STEP),
                (name, gradient) ->
                        sum.merge(name, gradient.dup(), (before, added) -> before.addi(added)));
        return sum;
    }

    static void assertSame(Map<String, INDArray> actual, Map<String, INDArray> expected) {
        assertThat(actual.keySet()).isEqualTo(expected.keySet());
        expected.forEach(
                (name, gradient) ->
                        assertThat(gradient.distance2(actual.get(name)))
                                .as(name)
                                .isLessThan(
                                        1e-12 * Math.max(1, gradient.norm2Number().doubleValue())));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("objectives")
    void gradientsOfFourMicroBatchesAreThoseOfTheLargeBatch(
            String name, JepaObjective.Builder objective) {
        try (TrainingGraph graph = new TrainingGraph(inDouble("llama"), objective.build())) {
            StepRequest.Weights weights = new StepRequest.Weights(1, 0.5);
            assertSame(
                    gradients(
                            graph,
                            weights,
                            batch(FOUR[0]),
                            batch(FOUR[1]),
                            batch(FOUR[2]),
                            batch(FOUR[3])),
                    gradients(graph, weights, batch(FOUR)));
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("objectives")
    void theGradientIsLinearInLambda(String name, JepaObjective.Builder objective) {
        try (TrainingGraph graph = new TrainingGraph(inDouble("llama"), objective.build())) {
            Map<String, INDArray> none =
                    gradients(graph, new StepRequest.Weights(1, 0), batch(FOUR));
            Map<String, INDArray> once =
                    gradients(graph, new StepRequest.Weights(1, 0.5), batch(FOUR));
            Map<String, INDArray> twice =
                    gradients(graph, new StepRequest.Weights(1, 1), batch(FOUR));
            double largest = 0;
            for (String parameter : none.keySet()) {
                INDArray half = once.get(parameter).sub(none.get(parameter));
                INDArray whole = twice.get(parameter).sub(none.get(parameter));
                assertThat(whole.distance2(half.mul(2)))
                        .as(parameter)
                        .isLessThan(1e-12 * Math.max(1, whole.norm2Number().doubleValue()));
                largest = Math.max(largest, whole.amaxNumber().doubleValue());
            }
            assertThat(largest).isGreaterThan(1e-3);
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = TargetMode.class,
            names = {"STOP_GRADIENT", "EMA"})
    void aTargetWithoutGradientLeavesItsTokensUntouched(TargetMode target) {
        int onlyInTarget = 61;
        MultiViewBatch batch = batch(FOUR[2], FOUR[1]);
        StepRequest.Weights jepaOnly = new StepRequest.Weights(0, 1);
        try (TrainingGraph through = new TrainingGraph(untied(), JepaObjective.builder().build());
                TrainingGraph stopped =
                        new TrainingGraph(
                                untied(), JepaObjective.builder().optTarget(target).build())) {
            INDArray with = gradients(through, jepaOnly, batch).get(TensorNames.LLAMA.embedding());
            INDArray without =
                    gradients(stopped, jepaOnly, batch).get(TensorNames.LLAMA.embedding());
            assertThat(with.getRow(onlyInTarget).norm2Number().doubleValue()).isGreaterThan(1e-4);
            assertThat(without.getRow(onlyInTarget).norm2Number().doubleValue()).isZero();
            assertThat(without.getRow(50).norm2Number().doubleValue()).isGreaterThan(1e-4);
        }
    }

    private static TransformerDecoder untied() {
        return inDouble("llama-untied");
    }

    @Test
    void anAverageFollowsTheModel() {
        TransformerDecoder decoder = inDouble("llama");
        JepaObjective objective =
                JepaObjective.builder().optTarget(TargetMode.EMA).optEmaDecay(0.75).build();
        String name = "model.norm.weight";
        INDArray weight = decoder.parameters().array(name);
        try (TrainingGraph graph = new TrainingGraph(decoder, objective)) {
            INDArray average = graph.state().get(name + ".ema");
            INDArray before = weight.dup();
            assertThat(average).isEqualTo(before).isNotSameAs(weight);
            weight.addi(4);
            assertThat(average).isEqualTo(before);
            graph.parametersUpdated();
            assertThat(average).isEqualTo(before.add(1));
        }
    }

    @Test
    void viewsAreSeenAloneBitForBit() {
        TransformerDecoder decoder =
                DecoderLoader.load(CheckpointFolder.open(Fixtures.model("llama")));
        TokenizedExample before = example(new int[] {7, 9, 7, 11}, 20, 21, 22);
        TokenizedExample after =
                new TokenizedExample(
                        "test",
                        before.ids(),
                        before.labels(),
                        List.of(before.views().get(0), TokenizedView.alone(20, 99, 22)));
        try (TrainingGraph graph = new TrainingGraph(decoder, JepaObjective.cosine(1))) {
            Losses first = graph.evaluate(batch(before));
            Losses second = graph.evaluate(batch(after));
            assertThat(second.languageModelSum()).isEqualTo(first.languageModelSum());
            assertThat(second.jepaSum()).isNotEqualTo(first.jepaSum());
        }
    }

    @Test
    void paddingChangesNothingBeyondRounding() {
        TransformerDecoder decoder = inDouble("llama");
        TokenizedExample small = example(new int[] {30, 31}, 9);
        TokenizedExample large = example(new int[] {7, 9, 7, 11, 40, 41, 42, 43}, 20, 21, 22, 23);
        try (TrainingGraph graph = new TrainingGraph(decoder, JepaObjective.cosine(1))) {
            Losses apart = graph.evaluate(batch(small)).plus(graph.evaluate(batch(large)));
            Losses together = graph.evaluate(batch(small, large));
            assertThat(together.languageModelSum())
                    .isCloseTo(apart.languageModelSum(), within(1e-12));
            assertThat(together.jepaSum()).isCloseTo(apart.jepaSum(), within(1e-12));
        }
    }

    @Test
    void gradientCheckpointingChangesNoGradient() {
        TransformerDecoder decoder = inDouble("llama");
        MultiViewBatch batch =
                batch(example(new int[] {7, 9, 7, 11}, 20, 21), example(new int[] {30}, 9));
        Map<String, INDArray> kept = zeros(decoder);
        Map<String, INDArray> recomputed = zeros(decoder);
        try (TrainingGraph graph = new TrainingGraph(decoder, JepaObjective.cosine(1));
                TrainingGraph checkpointing =
                        new TrainingGraph(decoder, JepaObjective.cosine(1), null, true)) {
            // Twice: recorded, then replayed.
            for (int round = 0; round < 2; round++) {
                Losses expected =
                        graph.accumulate(
                                graph.wholeStep(
                                        List.of(batch), new StepRequest.Weights(0.3, 0.7), STEP),
                                (name, value) -> kept.get(name).assign(value));
                Losses losses =
                        checkpointing.accumulate(
                                graph.wholeStep(
                                        List.of(batch), new StepRequest.Weights(0.3, 0.7), STEP),
                                (name, value) -> recomputed.get(name).assign(value));
                assertThat(losses.languageModelSum())
                        .isCloseTo(expected.languageModelSum(), within(1e-12));
                assertThat(losses.jepaSum()).isEqualTo(expected.jepaSum());
                kept.forEach(
                        (name, gradient) ->
                                assertThat(gradient.distance2(recomputed.get(name)))
                                        .as(name)
                                        .isLessThan(1e-12 * gradient.norm2Number().doubleValue()));
            }
        }
    }

    private static Map<String, INDArray> zeros(TransformerDecoder decoder) {
        Map<String, INDArray> zeros = new LinkedHashMap<>();
        decoder.parameters()
                .arrays()
                .forEach((name, value) -> zeros.put(name, value.ulike().assign(0)));
        return zeros;
    }
}
