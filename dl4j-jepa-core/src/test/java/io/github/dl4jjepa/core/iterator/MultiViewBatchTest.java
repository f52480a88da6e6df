package io.github.dl4jjepa.core.iterator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.github.dl4jjepa.core.view.LanguageModelLayout;
import io.github.dl4jjepa.core.view.Row;
import io.github.dl4jjepa.core.view.Row.Readout.Side;
import io.github.dl4jjepa.core.view.SeparateLayout;
import io.github.dl4jjepa.core.view.SharedPrefixLayout;
import io.github.dl4jjepa.core.view.TokenSpan;
import io.github.dl4jjepa.core.view.TokenizedExample;
import io.github.dl4jjepa.core.view.TokenizedView;
import io.github.dl4jjepa.core.view.ViewLayout;
import io.github.dl4jjepa.core.view.ViewOptions;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;

class MultiViewBatchTest {
    private static final int PAD = 7;
    private static final int P = MultiViewBatch.PADDING_SEGMENT;

    private final TokenizedExample first =
            new TokenizedExample(
                    "a:1",
                    new int[] {1, 11, 21, 2},
                    new TokenSpan(2, 4),
                    List.of(TokenizedView.alone(11), TokenizedView.alone(21)));
    private final TokenizedExample second =
            new TokenizedExample(
                    "a:2",
                    new int[] {1, 12, 13, 22, 2},
                    new TokenSpan(3, 5),
                    List.of(TokenizedView.alone(12, 13), TokenizedView.alone(22)));

    /** Six rows of five tokens: example by example, the conversation, Text, Code. */
    private final MultiViewBatch batch =
            MultiViewBatch.of(
                    List.of(first, second), new SeparateLayout(ViewOptions.predictors(90)), PAD);

    @Test
    void padsOnTheRightToTheLongestRow() {
        assertThat(batch.inputIds().toIntMatrix())
                .isDeepEqualTo(
                        new int[][] {
                            {1, 11, 21, 2, PAD},
                            {11, 90, PAD, PAD, PAD},
                            {21, PAD, PAD, PAD, PAD},
                            {1, 12, 13, 22, 2},
                            {12, 13, 90, PAD, PAD},
                            {22, PAD, PAD, PAD, PAD}
                        });
    }

    @Test
    void paddingHasPositionZeroAndNoSegment() {
        assertThat(batch.positionIds().toIntMatrix())
                .isDeepEqualTo(
                        new int[][] {
                            {0, 1, 2, 3, 0},
                            {0, 1, 0, 0, 0},
                            {0, 0, 0, 0, 0},
                            {0, 1, 2, 3, 4},
                            {0, 1, 2, 0, 0},
                            {0, 0, 0, 0, 0}
                        });
        assertThat(batch.segmentIds().toIntMatrix())
                .isDeepEqualTo(
                        new int[][] {
                            {0, 0, 0, 0, P},
                            {0, 0, P, P, P},
                            {0, P, P, P, P},
                            {0, 0, 0, 0, 0},
                            {0, 0, 0, P, P},
                            {0, P, P, P, P}
                        });
    }

    @Test
    void withoutPrefixesATokensPrefixIsItsOwnSegment() {
        assertThat(batch.prefixIds()).isEqualTo(batch.segmentIds());
    }

    @Test
    void tokensOfASegmentThatContinuesAnotherNameItAsTheirPrefix() {
        MultiViewBatch shared =
                MultiViewBatch.of(
                        List.of(first, inRow(2, 3)),
                        new SharedPrefixLayout(ViewOptions.predictors(90)),
                        PAD);

        assertThat(shared.inputIds().getRow(1).toIntVector())
                .containsExactly(1, 12, 13, 22, 2, 90, 22);
        assertThat(shared.segmentIds().getRow(1).toIntVector())
                .containsExactly(0, 0, 0, 1, 1, 2, 3);
        assertThat(shared.prefixIds().getRow(1).toIntVector()).containsExactly(0, 0, 0, 0, 0, 0, 3);
        assertThat(shared.positionIds().getRow(1).toIntVector())
                .containsExactly(0, 1, 2, 3, 4, 3, 0);
    }

    /** The second example, whose Text ends with a token of the conversation. */
    private TokenizedExample inRow(int start, int end) {
        return new TokenizedExample(
                "a:3",
                second.ids(),
                second.labels(),
                List.of(
                        TokenizedView.inRow(second.ids(), new TokenSpan(start, end)),
                        TokenizedView.inRow(second.ids(), new TokenSpan(3, 4))));
    }

