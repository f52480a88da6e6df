package io.github.dl4jjepa.core.iterator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.Example;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ExampleSplitTest {
    @Test
    void putsEveryExampleOnOneSideAndKeepsTheOrder() {
        List<Example> examples = examples(100);

        ExampleSplit split = ExampleSplit.of(examples, 0.2, 42);

        assertThat(split.validation()).hasSize(20);
        assertThat(Stream.concat(split.training().stream(), split.validation().stream()))
                .containsExactlyInAnyOrderElementsOf(examples);
        assertThat(examples).containsSubsequence(split.training());
        assertThat(examples).containsSubsequence(split.validation());
    }

    @Test
    void theSameSeedGivesTheSameSplit() {
        ExampleSplit split = ExampleSplit.of(examples(100), 0.2, 42);

        assertThat(ExampleSplit.of(examples(100), 0.2, 42)).isEqualTo(split);
        assertThat(ExampleSplit.of(examples(100), 0.2, 43)).isNotEqualTo(split);
    }

    @ParameterizedTest
    @CsvSource({"2, 0.01, 1", "2, 0.99, 1", "10, 0.999, 9", "10, 0.25, 3", "3, 0.5, 2"})
    void roundsButLeavesNeitherSideEmpty(int size, double fraction, int heldBack) {
        ExampleSplit split = ExampleSplit.of(examples(size), fraction, 1);

        assertThat(split.validation()).hasSize(heldBack);
        assertThat(split.training()).hasSize(size - heldBack);
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 1, -0.1, 1.5, Double.NaN})
    void refusesAFractionThatIsNone(double fraction) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ExampleSplit.of(examples(10), fraction, 1))
                .withMessageContaining("between 0 and 1");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void refusesToSplitASingleExample(int size) {
        assertThatThrownBy(() -> ExampleSplit.of(examples(size), 0.5, 1))
                .isInstanceOf(JepaException.class)
                .hasMessageEndingWith("there are " + size);
    }

    private static List<Example> examples(int size) {
        return IntStream.range(0, size)
                .mapToObj(i -> Example.conversation("train.jsonl:" + i, List.of()))
                .toList();
    }
}
