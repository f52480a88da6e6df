package io.github.dl4jjepa.core.iterator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.github.dl4jjepa.core.view.LanguageModelLayout;
import io.github.dl4jjepa.core.view.SeparateLayout;
import io.github.dl4jjepa.core.view.TokenSpan;
import io.github.dl4jjepa.core.view.TokenizedExample;
import io.github.dl4jjepa.core.view.TokenizedView;
import io.github.dl4jjepa.core.view.ViewLayout;
import io.github.dl4jjepa.core.view.ViewOptions;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class PackedLabelsTest {
    private static TokenizedExample example(int text, int code) {
        int[] ids = {text, code, 2};
        return new TokenizedExample(
                "test",
                ids,
                new TokenSpan(1, 3),
                List.of(
                        TokenizedView.inRow(ids, new TokenSpan(0, 1)),
                        TokenizedView.inRow(ids, new TokenSpan(1, 2))));
    }

    private static MultiViewBatch batch(ViewLayout layout) {
        return MultiViewBatch.of(List.of(example(7, 8), example(9, 8)), layout, 0);
    }

    @Test
    void laysOutWhatTheJavadocSays() {
        INDArray packed = PackedLabels.pack(batch(new SeparateLayout(ViewOptions.predictors(5))));
        // Rows: conversation, Text with [PRED], Code; twice. The conversation is the longest.
        assertThat(packed.shape()).containsExactly(6, 4, 3);
        assertThat(packed.dataType()).isEqualTo(DataType.INT32);
        int[] none = {-1, -1, -1};
        assertThat(row(packed, 0)).isDeepEqualTo(new int[][] {{8, 2, -1}, none, none, none});
        assertThat(row(packed, 1)).isDeepEqualTo(new int[][] {none, {-1, 0, -1}, none, none});
        assertThat(row(packed, 2))
                .isDeepEqualTo(new int[][] {none, none, {0, -1, -1}, {0, -1, -1}});
        assertThat(row(packed, 4)).isDeepEqualTo(new int[][] {none, {-1, 1, -1}, none, none});
        // The second Code is the first's: they share a number.
        assertThat(row(packed, 5))
                .isDeepEqualTo(new int[][] {none, none, {1, -1, -1}, {0, -1, -1}});
    }

    private static int[][] row(INDArray packed, int row) {
        return packed.slice(row).toIntMatrix();
    }

    @Test
    void unpacksWhatWasPacked() {
        MultiViewBatch batch = batch(new SeparateLayout(ViewOptions.predictors(5)));
        PackedLabels unpacked = PackedLabels.unpack(PackedLabels.pack(batch));
        assertThat(unpacked.labels()).isEqualTo(batch.labels());
        assertThat(unpacked.labelIds().toIntVector()).startsWith(8, 2, 8, 2).endsWith(-1);
        assertThat(unpacked.labelIndices().toIntVector()).startsWith(0, 1, 9, 10);
        assertThat(unpacked.predictionIndices()).isEqualTo(batch.predictionIndices());
        assertThat(unpacked.targetIndices()).isEqualTo(batch.targetIndices());
        assertThat(unpacked.answerIds().toIntVector()).containsExactly(0, 0);
    }

    @Test
    void aBatchWithoutViewsHasNoPairs() {
        PackedLabels unpacked =
                PackedLabels.unpack(PackedLabels.pack(batch(new LanguageModelLayout())));
        assertThat(unpacked.pairs()).isZero();
        assertThat(unpacked.labels()).isEqualTo(4);
    }

    @Test
    void refusesOtherArrays() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> PackedLabels.unpack(Nd4j.zeros(2, 5, 3)))
                .withMessageContaining("[2, 5, 3]")
                .withMessageContaining("SEQUENCE");
        INDArray missing = PackedLabels.pack(batch(new SeparateLayout(ViewOptions.predictors(5))));
        missing.putScalar(1, 1, 1, -1);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> PackedLabels.unpack(missing))
                .withMessageContaining("predictions are of [1]");
    }
}
