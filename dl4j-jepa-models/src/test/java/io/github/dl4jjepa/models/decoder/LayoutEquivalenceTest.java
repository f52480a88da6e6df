package io.github.dl4jjepa.models.decoder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.dl4jjepa.core.iterator.MultiViewBatch;
import io.github.dl4jjepa.core.objective.JepaObjective;
import io.github.dl4jjepa.core.objective.Losses;
import io.github.dl4jjepa.core.objective.StepRequest;
import io.github.dl4jjepa.core.objective.TrainingGraph;
import io.github.dl4jjepa.core.view.LayoutKind;
import io.github.dl4jjepa.core.view.TokenSpan;
import io.github.dl4jjepa.core.view.TokenizedExample;
import io.github.dl4jjepa.core.view.TokenizedView;
import io.github.dl4jjepa.core.view.ViewOptions;
import io.github.dl4jjepa.core.view.ViewOptions.Direction;
import io.github.dl4jjepa.core.view.ViewOptions.Pooling;
import io.github.dl4jjepa.core.view.ViewOptions.PredictorPlacement;
import io.github.dl4jjepa.core.view.ViewOptions.TextView;
import io.github.dl4jjepa.models.decoder.DecoderConfig.Attention;
import io.github.dl4jjepa.models.decoder.DecoderConfig.FeedForward;
import io.github.dl4jjepa.models.decoder.DecoderConfig.Head;
import io.github.dl4jjepa.models.decoder.DecoderConfig.Norm;
import io.github.dl4jjepa.models.decoder.DecoderConfig.NormKind;
import io.github.dl4jjepa.models.decoder.DecoderConfig.NormPlacement;
import io.github.dl4jjepa.models.decoder.DecoderConfig.Projection;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The layouts give the same losses and the same gradient of every parameter, whatever is compared
 * and however the decoder knows positions.
 */
class LayoutEquivalenceTest {
    private static final int VOCABULARY = 60;
    private static final int PAD = 0;

    /** Toy models of three kinds. */
    enum Model {
        LLAMA(new RotaryEmbedding(10000, new RotaryEmbedding.Plain()), 0),
        WINDOW(new RotaryEmbedding(10000, new RotaryEmbedding.Plain()), 4),
        LEARNED_POSITIONS(new PositionEmbedding.Learned(), 0);

        private final PositionEmbedding positions;
        private final int slidingWindow;

        Model(PositionEmbedding positions, int slidingWindow) {
            this.positions = positions;
            this.slidingWindow = slidingWindow;
        }

        TransformerDecoder decoder(DataType dataType) {
            DecoderConfig config =
                    DecoderConfig.builder()
                            .setVocabularySize(VOCABULARY)
                            .setHiddenSize(16)
                            .setLayers(2)
                            .setAttention(Attention.llama(4, 2, 4, false, 2, slidingWindow))
                            .setFeedForward(
                                    new FeedForward(
                                            List.of(24),
                                            DecoderConfig.HiddenActivation.SILU,
                                            true,
                                            Projection.SEPARATE,
                                            false))
                            .setNorm(new Norm(NormKind.RMS, 1e-5, NormPlacement.BEFORE))
                            .setHead(Head.plain(true))
                            .setPositions(positions)
                            .setNames(TensorNames.LLAMA)
                            .setMaxPositions(32)
                            .optInitializerRange(0.3)
                            .build();
            Map<String, INDArray> parameters = new LinkedHashMap<>();
            TransformerDecoder.random(config, 3)
                    .parameters()
                    .arrays()
                    .forEach((name, value) -> parameters.put(name, value.castTo(dataType)));
            return new TransformerDecoder(config, parameters);
        }
    }

    /** Rows of 11, 18 and 5 tokens; the last has views of a single token. */
    private static final List<TokenizedExample> EXAMPLES =
            List.of(
                    conversation(new int[] {3, 4, 5}, new int[] {10, 11, 12}, 20, 21, 22, 23),
                    conversation(
                            new int[] {3, 4, 5, 6, 7},
                            new int[] {13, 14, 15, 16, 17, 18, 10},
                            24,
                            25,
                            26,
                            20,
                            21),
                    conversation(new int[] {3}, new int[] {19}, 27));

