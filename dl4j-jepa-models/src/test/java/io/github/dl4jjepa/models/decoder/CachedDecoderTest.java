package io.github.dl4jjepa.models.decoder;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jjepa.models.Fixtures;
import io.github.dl4jjepa.models.huggingface.CheckpointFolder;
import io.github.dl4jjepa.models.huggingface.DecoderLoader;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.ndarray.INDArray;

class CachedDecoderTest {
    @Test
    void readsEarlierTokensAgainWhereALongRowTurnsThemDifferently() {
        TransformerDecoder decoder =
                DecoderLoader.load(CheckpointFolder.open(Fixtures.model("phi3-longrope-partial")));
        List<int[]> rows = new ArrayList<>();
        for (int length : new int[] {29, 5}) {
            int[] row = new int[length];
            Arrays.setAll(row, i -> 3 + i * 7 % 250);
            rows.add(row);
        }
        try (CachedDecoder cached = new CachedDecoder(decoder);
                CachedDecoder whole = new CachedDecoder(decoder)) {
            cached.read(rows);
            // original_max_position_embeddings is 32.
            for (int length = 30; length <= 35; length++) {
                int token = length;
                rows.replaceAll(
                        row -> {
                            int[] longer = Arrays.copyOf(row, row.length + 1);
                            longer[row.length] = token;
                            return longer;
                        });
                INDArray expected = whole.read(rows);
                INDArray difference = cached.read(new int[] {token, token}).sub(expected);
                assertThat(
                                difference.norm2Number().doubleValue()
                                        / expected.norm2Number().doubleValue())
                        .as("length %d", length)
                        .isLessThan(1e-5);
            }
        }
    }
}
