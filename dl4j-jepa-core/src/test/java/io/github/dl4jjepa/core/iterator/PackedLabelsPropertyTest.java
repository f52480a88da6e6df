package io.github.dl4jjepa.core.iterator;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jjepa.core.view.LayoutKind;
import io.github.dl4jjepa.core.view.RandomExamples;
import io.github.dl4jjepa.core.view.TokenizedExample;
import io.github.dl4jjepa.core.view.ViewOptions;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.domains.Domain;
import net.jqwik.api.domains.DomainContext;
import org.nd4j.linalg.api.ndarray.INDArray;

class PackedLabelsPropertyTest {
    @Property(tries = 200)
    @Domain(RandomExamples.class)
    @Domain(DomainContext.Global.class)
    void unpackingAPackedBatchGivesItsLabelsAndPairs(
            @ForAll List<TokenizedExample> examples,
            @ForAll ViewOptions options,
            @ForAll LayoutKind layout,
            @ForAll boolean isFilled) {
        MultiViewBatch laidOut = MultiViewBatch.of(examples, layout.of(options), 0);
        MultiViewBatch batch = isFilled ? ShapeBuckets.fill(laidOut) : laidOut;

        PackedLabels unpacked = PackedLabels.unpack(PackedLabels.pack(batch));

        assertThat(labels(unpacked.labelIndices(), unpacked.labelIds()))
                .isEqualTo(labels(batch.labelIndices(), batch.labelIds()));
        assertThat(readouts(unpacked.predictionIndices()))
                .isEqualTo(readouts(batch.predictionIndices()));
        assertThat(readouts(unpacked.targetIndices())).isEqualTo(readouts(batch.targetIndices()));
        assertThat(sameAnswers(unpacked.answerIds())).isEqualTo(sameAnswers(batch.answerIds()));
    }

    private static Map<Integer, Integer> labels(INDArray indices, INDArray ids) {
        Map<Integer, Integer> labels = new LinkedHashMap<>();
        for (int i = 0; i < ids.length(); i++) {
            if (ids.getInt(i) != MultiViewBatch.NO_INDEX) {
                labels.put(indices.getInt(i), ids.getInt(i));
            }
        }
        return labels;
    }

    private static List<List<Integer>> readouts(INDArray indices) {
        return Arrays.stream(indices.toIntMatrix())
                .map(
                        pair ->
                                IntStream.of(pair)
                                        .filter(index -> index != MultiViewBatch.NO_INDEX)
                                        .boxed()
                                        .toList())
                .toList();
    }

    /** Of each pair, the first one with the same answer: numbers may differ, pairs may not. */
    private static List<Integer> sameAnswers(INDArray answerIds) {
        List<Integer> ids = IntStream.of(answerIds.toIntVector()).boxed().toList();
        return ids.stream().map(ids::indexOf).toList();
    }
}
