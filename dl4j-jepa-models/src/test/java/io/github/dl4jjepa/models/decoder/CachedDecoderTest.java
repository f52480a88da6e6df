package io.github.dl4jjepa.models.decoder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.dl4jjepa.models.Fixtures;
import io.github.dl4jjepa.models.huggingface.CheckpointFolder;
import io.github.dl4jjepa.models.huggingface.DecoderLoader;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class CachedDecoderTest {
    private static TransformerDecoder decoder(String model) {
        return DecoderLoader.load(CheckpointFolder.open(Fixtures.model(model)));
    }

    private static int[] row(int length, int seed) {
        return IntStream.range(0, length).map(i -> 3 + (seed + i * 7) % 250).toArray();
    }

    /** Relative error of the slots' logits against reading whole rows. */
    private static void assertLogits(CachedDecoder cached, CachedDecoder whole, int[]... rows) {
        whole.read(0, List.of(rows));
        for (int slot = 0; slot < rows.length; slot++) {
            assertThat(cached.length(slot)).isEqualTo(rows[slot].length);
            float[] expected = whole.logits(slot);
            double error = 0;
            double norm = 0;
            for (int i = 0; i < expected.length; i++) {
                error += Math.pow(cached.logits(slot)[i] - expected[i], 2);
                norm += Math.pow(expected[i], 2);
            }
            assertThat(Math.sqrt(error / norm))
                    .as("slot %d, %d tokens", slot, rows[slot].length)
                    .isCloseTo(0, within(1e-5));
        }
    }

    private static int[] append(int[] row, int id) {
        int[] longer = Arrays.copyOf(row, row.length + 1);
        longer[row.length] = id;
        return longer;
    }

    @ParameterizedTest
    @MethodSource("io.github.dl4jjepa.models.Fixtures#families")
    void readsTokenByTokenWhatWholeRowsRead(String model) {
        TransformerDecoder decoder = decoder(model);
        int[] first = row(19, 1);
        int[] second = row(4, 5);
        try (CachedDecoder cached = new CachedDecoder(decoder, 2, 40);
                CachedDecoder whole = new CachedDecoder(decoder, 2, 40)) {
            cached.read(0, List.of(first, second));
            for (int step = 0; step < 6; step++) {
                assertLogits(cached, whole, first, second);
                first = append(first, 10 + step);
                second = append(second, 30 + step);
                cached.next(new int[] {10 + step, 30 + step});
            }
            assertLogits(cached, whole, first, second);
        }
    }

    @Test
    void aRowMovesToAnotherSlotAndANewOneTakesItsPlace() {
        TransformerDecoder decoder = decoder("mistral");
        int[] stays = append(row(21, 3), 7);
        int[] enters = row(9, 8);
        try (CachedDecoder cached = new CachedDecoder(decoder, 2, 40);
                CachedDecoder whole = new CachedDecoder(decoder, 2, 40)) {
            cached.read(0, List.of(row(5, 2), row(21, 3)));
            cached.next(new int[] {6, 7});
            cached.move(1, 0);
            cached.read(1, List.of(enters));
            assertLogits(cached, whole, stays, enters);

            cached.next(new int[] {8, 9});

            assertLogits(cached, whole, append(stays, 8), append(enters, 9));
        }
    }

    @Test
    void readsEarlierTokensAgainWhereALongRowTurnsThemDifferently() {
        TransformerDecoder decoder = decoder("phi3-longrope-partial");
        int[] longer = row(29, 0);
        int[] shorter = row(5, 0);
        try (CachedDecoder cached = new CachedDecoder(decoder, 2, 40);
                CachedDecoder whole = new CachedDecoder(decoder, 2, 40)) {
            cached.read(0, List.of(longer, shorter));
            // original_max_position_embeddings is 32.
            for (int token = 30; token <= 35; token++) {
                longer = append(longer, token);
                shorter = append(shorter, token);
                cached.next(new int[] {token, token});
                assertLogits(cached, whole, longer, shorter);
            }
        }
    }

    @Test
    void refusesMoreTokensThanTheModelHasPositions() {
        TransformerDecoder decoder = decoder("llama");
        assertThatThrownBy(() -> new CachedDecoder(decoder, 1, 129))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("129 tokens exceed the model's 128 positions");
    }
}
