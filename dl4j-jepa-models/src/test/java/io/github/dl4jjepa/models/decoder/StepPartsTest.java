package io.github.dl4jjepa.models.decoder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.dl4jjepa.core.iterator.MultiViewBatch;
import io.github.dl4jjepa.core.objective.CrossBatchStep;
import io.github.dl4jjepa.core.objective.DistanceKind;
import io.github.dl4jjepa.core.objective.InfoNce;
import io.github.dl4jjepa.core.objective.JepaObjective;
import io.github.dl4jjepa.core.objective.Losses;
import io.github.dl4jjepa.core.objective.RegularizerKind;
import io.github.dl4jjepa.core.objective.StepRequest;
import io.github.dl4jjepa.core.objective.TargetMode;
import io.github.dl4jjepa.core.objective.TrainingGraph;
import io.github.dl4jjepa.core.view.LanguageModelLayout;
import io.github.dl4jjepa.core.view.TokenizedExample;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Parts of a step, computed apart with the totals of the whole, in double precision. */
class StepPartsTest {
    private static final StepRequest.Weights WEIGHTS = new StepRequest.Weights(0.7, 0.5);
    private static final TokenizedExample[] FOUR = DecoderGradientTest.FOUR;

    static Stream<Arguments> objectives() {
        Stream<Arguments> distances =
                Stream.of(DistanceKind.values())
                        .map(
                                kind ->
                                        Arguments.of(
                                                kind.toString(),
                                                DecoderGradientTest.with(kind.of(0.2))));
        return Stream.concat(
                distances,
                Stream.of(
                        Arguments.of(
                                "regularizers",
                                JepaObjective.builder()
                                        .optRegularizer(RegularizerKind.SIGREG.regularizer(), 0.1)
                                        .optRegularizer(RegularizerKind.VICREG.regularizer(), 0.2)),
                        Arguments.of(
                                "an averaged target",
                                DecoderGradientTest.with(InfoNce.symmetric(0.2))
                                        .optTarget(TargetMode.EMA)),
                        Arguments.of(
                                "a target without gradient",
                                DecoderGradientTest.with(InfoNce.oneWay(0.2))
                                        .optTarget(TargetMode.STOP_GRADIENT))));
    }

    /** Micro-batches of three examples and of one: halves with unlike numbers of labels. */
    private static List<List<MultiViewBatch>> halves(JepaObjective objective) {
        return List.of(
                List.of(batch(objective, FOUR[0]), batch(objective, FOUR[1], FOUR[2])),
                List.of(batch(objective, FOUR[3])));
    }

    private static MultiViewBatch batch(JepaObjective objective, TokenizedExample... examples) {
        return objective.distance().readsViews()
                ? DecoderGradientTest.batch(examples)
                : MultiViewBatch.of(List.of(examples), new LanguageModelLayout(), 0);
    }

    private static final class Sum implements BiConsumer<String, INDArray> {
        private final Map<String, INDArray> gradients = new LinkedHashMap<>();

        @Override
        public void accept(String name, INDArray gradient) {
            gradients.merge(name, gradient.dup(), INDArray::addi);
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("objectives")
    void theGradientsOfTwoHalvesAddUpToTheStepsGradient(
            String name, JepaObjective.Builder builder) {
        JepaObjective objective = builder.build();
        List<List<MultiViewBatch>> halves = halves(objective);
        List<MultiViewBatch> all = halves.stream().flatMap(List::stream).toList();
        try (TrainingGraph graph =
                new TrainingGraph(DecoderGradientTest.inDouble("llama"), objective)) {
            Sum whole = new Sum();
            Losses expected =
                    graph.accumulate(
                            graph.wholeStep(all, WEIGHTS, DecoderGradientTest.STEP), whole);

            StepRequest.Totals totals =
                    graph.totals(halves.get(0)).plus(graph.totals(halves.get(1)));
            List<StepRequest> parts =
                    halves.stream()
                            .map(
                                    half ->
                                            new StepRequest(
                                                    half,
                                                    WEIGHTS,
                                                    totals,
                                                    DecoderGradientTest.STEP))
                            .toList();
            Sum apart = new Sum();
            Losses losses =
                    graph.crossBatchStep().isPresent()
                            ? inPhases(graph.crossBatchStep().get(), parts, apart)
                            : graph.accumulate(parts.get(0), apart)
                                    .plus(graph.accumulate(parts.get(1), apart));

            DecoderGradientTest.assertSame(apart.gradients, whole.gradients);
            assertThat(losses.total(WEIGHTS)).isCloseTo(expected.total(WEIGHTS), within(1e-12));
            assertThat(losses.labels()).isEqualTo(expected.labels());
            assertThat(losses.pairs()).isEqualTo(expected.pairs()).isEqualTo(4);
        }
    }

    private static Losses inPhases(
            CrossBatchStep step, List<StepRequest> parts, BiConsumer<String, INDArray> gradients) {
        List<CrossBatchStep.PairEmbeddings> embeddings = parts.stream().map(step::embed).toList();
        try (CrossBatchStep.PairGradients pairs =
                step.compare(embeddings, DecoderGradientTest.STEP)) {
            Losses sum = new Losses(0, 0, pairs.sum(), 0);
            // The second part first: the parts of a phase may run in any order.
            for (int i = parts.size() - 1; i >= 0; i--) {
                sum = sum.plus(step.backward(parts.get(i), pairs.parts().get(i), gradients));
            }
            return sum;
        } finally {
            embeddings.forEach(CrossBatchStep.PairEmbeddings::close);
        }
    }

    @Test
    void refusesAPartOfAStepWhosePairsAreComparedWithOthers() {
        JepaObjective objective = DecoderGradientTest.with(InfoNce.symmetric(0.2)).build();
        List<MultiViewBatch> half = halves(objective).get(0);
        try (TrainingGraph graph =
                new TrainingGraph(DecoderGradientTest.inDouble("llama"), objective)) {
            StepRequest part =
                    new StepRequest(
                            half,
                            WEIGHTS,
                            graph.totals(half).plus(new StepRequest.Totals(3, 1)),
                            DecoderGradientTest.STEP);
            assertThatThrownBy(() -> graph.accumulate(part, new Sum()))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("1 of the step's are not in this part")
                    .hasMessageContaining("crossBatchStep()");
        }
    }

    @Test
    void refusesTotalsThatAreLessThanThePartHas() {
        JepaObjective objective = JepaObjective.cosine(1);
        List<MultiViewBatch> half = halves(objective).get(0);
        try (TrainingGraph graph =
                new TrainingGraph(DecoderGradientTest.inDouble("llama"), objective)) {
            StepRequest part =
                    new StepRequest(
                            half, WEIGHTS, new StepRequest.Totals(1, 1), DecoderGradientTest.STEP);
            assertThatThrownBy(() -> graph.accumulate(part, new Sum()))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("more than the whole step's");
        }
    }
}