    private static TokenizedExample conversation(int[] context, int[] text, int... code) {
        IntStream.Builder ids = IntStream.builder();
        Arrays.stream(context).forEach(ids);
        Arrays.stream(text).forEach(ids);
        ids.add(8);
        Arrays.stream(code).forEach(ids);
        ids.add(2);
        int[] row = ids.build().toArray();
        int textEnd = context.length + text.length;
        return new TokenizedExample(
                "test",
                row,
                new TokenSpan(textEnd + 1, row.length),
                List.of(
                        TokenizedView.inRow(row, new TokenSpan(context.length, textEnd)),
                        TokenizedView.inRow(row, new TokenSpan(textEnd + 1, row.length - 1))));
    }

    private static TokenizedExample chain(int[]... views) {
        return new TokenizedExample(
                "test",
                new int[] {3, 4, 30, 2},
                new TokenSpan(2, 4),
                Arrays.stream(views).map(TokenizedView::alone).toList());
    }

    private static List<ViewOptions> everyOption() {
        List<ViewOptions> all = new ArrayList<>();
        for (int[] predictors : new int[][] {{}, {8}, {50}, {50, 51}, {50, 51, 52, 53}, {50, 50}}) {
            for (PredictorPlacement placement : PredictorPlacement.values()) {
                for (Direction direction : Direction.values()) {
                    for (TextView textView : TextView.values()) {
                        for (Pooling pooling : Pooling.values()) {
                            all.add(
                                    ViewOptions.builder()
                                            .optPredictorIds(predictors)
                                            .optPlacement(placement)
                                            .optDirection(direction)
                                            .optTextView(textView)
                                            .optPooling(pooling)
                                            .build());
                        }
                    }
                }
            }
        }
        return all;
    }

    private record Result(Losses losses, Map<String, INDArray> gradients) {}

    private static Result run(
            TrainingGraph graph,
            List<TokenizedExample> examples,
            LayoutKind layout,
            ViewOptions options) {
        MultiViewBatch batch = MultiViewBatch.of(examples, layout.of(options), PAD);
        Map<String, INDArray> gradients = new LinkedHashMap<>();
        Losses losses =
                graph.accumulate(
                        graph.wholeStep(
                                List.of(batch),
                                new StepRequest.Weights(1, 2),
                                new StepRequest.Seed(0, 1)),
                        (name, gradient) -> gradients.put(name, gradient.dup()));
        return new Result(losses, gradients);
    }

    private static void assertAllEqual(
            Model model,
            DataType dataType,
            List<TokenizedExample> examples,
            List<ViewOptions> options,
            double tolerance) {
        try (TrainingGraph graph =
                new TrainingGraph(model.decoder(dataType), JepaObjective.cosine(2))) {
            for (ViewOptions option : options) {
                Result separate = run(graph, examples, LayoutKind.SEPARATE, option);
                assertThat(separate.losses.jepa()).isGreaterThan(1e-3);
                for (LayoutKind layout : List.of(LayoutKind.BLOCK, LayoutKind.SHARED_PREFIX)) {
                    assertEqual(
                            layout + " " + option,
                            run(graph, examples, layout, option),
                            separate,
                            tolerance);
                }
            }
        }
    }

    private static void assertEqual(String what, Result ours, Result separate, double tolerance) {
        assertThat(ours.losses.languageModelSum())
                .as(what)
                .isCloseTo(
                        separate.losses.languageModelSum(),
                        within(tolerance * separate.losses.languageModelSum()));
        assertThat(ours.losses.jepaSum())
                .as(what)
                .isCloseTo(
                        separate.losses.jepaSum(), within(tolerance * separate.losses.jepaSum()));
        separate.gradients.forEach(
                (name, gradient) ->
                        assertThat(ours.gradients.get(name).distance2(gradient))
                                .as(what + " " + name)
                                .isLessThan(tolerance * gradient.norm2Number().doubleValue()));
    }

    @ParameterizedTest
    @EnumSource
    void layoutsAgreeInDoublePrecision(Model model) {
        assertAllEqual(model, DataType.DOUBLE, EXAMPLES, everyOption(), 1e-9);
    }

    @ParameterizedTest
    @EnumSource
    void layoutsAgreeInSinglePrecision(Model model) {
        List<ViewOptions> predictors =
                List.of(
                        ViewOptions.predictors(),
                        ViewOptions.predictors(50),
                        ViewOptions.predictors(50, 51),
                        ViewOptions.predictors(50, 51, 52, 53));
        assertAllEqual(model, DataType.FLOAT, EXAMPLES, predictors, 1e-4);
    }

