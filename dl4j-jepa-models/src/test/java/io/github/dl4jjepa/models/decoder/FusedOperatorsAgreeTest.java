package io.github.dl4jjepa.models.decoder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.dl4jjepa.core.internal.samediff.Graphs;
import io.github.dl4jjepa.core.iterator.MultiViewBatch;
import io.github.dl4jjepa.core.objective.JepaObjective;
import io.github.dl4jjepa.core.objective.Losses;
import io.github.dl4jjepa.core.objective.StepRequest;
import io.github.dl4jjepa.core.objective.TrainingGraph;
import io.github.dl4jjepa.core.view.LayoutKind;
import io.github.dl4jjepa.core.view.SharedPrefixLayout;
import io.github.dl4jjepa.core.view.ViewLayout;
import io.github.dl4jjepa.core.view.ViewOptions;
import io.github.dl4jjepa.models.Fixtures;
import io.github.dl4jjepa.models.huggingface.CheckpointFolder;
import io.github.dl4jjepa.models.huggingface.DecoderLoader;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Fused operators and SameDiff's own give the same losses and gradients, to float32's rounding. */
class FusedOperatorsAgreeTest {
    /** Of a loss, and of the norm of a parameter's gradient. */
    private static final double TOLERANCE = 3e-6;

    /** With [PRED] tokens that every fixture's vocabulary has. */
    private static final SharedPrefixLayout LAYOUT =
            new SharedPrefixLayout(ViewOptions.predictors(250, 251));

    private static final StepRequest.Weights WEIGHTS = new StepRequest.Weights(1, 0.5);

    private static TransformerDecoder decoder(String model) {
        return DecoderLoader.load(CheckpointFolder.open(Fixtures.model(model)));
    }

    private record Result(Losses losses, Map<String, INDArray> gradients) {}

    private static Result run(TransformerDecoder decoder, boolean checkpointing) {
        return run(decoder, checkpointing, LAYOUT);
    }

    private static Result run(
            TransformerDecoder decoder, boolean checkpointing, ViewLayout layout) {
        MultiViewBatch batch = MultiViewBatch.of(List.of(DecoderGradientTest.FOUR), layout, 0);
        try (TrainingGraph graph =
                new TrainingGraph(decoder, JepaObjective.cosine(1), null, checkpointing)) {
            Map<String, INDArray> gradients = new LinkedHashMap<>();
            Losses losses = null;
            // Recorded, then replayed.
            for (int round = 0; round < 2; round++) {
                losses =
                        graph.accumulate(
                                graph.wholeStep(List.of(batch), WEIGHTS, DecoderGradientTest.STEP),
                                (name, gradient) -> gradients.put(name, gradient.dup()));
            }
            return new Result(losses, gradients);
        }
    }

    private static Result runStock(TransformerDecoder decoder, boolean checkpointing) {
        return runStock(decoder, checkpointing, LAYOUT);
    }

    private static Result runStock(
            TransformerDecoder decoder, boolean checkpointing, ViewLayout layout) {
        System.setProperty(Graphs.FUSED_OPERATORS, "false");
        try {
            return run(decoder, checkpointing, layout);
        } finally {
            System.clearProperty(Graphs.FUSED_OPERATORS);
        }
    }

    private static void assertAgree(Result fused, Result stock) {
        assertThat(fused.losses.languageModelSum())
                .isCloseTo(
                        stock.losses.languageModelSum(),
                        within(TOLERANCE * stock.losses.languageModelSum()));
        assertThat(fused.losses.jepaSum())
                .isCloseTo(stock.losses.jepaSum(), within(TOLERANCE * stock.losses.jepaSum()));
        assertThat(fused.gradients).containsOnlyKeys(stock.gradients.keySet());
        stock.gradients.forEach(
                (name, gradient) ->
                        assertThat(
                                        fused.gradients.get(name).distance2(gradient)
                                                / gradient.norm2Number().doubleValue())
                                .as(name)
                                .isLessThan(TOLERANCE));
    }

