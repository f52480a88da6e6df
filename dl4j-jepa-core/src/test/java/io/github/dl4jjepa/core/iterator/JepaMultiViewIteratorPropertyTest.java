package io.github.dl4jjepa.core.iterator;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.LayoutKind;
import io.github.dl4jjepa.core.view.Message;
import io.github.dl4jjepa.core.view.ViewOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

class JepaMultiViewIteratorPropertyTest {
    /** How the epochs of an iterator are ordered. */
    enum Order {
        OF_THE_SOURCE,
        SHUFFLED,
        GROUPED_BY_LENGTH
    }

    @Property(tries = 80)
    void seekingToABatchEqualsIteratingToIt(
            @ForAll @IntRange(min = 1, max = 20) int examples,
            @ForAll @IntRange(min = 1, max = 24) int batchSize,
            @ForAll long seed,
            @ForAll Order order,
            @ForAll LayoutKind layout,
            @ForAll @IntRange(max = 3) int epoch,
            @ForAll @IntRange(max = 3) int elsewhere,
            @ForAll @IntRange(max = 20) int place) {
        JepaMultiViewIterator iterating = iterator(examples, batchSize, seed, order, layout);
        JepaMultiViewIterator seeking = iterator(examples, batchSize, seed, order, layout);
        int batch = place % (iterating.batchesPerEpoch() + 1);

        for (int i = 0; i < epoch; i++) {
            remaining(iterating);
            iterating.reset();
        }
        for (int i = 0; i < batch; i++) {
            iterating.nextBatch();
        }
        // From another place than the start, so that nothing of it may be left over.
        seeking.seek(elsewhere, 0);
        seeking.nextBatch();
        seeking.seek(epoch, batch);

        assertThat(remaining(seeking))
                .isEqualTo(remaining(iterating))
                .hasSize(iterating.batchesPerEpoch() - batch);
        iterating.reset();
        seeking.reset();
        assertThat(seeking.nextBatch()).isEqualTo(iterating.nextBatch());
    }

    private static JepaMultiViewIterator iterator(
            int examples, int batchSize, long seed, Order order, LayoutKind layout) {
        JepaMultiViewIterator.Builder builder =
                JepaMultiViewIterator.builder()
                        .setEncoder(new WhitespaceEncoder())
                        .setExamples(examples(examples))
                        .setLayout(layout.of(ViewOptions.predictors(9)))
                        .setBatchSize(batchSize)
                        .setPadId(0);
        if (order != Order.OF_THE_SOURCE) {
            builder.optSeed(seed).optGroupByLength(order == Order.GROUPED_BY_LENGTH);
        }
        return builder.build();
    }

    private static List<Example> examples(int count) {
        return IntStream.range(0, count)
                .mapToObj(
                        i ->
                                Example.conversation(
                                        "train.jsonl:" + i,
                                        List.of(
                                                new Message(Message.USER, "t" + " u".repeat(i % 7)),
                                                new Message(Message.ASSISTANT, "c" + i))))
                .toList();
    }

    private static List<MultiViewBatch> remaining(JepaMultiViewIterator batches) {
        List<MultiViewBatch> remaining = new ArrayList<>();
        while (batches.hasNext()) {
            remaining.add(batches.nextBatch());
        }
        return remaining;
    }
}
