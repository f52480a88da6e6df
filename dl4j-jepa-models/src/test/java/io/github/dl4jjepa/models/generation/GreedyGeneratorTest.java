package io.github.dl4jjepa.models.generation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jjepa.models.Fixtures;
import io.github.dl4jjepa.models.generation.GreedyGenerator.Generation;
import io.github.dl4jjepa.models.huggingface.CheckpointFolder;
import io.github.dl4jjepa.models.huggingface.DecoderLoader;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class GreedyGeneratorTest {
    // The prompts and continuations of the fixture's golden.json.
    private static final int[] FIRST = {8, 260, 48, 49, 248};
    private static final int[] SECOND = {202, 123, 127, 75, 264, 222, 271, 229, 25};
    private static final int[] AFTER_FIRST = {121, 170, 72, 248, 276, 18, 214, 3};
    private static final int[] AFTER_SECOND = {211, 107, 276, 286, 241, 241, 216, 153};

    private final GreedyGenerator generator =
            new GreedyGenerator(DecoderLoader.load(CheckpointFolder.open(Fixtures.model("llama"))));

    @AfterEach
    void close() {
        generator.close();
    }

    @Test
    void promptsOfDifferentLengthsInOneBatchGetTheirOwnContinuations() {
        List<Generation> generations = generator.generate(List.of(FIRST, SECOND), 8, List.of());
        assertThat(generations.get(0).ids()).containsExactly(AFTER_FIRST);
        assertThat(generations.get(1).ids()).containsExactly(AFTER_SECOND);
        assertThat(generations).noneMatch(Generation::stopped);
    }

    @Test
    void aRowStopsAtItsOwnStopTokenWhileTheOthersGoOn() {
        List<Generation> generations =
                generator.generate(List.of(FIRST, SECOND), 8, List.of(248, 299));
        assertThat(generations.get(0).ids()).containsExactly(121, 170, 72);
        assertThat(generations.get(0).stopped()).isTrue();
        assertThat(generations.get(1).ids()).containsExactly(AFTER_SECOND);
        assertThat(generations.get(1).stopped()).isFalse();
    }

    @Test
    void answersASecondBatchAsItWouldTheFirst() {
        generator.generate(List.of(SECOND, SECOND, FIRST), 3, List.of());
        assertThat(generator.generate(List.of(FIRST), 8, List.of()).get(0).ids())
                .containsExactly(AFTER_FIRST);
    }

    @Test
    void refusesWhatExceedsTheModelsPositions() {
        assertThatThrownBy(() -> generator.generate(List.of(FIRST), 124, List.of()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("128 positions");
    }
}
