package io.github.dl4jjepa.core.iterator;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jjepa.core.view.SharedPrefixLayout;
import io.github.dl4jjepa.core.view.TokenSpan;
import io.github.dl4jjepa.core.view.TokenizedExample;
import io.github.dl4jjepa.core.view.TokenizedView;
import io.github.dl4jjepa.core.view.ViewOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.ndarray.INDArray;

class ShapeBucketsTest {
    private static final int PROMPT = 20;
    private static final int CODE = 11;

    @ParameterizedTest
    @CsvSource({
        "1, 16, 1",
        "31, 16, 31",
        "32, 16, 32",
        "33, 16, 34",
        "63, 16, 64",
        "65, 16, 68",
        "5, 4, 5",
        "9, 4, 10",
        "15, 4, 16"
    })
    void roundsUp(int n, int perOctave, int expected) {
        assertThat(ShapeBuckets.roundUp(n, perOctave)).isEqualTo(expected);
    }

    @Test
    void hasFewSizesAndNoneMuchLarger() {
        List<Integer> sizes = IntStream.rangeClosed(1, 4096).boxed().toList();
        assertThat(sizes).allMatch(n -> ShapeBuckets.roundUp(n, 16) <= n * (1 + 1.0 / 16));
        assertThat(sizes.stream().map(n -> ShapeBuckets.roundUp(n, 16)).distinct())
                .hasSizeLessThan(16 * 12);
    }

    /** Rows of 20 + 11 + 1 + 11 = 43 tokens, in rows of 44; 22 labels, in 24. */
    @Test
    void keepsWhatEveryIndexPointsAt() {
        MultiViewBatch batch = batch();
        MultiViewBatch filled = ShapeBuckets.fill(batch);
        int[] ids = filled.inputIds().ravel().toIntVector();
        int[] originalIds = batch.inputIds().ravel().toIntVector();

        assertThat(filled.inputIds().shape()).containsExactly(2, 44);
        assertThat(filled.segmentIds().getInt(0, 43)).isEqualTo(MultiViewBatch.PADDING_SEGMENT);
        assertThat(filled.prefixIds().getInt(1, 43)).isEqualTo(MultiViewBatch.PADDING_SEGMENT);
        int[] labelIds = filled.labelIds().toIntVector();
        assertThat(labelIds).hasSize(24);
        assertThat(labelIds).startsWith(batch.labelIds().toIntVector());
        assertThat(labelIds).endsWith(MultiViewBatch.NO_INDEX, MultiViewBatch.NO_INDEX);
        assertSameTokens(ids, filled.labelIndices(), originalIds, batch.labelIndices());
        assertSameTokens(ids, filled.predictionIndices(), originalIds, batch.predictionIndices());
        assertSameTokens(ids, filled.targetIndices(), originalIds, batch.targetIndices());
    }

    private static void assertSameTokens(
            int[] ids, INDArray indices, int[] originalIds, INDArray originalIndices) {
        int[] moved = indices.ravel().toIntVector();
        int[] original = originalIndices.ravel().toIntVector();
        for (int i = 0; i < original.length; i++) {
            assertThat(ids[moved[i]]).isEqualTo(originalIds[original[i]]);
        }
    }

    /** Every token of the batch has an id of its own. */
    private static MultiViewBatch batch() {
        List<TokenizedExample> examples = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            int[] ids = IntStream.range(100 * (i + 1), 100 * (i + 1) + PROMPT + CODE).toArray();
            TokenSpan prompt = new TokenSpan(0, PROMPT);
            TokenSpan code = new TokenSpan(PROMPT, ids.length);
            examples.add(
                    new TokenizedExample(
                            "test:" + i,
                            ids,
                            code,
                            List.of(
                                    TokenizedView.inRow(ids, prompt),
                                    TokenizedView.inRow(ids, code))));
        }
        return MultiViewBatch.of(examples, new SharedPrefixLayout(ViewOptions.predictors(999)), 0);
    }
}