    @ParameterizedTest
    @EnumSource
    void layoutsAgreeOnChainsOfViews(Model model) {
        List<TokenizedExample> chains =
                List.of(
                        chain(new int[] {10, 11, 12}, new int[] {20, 21}, new int[] {22}),
                        chain(new int[] {13}, new int[] {23, 24, 25, 26}, new int[] {14, 15}));
        assertAllEqual(model, DataType.DOUBLE, chains, everyOption(), 1e-9);
    }

    /** What stands elsewhere in the batch's memory must not matter in the last bit. */
    @ParameterizedTest
    @EnumSource
    void noSegmentSeesAnother(Model model) {
        TokenizedExample example = EXAMPLES.get(1);
        int[] code = example.views().get(1).ids().clone();
        code[2] = 40;
        TokenizedExample otherCode =
                new TokenizedExample(
                        "test",
                        example.ids(),
                        example.labels(),
                        List.of(example.views().get(0), TokenizedView.alone(code)));
        try (TrainingGraph graph =
                new TrainingGraph(model.decoder(DataType.FLOAT), JepaObjective.cosine(1))) {
            for (LayoutKind layout : LayoutKind.values()) {
                for (TextView textView : TextView.values()) {
                    ViewOptions options =
                            ViewOptions.builder()
                                    .optPredictorIds(50, 51)
                                    .optTextView(textView)
                                    .build();
                    Hidden before = new Hidden(graph, example, layout, options);
                    Hidden after = new Hidden(graph, otherCode, layout, options);
                    assertThat(after.labeled()).isEqualTo(before.labeled());
                    assertThat(after.prediction()).isEqualTo(before.prediction());
                    assertThat(after.target()).isNotEqualTo(before.target());
                    Hidden otherPredictors =
                            new Hidden(
                                    graph,
                                    example,
                                    layout,
                                    ViewOptions.builder()
                                            .optPredictorIds(50, 53)
                                            .optTextView(textView)
                                            .build());
                    assertThat(otherPredictors.labeled()).isEqualTo(before.labeled());
                    assertThat(otherPredictors.target()).isEqualTo(before.target());
                    assertThat(otherPredictors.prediction()).isNotEqualTo(before.prediction());
                }
            }
        }
    }

    /** The [PRED] tokens must not see the answer that follows Text in the same row. */
    @ParameterizedTest
    @EnumSource
    void predictionsDoNotSeeTheAnswer(Model model) {
        TokenizedExample example = EXAMPLES.get(1);
        int[] ids = example.ids().clone();
        ids[ids.length - 3] = 40;
        TokenizedExample otherAnswer =
                new TokenizedExample(
                        "test",
                        ids,
                        example.labels(),
                        List.of(
                                example.views().get(0),
                                TokenizedView.alone(example.views().get(1).ids())));
        try (TrainingGraph graph =
                new TrainingGraph(model.decoder(DataType.FLOAT), JepaObjective.cosine(1))) {
            ViewOptions options = ViewOptions.predictors(50);
            Hidden before = new Hidden(graph, example, LayoutKind.SHARED_PREFIX, options);
            Hidden after = new Hidden(graph, otherAnswer, LayoutKind.SHARED_PREFIX, options);
            assertThat(after.prediction()).isEqualTo(before.prediction());
            assertThat(after.target()).isEqualTo(before.target());
            assertThat(after.labeled()).isNotEqualTo(before.labeled());
        }
    }

    /** Hidden states of an example, as bits. */
    private static final class Hidden {
        private final MultiViewBatch batch;
        private final INDArray states;

        Hidden(
                TrainingGraph graph,
                TokenizedExample example,
                LayoutKind layout,
                ViewOptions options) {
            batch = MultiViewBatch.of(List.of(example), layout.of(options), PAD);
            Map<String, INDArray> inputs =
                    Map.of(
                            "input_ids", batch.inputIds(),
                            "position_ids", batch.positionIds(),
                            "segment_ids", batch.segmentIds(),
                            "prefix_ids", batch.prefixIds());
            states = graph.graph().outputSingle(inputs, TrainingGraph.HIDDEN_STATES);
        }

        private List<float[]> at(INDArray indices) {
            return Arrays.stream(indices.ravel().toIntVector())
                    .mapToObj(index -> states.getRow(index).toFloatVector())
                    .toList();
        }

        private List<String> bits(INDArray indices) {
            return at(indices).stream().map(Arrays::toString).toList();
        }

        List<String> labeled() {
            return bits(batch.labelIndices());
        }

        List<String> prediction() {
            return bits(batch.predictionIndices());
        }

        List<String> target() {
            return bits(batch.targetIndices());
        }
    }
}
