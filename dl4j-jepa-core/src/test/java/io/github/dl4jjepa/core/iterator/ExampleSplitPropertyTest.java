package io.github.dl4jjepa.core.iterator;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jjepa.core.view.Example;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Scale;

class ExampleSplitPropertyTest {
    @Property(tries = 300)
    void thePartsAreDisjointAndCoverTheDataSet(
            @ForAll @IntRange(min = 2, max = 200) int size,
            @ForAll @DoubleRange(min = 0.001, max = 0.999) @Scale(3) double fraction,
            @ForAll long seed) {
        List<Example> examples = examples("a", size);

        ExampleSplit split = ExampleSplit.of(examples, fraction, seed);

        assertThat(split.training()).isNotEmpty().doesNotContainAnyElementsOf(split.validation());
        assertThat(split.validation()).isNotEmpty();
        List<Example> both = new ArrayList<>(split.training());
        both.addAll(split.validation());
        assertThat(both).containsExactlyInAnyOrderElementsOf(examples);
    }

    @Property(tries = 300)
    void whatIsHeldBackDependsOnSizeFractionAndSeedNotOnTheExamples(
            @ForAll @IntRange(min = 2, max = 200) int size,
            @ForAll @DoubleRange(min = 0.001, max = 0.999) @Scale(3) double fraction,
            @ForAll long seed) {
        List<Example> first = examples("a", size);
        List<Example> second = examples("b", size);

        ExampleSplit split = ExampleSplit.of(first, fraction, seed);
        ExampleSplit other = ExampleSplit.of(second, fraction, seed);

        assertThat(indices(second, other.validation()))
                .isEqualTo(indices(first, split.validation()));
        assertThat(indices(second, other.training())).isEqualTo(indices(first, split.training()));
    }

    private static List<Example> examples(String file, int size) {
        return IntStream.range(0, size)
                .mapToObj(i -> Example.conversation(file + ":" + i, List.of()))
                .toList();
    }

    private static List<Integer> indices(List<Example> all, List<Example> part) {
        return part.stream().map(all::indexOf).toList();
    }
}