    @ParameterizedTest
    @MethodSource("io.github.dl4jjepa.models.Fixtures#familiesAndPartialLongRope")
    void inEveryFamily(String model) {
        TransformerDecoder decoder = decoder(model);
        assertAgree(run(decoder, false), runStock(decoder, false));
    }

    /** What follows two rows of unlike length, four tokens after their beginnings. */
    private static INDArray decoded(TransformerDecoder decoder) {
        try (CachedDecoder cached = new CachedDecoder(decoder, 2, 40)) {
            cached.read(0, List.of(new int[] {5, 9, 7, 30, 11, 8, 6, 41, 12}, new int[] {17, 3}));
            for (int step = 0; step < 4; step++) {
                cached.next(new int[] {20 + step, 50 - step});
            }
            return Nd4j.createFromArray(new float[][] {cached.logits(0), cached.logits(1)});
        }
    }

    @ParameterizedTest
    @MethodSource("io.github.dl4jjepa.models.Fixtures#familiesAndPartialLongRope")
    void inDecodingTokenByToken(String model) {
        TransformerDecoder decoder = decoder(model);
        INDArray fused = decoded(decoder);
        System.setProperty(Graphs.FUSED_OPERATORS, "false");
        try {
            INDArray stock = decoded(decoder);
            assertThat(fused.distance2(stock) / stock.norm2Number().doubleValue())
                    .isLessThan(TOLERANCE);
        } finally {
            System.clearProperty(Graphs.FUSED_OPERATORS);
        }
    }

    @ParameterizedTest
    @EnumSource(LayoutKind.class)
    void inEveryLayout(LayoutKind kind) {
        // Mistral has an attention window.
        TransformerDecoder decoder = decoder("mistral");
        ViewLayout layout = kind.of(ViewOptions.predictors(250, 251));
        assertAgree(run(decoder, false, layout), runStock(decoder, false, layout));
    }

    @ParameterizedTest
    @CsvSource({"llama, norm", "gpt2, ln_", "gemma, norm", "llama, embed_tokens"})
    void whereParametersAreFrozen(String model, String part) {
        TransformerDecoder decoder =
                decoder(model).freeze(parameter -> parameter.name().contains(part));
        Result fused = run(decoder, false);
        assertThat(fused.gradients.keySet()).noneMatch(name -> name.contains(part));
        assertAgree(fused, runStock(decoder, false));
    }

    @Test
    void withGradientCheckpointing() {
        TransformerDecoder decoder = decoder("llama");
        assertAgree(run(decoder, true), runStock(decoder, true));
    }

    @Test
    void resultsAreTheSameBitsWhateverTheNumberOfThreads() {
        TransformerDecoder decoder = decoder("gemma2");
        int threads = Nd4j.factory().blas().getMaxThreads();
        Result one;
        Result three;
        try {
            Nd4j.factory().blas().setMaxThreads(1);
            one = run(decoder, false);
            Nd4j.factory().blas().setMaxThreads(3);
            three = run(decoder, false);
        } finally {
            Nd4j.factory().blas().setMaxThreads(threads);
        }
        assertThat(three.losses).isEqualTo(one.losses);
        one.gradients.forEach(
                (name, gradient) ->
                        assertThat(three.gradients.get(name).data().asFloat())
                                .as(name)
                                .containsExactly(gradient.data().asFloat()));
    }

    /** What users see, save and train by SameDiff has no operator that SameDiff cannot run. */
    @Test
    void theGraphThatUsersSeeHasSameDiffsOperatorsOnly() throws IOException {
        try (TrainingGraph graph = new TrainingGraph(decoder("llama"), JepaObjective.cosine(1))) {
            SameDiff shown = graph.graph();
            assertThat(Graphs.isForExecutor(shown)).isFalse();
            assertThat(shown.getOps().values())
                    .extracting(operator -> operator.getOp().opName())
                    .noneMatch(name -> name.startsWith("dl4j_jepa"));
            assertThat(SameDiff.fromFlatBuffers(shown.asFlatBuffers(true)).getOps())
                    .hasSameSizeAs(shown.getOps());
        }
    }
}