    @Test
    void readoutsOfUnequalLengthAreFilledUp() {
        ViewOptions mean = ViewOptions.builder().optPooling(ViewOptions.Pooling.MEAN).build();

        MultiViewBatch pooled =
                MultiViewBatch.of(List.of(first, second), new SeparateLayout(mean), PAD);

        assertThat(pooled.predictionIndices().toIntMatrix())
                .isDeepEqualTo(new int[][] {{5, MultiViewBatch.NO_INDEX}, {20, 21}});
        assertThat(pooled.targetIndices().toIntMatrix()).isDeepEqualTo(new int[][] {{10}, {25}});
        assertThat(pooled.pairs()).isEqualTo(2);
    }

    @Test
    void givesThePositionsOfRealTokens() {
        assertThat(batch.positions())
                .containsExactly(0, 1, 2, 3, 0, 1, 0, 0, 1, 2, 3, 4, 0, 1, 2, 0);
        assertThat(batch.paddedTokens()).isEqualTo(6 * 5);
    }

    @Test
    void labelsPointAtTheHiddenStateBeforeEachLabeledToken() {
        assertThat(batch.labelIndices().toIntVector()).containsExactly(1, 2, 15 + 2, 15 + 3);
        assertThat(batch.labelIds().toIntVector()).containsExactly(21, 2, 22, 2);
        assertThat(batch.labels()).isEqualTo(4);
    }

    @Test
    void readoutsPointAtTheLastTokenOfEachView() {
        assertThat(batch.predictionIndices().ravel().toIntVector()).containsExactly(5 + 1, 20 + 2);
        assertThat(batch.targetIndices().ravel().toIntVector()).containsExactly(10, 25);
        assertThat(batch.pairs()).isEqualTo(2);
    }

    @Test
    void countsTokensWithoutPadding() {
        assertThat(batch.tokens()).isEqualTo(4 + 2 + 1 + 5 + 3 + 1);
    }

    @Test
    void namesItsExamples() {
        assertThat(batch.sources()).containsExactly("a:1", "a:2");
    }

    @Test
    void everyArrayIsInt32() {
        assertThat(
                        List.of(
                                batch.inputIds(),
                                batch.positionIds(),
                                batch.segmentIds(),
                                batch.prefixIds(),
                                batch.labelIndices(),
                                batch.labelIds(),
                                batch.predictionIndices(),
                                batch.targetIndices()))
                .extracting(INDArray::dataType)
                .containsOnly(DataType.INT32);
    }

    @Test
    void aSingleLabelAndPairAreStillVectors() {
        TokenizedExample shortest =
                new TokenizedExample(
                        "x",
                        new int[] {1, 5},
                        new TokenSpan(1, 2),
                        List.of(TokenizedView.alone(4), TokenizedView.alone(5)));

        MultiViewBatch single =
                MultiViewBatch.of(
                        List.of(shortest), new SeparateLayout(ViewOptions.predictors()), PAD);

        assertThat(single.labelIds().shape()).containsExactly(1);
        assertThat(single.targetIndices().shape()).containsExactly(1, 1);
        assertThat(single.inputIds().shape()).containsExactly(3, 2);
    }

    @Test
    void aSingleRowOfOneLengthIsStillAMatrix() {
        MultiViewBatch single = MultiViewBatch.of(List.of(first), new LanguageModelLayout(), PAD);

        assertThat(single.inputIds().shape()).containsExactly(1, 4);
    }

    @Test
    void withoutViewsThereAreNoReadouts() {
        MultiViewBatch plain =
                MultiViewBatch.of(List.of(first, second), new LanguageModelLayout(), PAD);

        assertThat(plain.inputIds().shape()).containsExactly(2, 5);
        assertThat(plain.predictionIndices()).isNull();
        assertThat(plain.targetIndices()).isNull();
        assertThat(plain.pairs()).isZero();
    }

