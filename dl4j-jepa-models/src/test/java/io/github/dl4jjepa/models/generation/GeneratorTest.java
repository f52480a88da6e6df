package io.github.dl4jjepa.models.generation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jjepa.models.Fixtures;
import io.github.dl4jjepa.models.decoder.TransformerDecoder;
import io.github.dl4jjepa.models.huggingface.CheckpointFolder;
import io.github.dl4jjepa.models.huggingface.DecoderLoader;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class GeneratorTest {
    // The prompts and continuations of the fixture's golden.json.
    private static final int[] FIRST = {8, 260, 48, 49, 248};
    private static final int[] SECOND = {202, 123, 127, 75, 264, 222, 271, 229, 25};
    private static final int[] AFTER_FIRST = {121, 170, 72, 248, 276, 18, 214, 3};
    private static final int[] AFTER_SECOND = {211, 107, 276, 286, 241, 241, 216, 153};

    private final TransformerDecoder decoder =
            DecoderLoader.load(CheckpointFolder.open(Fixtures.model("llama")));
    private final Generator generator = new Generator(decoder, GeneratorTest::text);

    private static String text(int[] ids) {
        return Arrays.stream(ids).mapToObj(Integer::toString).collect(Collectors.joining(" "));
    }

    @AfterEach
    void close() {
        generator.close();
    }

    private static GenerationOptions.Builder tokens(int most) {
        return GenerationOptions.builder().optMaxNewTokens(most);
    }

    private List<int[]> ids(List<int[]> prompts, GenerationOptions.Builder options) {
        return generator.generate(prompts, options.build()).stream().map(Generation::ids).toList();
    }

    @Test
    void promptsOfDifferentLengthsInOneBatchGetTheirOwnContinuations() {
        List<Generation> generations =
                generator.generate(List.of(FIRST, SECOND), tokens(8).build());
        assertThat(generations.get(0).ids()).containsExactly(AFTER_FIRST);
        assertThat(generations.get(1).ids()).containsExactly(AFTER_SECOND);
        assertThat(generations).noneMatch(Generation::stopped);
    }

    @Test
    void aRowStopsAtItsOwnEndTokenWhileTheOthersGoOn() {
        List<Generation> generations =
                generator.generate(
                        List.of(FIRST, SECOND),
                        tokens(8).optEndTokenIds(List.of(248, 299)).build());
        assertThat(generations.get(0).ids()).containsExactly(121, 170, 72);
        assertThat(generations.get(0).finishReason()).isEqualTo(Generation.FinishReason.END_TOKEN);
        assertThat(generations.get(1).ids()).containsExactly(AFTER_SECOND);
        assertThat(generations.get(1).finishReason()).isEqualTo(Generation.FinishReason.LENGTH);
    }

    @Test
    void aWaitingPromptTakesThePlaceOfARowThatIsDone() {
        List<int[]> prompts = List.of(FIRST, SECOND, FIRST, SECOND, FIRST);
        GenerationOptions.Builder options = tokens(8).optEndTokenIds(List.of(248));
        for (int batchSize = 1; batchSize <= 5; batchSize++) {
            List<int[]> ids = ids(prompts, options.optBatchSize(batchSize));
            for (int i = 0; i < prompts.size(); i++) {
                assertThat(ids.get(i))
                        .as("prompt %d, batches of %d", i, batchSize)
                        .containsExactly(i % 2 == 0 ? Arrays.copyOf(AFTER_FIRST, 3) : AFTER_SECOND);
            }
        }
    }

    @Test
    void answersASecondBatchAsItWouldTheFirst() {
        ids(List.of(SECOND, SECOND, FIRST), tokens(3));
        assertThat(ids(List.of(FIRST), tokens(8)).get(0)).containsExactly(AFTER_FIRST);
    }

    @Test
    void tellsOfEachNewTokenAsItIsChosen() {
        List<String> heard = new ArrayList<>();
        generator.generate(
                List.of(FIRST, SECOND),
                tokens(4).optEndTokenIds(List.of(72)).build(),
                (prompt, ids) -> heard.add(prompt + ": " + text(ids)));
        assertThat(heard)
                .containsExactlyInAnyOrder(
                        "0: 121",
                        "0: 121 170",
                        "1: 211",
                        "1: 211 107",
                        "1: 211 107 276",
                        "1: 211 107 276 286");
    }

    @Test
    void stopsWhereTheTextContainsAStopString() {
        Generation generation =
                generator
                        .generate(List.of(FIRST), tokens(8).optStopStrings(List.of("2 24")).build())
                        .get(0);
        assertThat(generation.ids()).containsExactly(121, 170, 72, 248);
        assertThat(generation.finishReason()).isEqualTo(Generation.FinishReason.STOP_STRING);
    }

    @Test
    void choosesNoEndTokenBeforeTheLeastNumberOfTokens() {
        int[] ids =
                ids(List.of(FIRST), tokens(8).optMinNewTokens(8).optEndTokenIds(List.of(72)))
                        .get(0);
        assertThat(ids).hasSize(8).doesNotContain(72).startsWith(121, 170);
    }

    @Test
    void drawsTheSameForOneSeedWhateverTheBatch() {
        List<int[]> prompts = Collections.nCopies(6, FIRST);
        GenerationOptions.Builder options = tokens(6).optSampled(true).optTemperature(2);
        List<int[]> together = ids(prompts, options.optBatchSize(6));
        List<int[]> alone = ids(prompts, options.optBatchSize(1));
        for (int i = 0; i < prompts.size(); i++) {
            assertThat(alone.get(i)).containsExactly(together.get(i));
        }
        assertThat(together.stream().map(GeneratorTest::text).distinct().count()).isGreaterThan(1);
        assertThat(ids(prompts, options.optSeed(43)).stream().map(GeneratorTest::text))
                .isNotEqualTo(together.stream().map(GeneratorTest::text).toList());
    }

    @Test
    void drawsTheMostProbableTokenWhereNoOtherIsLeft() {
        GenerationOptions.Builder options = tokens(8).optSampled(true).optTopK(1);
        assertThat(ids(List.of(FIRST), options).get(0)).containsExactly(AFTER_FIRST);
    }

    @Test
    void drawsTokensAsOftenAsTheyAreProbable() {
        float[] logits = new float[300];
        Arrays.fill(logits, Float.NEGATIVE_INFINITY);
        logits[7] = (float) Math.log(0.2);
        logits[9] = (float) Math.log(0.8);
        LogitsProcessor fixed =
                (ids, promptLength, length, values) ->
                        System.arraycopy(logits, 0, values, 0, logits.length);
        List<int[]> drawn =
                ids(
                        Collections.nCopies(50, FIRST),
                        tokens(40).optSampled(true).optProcessors(List.of(fixed)));
        long sevens = drawn.stream().flatMapToInt(IntStream::of).filter(id -> id == 7).count();
        // 2,000 draws: four standard deviations are 72.
        assertThat(sevens).isBetween(400L - 72, 400L + 72);
    }

    @Test
    void refusesWhatExceedsTheModelsPositions() {
        GenerationOptions options = tokens(124).build();
        assertThatThrownBy(() -> generator.generate(List.of(FIRST), options))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("128 positions");
    }

    @Test
    void refusesOptionsOutOfTheirRange() {
        assertThatThrownBy(() -> tokens(0).build()).hasMessageContaining("maxNewTokens");
        assertThatThrownBy(() -> tokens(1).optMinNewTokens(2).build())
                .hasMessageContaining("minNewTokens");
        assertThatThrownBy(() -> tokens(1).optTemperature(0).build())
                .hasMessageContaining("temperature");
        assertThatThrownBy(() -> tokens(1).optTopP(0).build()).hasMessageContaining("topP");
        assertThatThrownBy(() -> tokens(1).optMinP(1.5).build()).hasMessageContaining("minP");
        assertThatThrownBy(() -> tokens(1).optTopK(-1).build()).hasMessageContaining("topK");
        assertThatThrownBy(() -> tokens(1).optRepetitionPenalty(0).build())
                .hasMessageContaining("repetitionPenalty");
    }
}
