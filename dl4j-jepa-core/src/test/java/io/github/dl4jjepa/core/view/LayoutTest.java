package io.github.dl4jjepa.core.view;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.Row.Readout.Side;
import io.github.dl4jjepa.core.view.ViewOptions.Direction;
import io.github.dl4jjepa.core.view.ViewOptions.Pooling;
import io.github.dl4jjepa.core.view.ViewOptions.PredictorPlacement;
import io.github.dl4jjepa.core.view.ViewOptions.TextView;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class LayoutTest {
    /** System 1 2, Text 11 12, template 8, Code 21 22 23, end 9. */
    private static final int[] CONVERSATION = {1, 2, 11, 12, 8, 21, 22, 23, 9};

    private final TokenizedExample example =
            new TokenizedExample(
                    "train.jsonl:3",
                    CONVERSATION,
                    new TokenSpan(5, 9),
                    List.of(
                            TokenizedView.inRow(CONVERSATION, new TokenSpan(2, 4)),
                            TokenizedView.inRow(CONVERSATION, new TokenSpan(5, 8))));

    private final TokenizedExample chain =
            new TokenizedExample(
                    "chain",
                    new int[] {1, 5},
                    new TokenSpan(1, 2),
                    List.of(
                            TokenizedView.alone(3),
                            TokenizedView.alone(4, 6),
                            TokenizedView.alone(5, 7, 8)));

    private static ViewOptions.Builder options(int... predictorIds) {
        return ViewOptions.builder().optPredictorIds(predictorIds);
    }

    private static void assertRow(Row row, int[] ids, int[] positions, int[] segments) {
        assertThat(row.ids()).containsExactly(ids);
        assertThat(row.positions()).containsExactly(positions);
        assertThat(row.segments()).containsExactly(segments);
    }

    private static Row only(List<Row> rows) {
        assertThat(rows).hasSize(1);
        return rows.get(0);
    }

    @Test
    void theConversationIsTrainedToProduceItsLabels() {
        Row row = only(new LanguageModelLayout().rows(example));
        assertRow(row, CONVERSATION, IntStream.range(0, 9).toArray(), new int[9]);
        assertThat(row.prefixes()).containsOnly(0);
        assertThat(row.targets()).containsExactly(-1, -1, -1, -1, 21, 22, 23, 9, -1);
        assertThat(row.readouts()).isEmpty();
    }

    @ParameterizedTest
    @EnumSource
    void everyLayoutTrainsTheSameLabels(LayoutKind layout) {
        Row first = layout.of(ViewOptions.predictors(90)).rows(example).get(0);
        int[] targets = IntStream.of(first.targets()).limit(9).toArray();
        assertThat(targets).containsExactly(-1, -1, -1, -1, 21, 22, 23, 9, -1);
        assertThat(first.targets()).hasSameSizeAs(first.ids());
        assertThat(IntStream.of(first.targets()).skip(9)).allMatch(target -> target == -1);
    }

    @Test
    void separateReadsTextInItsContextAndCodeAlone() {
        List<Row> rows = new SeparateLayout(ViewOptions.predictors(90)).rows(example);
        assertThat(rows).hasSize(3);
        assertRow(rows.get(1), new int[] {1, 2, 11, 12, 90}, new int[] {0, 1, 2, 3, 4}, new int[5]);
        assertThat(rows.get(1).readouts())
                .containsExactly(new Row.Readout(0, Side.PREDICTION, List.of(4)));
        assertRow(rows.get(2), new int[] {21, 22, 23}, new int[] {0, 1, 2}, new int[3]);
        assertThat(rows.get(2).readouts())
                .containsExactly(new Row.Readout(0, Side.TARGET, List.of(2)));
        assertThat(rows).allSatisfy(row -> assertThat(row.prefixes()).isEqualTo(row.segments()));
    }

    @Test
    void separateReadsTextInTheConversationWhereNoPredictorFollowsIt() {
        List<Row> rows = new SeparateLayout(ViewOptions.predictors()).rows(example);
        assertThat(rows).hasSize(2);
        assertRow(rows.get(0), CONVERSATION, IntStream.range(0, 9).toArray(), new int[9]);
        assertThat(rows.get(0).readouts())
                .containsExactly(new Row.Readout(0, Side.PREDICTION, List.of(3)));
        assertThat(rows.get(1).ids()).containsExactly(21, 22, 23);
    }

    @Test
    void separateReadsTextInTheConversationWhereTheTokenAfterItIsThePredictor() {
        List<Row> rows = new SeparateLayout(ViewOptions.predictors(8)).rows(example);
        assertThat(rows).hasSize(2);
        assertThat(rows.get(0).readouts())
                .containsExactly(new Row.Readout(0, Side.PREDICTION, List.of(4)));
    }

    @Test
    void separateReadsTextAloneWhereAskedTo() {
        ViewOptions alone = options(90, 91).optTextView(TextView.ALONE).build();
        Row text = new SeparateLayout(alone).rows(example).get(1);
        assertRow(text, new int[] {11, 12, 90, 91}, new int[] {0, 1, 2, 3}, new int[4]);
    }

    @Test
    void blockPutsBothViewsIntoTheSecondRow() {
        List<Row> rows = new BlockLayout(ViewOptions.predictors(90)).rows(example);
        assertThat(rows).hasSize(2);
        assertRow(
                rows.get(1),
                new int[] {1, 2, 11, 12, 90, 21, 22, 23},
                new int[] {0, 1, 2, 3, 4, 0, 1, 2},
                new int[] {0, 0, 0, 0, 0, 1, 1, 1});
        assertThat(rows.get(1).prefixes()).isEqualTo(rows.get(1).segments());
        assertThat(rows.get(1).readouts())
                .containsExactly(
                        new Row.Readout(0, Side.PREDICTION, List.of(4)),
                        new Row.Readout(0, Side.TARGET, List.of(7)));
    }

    @Test
    void sharedPrefixContinuesTheConversationWithThePredictors() {
        Row row = only(new SharedPrefixLayout(ViewOptions.predictors(90, 91)).rows(example));
        assertRow(
                row,
                new int[] {1, 2, 11, 12, 8, 21, 22, 23, 9, 90, 91, 21, 22, 23},
                new int[] {0, 1, 2, 3, 4, 5, 6, 7, 8, 4, 5, 0, 1, 2},
                new int[] {0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 3, 3, 3});
        assertThat(row.prefixes()).containsExactly(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 3, 3);
        assertThat(row.readouts())
                .containsExactly(
                        new Row.Readout(0, Side.PREDICTION, List.of(10)),
                        new Row.Readout(0, Side.TARGET, List.of(13)));
    }

    @Test
    void sharedPrefixAddsCodeOnlyWhereThereIsNoPredictor() {
        Row row = only(new SharedPrefixLayout(ViewOptions.predictors()).rows(example));
        assertThat(row.ids()).containsExactly(1, 2, 11, 12, 8, 21, 22, 23, 9, 21, 22, 23);
        assertThat(row.segments()).containsExactly(0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1);
        assertThat(row.prefixes()).isEqualTo(row.segments());
        assertThat(row.readouts())
                .containsExactly(
                        new Row.Readout(0, Side.PREDICTION, List.of(3)),
                        new Row.Readout(0, Side.TARGET, List.of(11)));
    }

    @Test
    void sharedPrefixGivesATextSeenAloneASegment() {
        ViewOptions alone = options(90).optTextView(TextView.ALONE).build();
        Row row = only(new SharedPrefixLayout(alone).rows(example));
        assertThat(row.ids())
                .containsExactly(1, 2, 11, 12, 8, 21, 22, 23, 9, 11, 12, 90, 21, 22, 23);
        assertThat(row.positions()).containsExactly(0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 1, 2, 0, 1, 2);
        assertThat(row.prefixes()).isEqualTo(row.segments());
    }

    @Test
    void predictorsBeforeTextComeAfterItsContext() {
        ViewOptions before = options(90).optPlacement(PredictorPlacement.BEFORE).build();
        Row row = only(new SharedPrefixLayout(before).rows(example));
        assertRow(
                row,
                new int[] {1, 2, 11, 12, 8, 21, 22, 23, 9, 90, 11, 12, 21, 22, 23},
                new int[] {0, 1, 2, 3, 4, 5, 6, 7, 8, 2, 3, 4, 0, 1, 2},
                new int[] {0, 0, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 3, 3, 3});
        assertThat(row.readouts().get(0))
                .isEqualTo(new Row.Readout(0, Side.PREDICTION, List.of(11)));
    }

    @Test
    void inReverseCodePredictsTextWithinTheConversation() {
        ViewOptions reverse = options(90).optDirection(Direction.REVERSE).build();
        Row row = only(new SharedPrefixLayout(reverse).rows(example));
        assertThat(row.ids()).containsExactly(1, 2, 11, 12, 8, 21, 22, 23, 9, 21, 22, 23, 90);
        assertThat(row.readouts())
                .containsExactly(
                        new Row.Readout(0, Side.TARGET, List.of(3)),
                        new Row.Readout(0, Side.PREDICTION, List.of(12)));
    }

    @Test
    void poolingLeavesTheContextOutAndTakesThePredictorsIn() {
        ViewOptions mean = options(90).optPooling(Pooling.MEAN).build();
        Row row = only(new SharedPrefixLayout(mean).rows(example));
        assertThat(row.readouts())
                .containsExactly(
                        new Row.Readout(0, Side.PREDICTION, List.of(2, 3, 9)),
                        new Row.Readout(0, Side.TARGET, List.of(10, 11, 12)));
    }

    @Test
    void aViewInTheMiddleOfAChainIsEncodedOnce() {
        List<Row> rows = new SeparateLayout(ViewOptions.predictors(90)).rows(chain);
        assertThat(rows.stream().map(row -> row.ids().length)).containsExactly(2, 2, 3, 3);
        assertThat(rows.get(2).ids()).containsExactly(4, 6, 90);
        assertThat(rows.get(2).readouts())
                .containsExactly(
                        new Row.Readout(1, Side.PREDICTION, List.of(2)),
                        new Row.Readout(0, Side.TARGET, List.of(1)));
    }

    @Test
    void predictorsBeforeAViewInTheMiddleMakeItTwo() {
        ViewOptions before = options(90).optPlacement(PredictorPlacement.BEFORE).build();
        List<Row> rows = new SeparateLayout(before).rows(chain);
        assertThat(rows.stream().map(row -> row.ids().length)).containsExactly(2, 2, 3, 2, 3);
        assertThat(rows.get(2).ids()).containsExactly(90, 4, 6);
        assertThat(rows.get(3).ids()).containsExactly(4, 6);
    }

    @ParameterizedTest
    @EnumSource
    void refusesAnExampleWithFewerThanTwoViews(LayoutKind layout) {
        TokenizedExample poor =
                new TokenizedExample(
                        "train.jsonl:7",
                        CONVERSATION,
                        new TokenSpan(5, 9),
                        List.of(TokenizedView.alone(4)));
        assertThatThrownBy(() -> layout.of(ViewOptions.predictors(90)).rows(poor))
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("train.jsonl:7")
                .hasMessageContaining("two views");
    }

    @Test
    void refusesTooManyPredictorsAndNegativeIds() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ViewOptions.predictors(new int[11]))
                .withMessageContaining("choose 0 to 10");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ViewOptions.predictors(90, -1))
                .withMessageContaining("negative");
    }

    @Test
    void refusesAViewThatTheConversationDoesNotHave() {
        assertThatIllegalArgumentException()
                .isThrownBy(
                        () ->
                                new TokenizedExample(
                                        "x",
                                        CONVERSATION,
                                        new TokenSpan(5, 9),
                                        List.of(
                                                new TokenizedView(
                                                        new int[] {11, 13}, new TokenSpan(2, 4)))));
        assertThatIllegalArgumentException().isThrownBy(() -> TokenizedView.alone());
    }

    /** What a token sees, by position: the rule of {@link Row}, applied without knowing layouts. */
    private static List<Integer> seen(Row row, int index) {
        Map<Integer, Integer> byPosition = new TreeMap<>();
        for (int key = 0; key < row.ids().length; key++) {
            boolean visible =
                    row.segments()[key] == row.segments()[index]
                            || row.segments()[key] == row.prefixes()[index];
            if (visible && row.positions()[key] <= row.positions()[index]) {
                assertThat(byPosition.put(row.positions()[key], row.ids()[key]))
                        .as("two tokens at one position")
                        .isNull();
            }
        }
        assertThat(byPosition.keySet())
                .containsExactlyElementsOf(
                        IntStream.rangeClosed(0, row.positions()[index]).boxed().toList());
        return List.copyOf(byPosition.values());
    }

    /** Each readout's name and what the hidden states behind it see. */
    private static Map<String, List<List<Integer>>> readouts(List<Row> rows) {
        Map<String, List<List<Integer>>> readouts = new TreeMap<>();
        for (Row row : rows) {
            for (Row.Readout readout : row.readouts()) {
                readouts.put(
                        readout.pair() + " " + readout.side(),
                        readout.indices().stream().map(index -> seen(row, index)).toList());
            }
        }
        return readouts;
    }

    private static Stream<ViewOptions> everyOption() {
        Stream.Builder<ViewOptions> all = Stream.builder();
        for (int[] predictors : new int[][] {{}, {90}, {90, 91, 92}, {90, 90}}) {
            for (PredictorPlacement placement : PredictorPlacement.values()) {
                for (Direction direction : Direction.values()) {
                    for (TextView textView : TextView.values()) {
                        for (Pooling pooling : Pooling.values()) {
                            all.add(
                                    options(predictors)
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
        return all.build();
    }

    private static TokenizedExample random(Random random) {
        int context = random.nextInt(4);
        int text = 1 + random.nextInt(4);
        int between = random.nextInt(3);
        int code = 1 + random.nextInt(4);
        int[] ids = IntStream.range(1, context + text + between + code + 2).toArray();
        int start = context + text + between;
        if (start == 0 || random.nextInt(3) == 0) {
            return new TokenizedExample(
                    "random",
                    ids,
                    new TokenSpan(Math.max(1, start), ids.length),
                    List.of(
                            TokenizedView.alone(31, 32),
                            TokenizedView.alone(33),
                            TokenizedView.alone(34, 35, 36)));
        }
        return new TokenizedExample(
                "random",
                ids,
                new TokenSpan(start, ids.length),
                List.of(
                        TokenizedView.inRow(ids, new TokenSpan(context, context + text)),
                        TokenizedView.inRow(ids, new TokenSpan(start, start + code))));
    }

    @Test
    void inEveryLayoutReadoutsSeeTheSameTokens() {
        Random random = new Random(5);
        for (int i = 0; i < 100; i++) {
            TokenizedExample drawn = random(random);
            everyOption()
                    .forEach(
                            options -> {
                                List<Row> separate = new SeparateLayout(options).rows(drawn);
                                assertThat(readouts(separate))
                                        .hasSize(2 * (drawn.views().size() - 1));
                                for (LayoutKind layout : LayoutKind.values()) {
                                    List<Row> rows = layout.of(options).rows(drawn);
                                    assertThat(readouts(rows))
                                            .as(layout + " " + options)
                                            .isEqualTo(readouts(separate));
                                    assertConversationSeesItselfOnly(rows.get(0), drawn);
                                }
                            });
        }
    }

    private static void assertConversationSeesItselfOnly(Row row, TokenizedExample example) {
        for (int i = 0; i < example.ids().length; i++) {
            assertThat(seen(row, i))
                    .containsExactlyElementsOf(
                            IntStream.of(example.ids()).limit(i + 1L).boxed().toList());
        }
    }

    @Test
    void readoutsSeeWhatTheMethodSays() {
        ViewOptions options = options(90, 91).build();
        for (LayoutKind layout : LayoutKind.values()) {
            Map<String, List<List<Integer>>> readouts = readouts(layout.of(options).rows(example));
            assertThat(readouts.get("0 PREDICTION")).containsExactly(List.of(1, 2, 11, 12, 90, 91));
            assertThat(readouts.get("0 TARGET")).containsExactly(List.of(21, 22, 23));
        }
    }

    @Test
    void countsAsManyTokensAsTheDocumentationSays() {
        List<Integer> tokens = new ArrayList<>();
        for (LayoutKind layout : LayoutKind.values()) {
            tokens.add(
                    layout.of(ViewOptions.predictors(90)).rows(example).stream()
                            .mapToInt(row -> row.ids().length)
                            .sum());
        }
        assertThat(tokens).containsExactly(9 + 5 + 3, 9 + 8, 9 + 1 + 3);
    }
}