    @Test
    void keepsSegmentsAndPositionsThatALayoutChooses() {
        ViewLayout packed =
                example ->
                        List.of(
                                new Row(
                                        new int[] {1, 2, 90, 3},
                                        new int[] {0, 1, 2, 0},
                                        new int[] {0, 0, 0, 1},
                                        new int[] {0, 0, 0, 0},
                                        new int[] {2, -1, -1, -1},
                                        List.of(
                                                new Row.Readout(0, Side.TARGET, List.of(3)),
                                                new Row.Readout(
                                                        0, Side.PREDICTION, List.of(1, 2)))));

        MultiViewBatch one = MultiViewBatch.of(List.of(first, second), packed, PAD);

        assertThat(one.positionIds().getRow(1).toIntVector()).containsExactly(0, 1, 2, 0);
        assertThat(one.segmentIds().getRow(1).toIntVector()).containsExactly(0, 0, 0, 1);
        assertThat(one.prefixIds().getRow(1).toIntVector()).containsExactly(0, 0, 0, 0);
        assertThat(one.predictionIndices().toIntMatrix())
                .isDeepEqualTo(new int[][] {{1, 2}, {5, 6}});
        assertThat(one.targetIndices().toIntMatrix()).isDeepEqualTo(new int[][] {{3}, {7}});
    }

    @Test
    void numbersPairsInOrderWhateverTheOrderOfTheRows() {
        TokenizedExample three =
                new TokenizedExample(
                        "x",
                        new int[] {1, 5},
                        new TokenSpan(1, 2),
                        List.of(
                                TokenizedView.alone(3),
                                TokenizedView.alone(4),
                                TokenizedView.alone(5)));
        ViewLayout backwards =
                example -> {
                    List<Row> rows = new SeparateLayout(ViewOptions.predictors()).rows(example);
                    return List.of(rows.get(0), rows.get(3), rows.get(2), rows.get(1));
                };

        MultiViewBatch reversed = MultiViewBatch.of(List.of(three), backwards, PAD);

        assertThat(reversed.predictionIndices().ravel().toIntVector()).containsExactly(6, 4);
        assertThat(reversed.targetIndices().ravel().toIntVector()).containsExactly(4, 2);
    }

    @Test
    void refusesALayoutThatPredictsWithoutATarget() {
        ViewLayout half =
                example -> new SeparateLayout(ViewOptions.predictors()).rows(example).subList(0, 2);

        assertThatIllegalArgumentException()
                .isThrownBy(() -> MultiViewBatch.of(List.of(first), half, PAD))
                .withMessageContaining("without its target");
    }

    @Test
    void refusesALayoutThatReadsAPairOutTwice() {
        ViewLayout twice =
                example -> {
                    List<Row> rows = new SeparateLayout(ViewOptions.predictors()).rows(example);
                    return List.of(rows.get(0), rows.get(1), rows.get(2), rows.get(1), rows.get(2));
                };

        assertThatIllegalArgumentException()
                .isThrownBy(() -> MultiViewBatch.of(List.of(first), twice, PAD))
                .withMessageContaining("once");
    }

    @Test
    void refusesToBeEmpty() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> MultiViewBatch.of(List.of(), new LanguageModelLayout(), PAD));
    }

    @Test
    void multiDataSetHoldsTheArraysInTheDocumentedOrder() {
        MultiDataSet data = batch.toMultiDataSet();

        assertThat(data.getFeatures())
                .containsExactly(
                        batch.inputIds(),
                        batch.positionIds(),
                        batch.segmentIds(),
                        batch.prefixIds());
        assertThat(data.getLabels())
                .containsExactly(
                        batch.labelIndices(),
                        batch.labelIds(),
                        batch.predictionIndices(),
                        batch.targetIndices(),
                        batch.answerIds());
        assertThat(data.hasMaskArrays()).isFalse();
    }

    @Test
    void multiDataSetWithoutViewsHasTwoLabels() {
        MultiViewBatch plain = MultiViewBatch.of(List.of(first), new LanguageModelLayout(), PAD);

        assertThat(plain.toMultiDataSet().getLabels())
                .containsExactly(plain.labelIndices(), plain.labelIds());
    }

    @Test
    void comesBackFromAMultiDataSetUnchanged() {
        MultiViewBatch plain = MultiViewBatch.of(List.of(first), new LanguageModelLayout(), PAD);

        assertThat(MultiViewBatch.of(batch.toMultiDataSet())).isEqualTo(batch);
        assertThat(MultiViewBatch.of(plain.toMultiDataSet())).isEqualTo(plain);
    }

    @Test
    void refusesAMultiDataSetOfAnotherMaking() {
        INDArray array = Nd4j.zeros(1, 1);

        assertThatIllegalArgumentException()
                .isThrownBy(
                        () ->
                                MultiViewBatch.of(
                                        new org.nd4j.linalg.dataset.MultiDataSet(array, array)))
                .withMessageContaining("not 1 and 1");
    }
}
