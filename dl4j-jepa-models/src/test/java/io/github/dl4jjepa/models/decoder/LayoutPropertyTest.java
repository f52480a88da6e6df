package io.github.dl4jjepa.models.decoder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.dl4jjepa.core.iterator.MultiViewBatch;
import io.github.dl4jjepa.core.objective.JepaObjective;
import io.github.dl4jjepa.core.objective.Losses;
import io.github.dl4jjepa.core.objective.TrainingGraph;
import io.github.dl4jjepa.core.view.LayoutKind;
import io.github.dl4jjepa.core.view.RandomExamples;
import io.github.dl4jjepa.core.view.TokenizedExample;
import io.github.dl4jjepa.core.view.ViewOptions;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.domains.Domain;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;
import org.nd4j.linalg.api.buffer.DataType;

class LayoutPropertyTest {
    private static final double TOLERANCE = 1e-10;

    private static TrainingGraph graph;

    @BeforeContainer
    static void openGraph() {
        graph =
                new TrainingGraph(
                        LayoutEquivalenceTest.Model.LLAMA.decoder(DataType.DOUBLE),
                        JepaObjective.cosine(2));
    }

    @AfterContainer
    static void closeGraph() {
        graph.close();
    }

    @Property(tries = 25)
    @Domain(RandomExamples.class)
    void theThreeLayoutsGiveEqualLosses(
            @ForAll List<TokenizedExample> examples, @ForAll ViewOptions options) {
        Losses separate = losses(examples, LayoutKind.SEPARATE, options);

        for (LayoutKind layout : List.of(LayoutKind.BLOCK, LayoutKind.SHARED_PREFIX)) {
            Losses losses = losses(examples, layout, options);
            assertThat(losses.languageModelSum())
                    .as("%s: language model", layout)
                    .isCloseTo(separate.languageModelSum(), within(TOLERANCE));
            assertThat(losses.jepaSum())
                    .as("%s: JEPA", layout)
                    .isCloseTo(separate.jepaSum(), within(TOLERANCE));
        }
    }

    private static Losses losses(
            List<TokenizedExample> examples, LayoutKind layout, ViewOptions options) {
        return graph.evaluate(MultiViewBatch.of(examples, layout.of(options), 0));
    }
}
