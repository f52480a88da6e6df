package io.github.dl4jjepa.core.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.dl4jjepa.core.iterator.MultiViewBatch;
import io.github.dl4jjepa.core.iterator.PackedLabels;
import io.github.dl4jjepa.core.objective.DistanceKind;
import io.github.dl4jjepa.core.view.Row;
import io.github.dl4jjepa.core.view.SeparateLayout;
import io.github.dl4jjepa.core.view.TokenizedExample;
import io.github.dl4jjepa.core.view.ViewLayout;
import io.github.dl4jjepa.core.view.ViewOptions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.learning.config.NoOp;

/** An LSTM reads Text once, for both losses, and learns the same. */
class SharedRowTest {
    private static final List<TokenizedExample> EXAMPLES =
            Networks.examples().stream().map(Networks.encoder()::encode).toList();

    private record Step(double score, INDArray gradient, long rows) {}

    private static Step step(ViewLayout layout) {
        MultiViewBatch batch = MultiViewBatch.of(EXAMPLES, layout, Networks.END);
        MultiLayerNetwork network =
                new MultiLayerNetwork(
                        Networks.lstm(
                                DataType.DOUBLE,
                                new NoOp(),
                                new JepaLossLayer.Builder()
                                        .lambda(0.7)
                                        .distance(DistanceKind.INFO_NCE)));
        network.init();
        network.setInput(batch.inputIds());
        network.setLabels(PackedLabels.pack(batch));
        network.computeGradientAndScore();
        // Deeplearning4j divides the gradient of the sum by the number of rows when it updates.
        long rows = batch.inputIds().size(0);
        return new Step(network.score(), network.getGradientsViewArray().div(rows), rows);
    }

    /** The rows of a layout, with what is read in the conversation read in a row of its own. */
    private static ViewLayout apart(ViewLayout layout) {
        return example -> {
            List<Row> rows = new ArrayList<>(layout.rows(example));
            Row conversation = rows.get(0);
            rows.set(0, withReadouts(conversation, conversation.ids().length, List.of()));
            for (Row.Readout readout : conversation.readouts()) {
                int end = readout.indices().get(readout.indices().size() - 1) + 1;
                rows.add(withReadouts(conversation, end, List.of(readout)));
            }
            return rows;
        };
    }

    private static Row withReadouts(Row row, int length, List<Row.Readout> readouts) {
        int[] targets = Arrays.copyOf(row.targets(), length);
        if (!readouts.isEmpty()) {
            Arrays.fill(targets, Row.NO_TARGET);
        }
        return new Row(
                Arrays.copyOf(row.ids(), length),
                Arrays.copyOf(row.positions(), length),
                Arrays.copyOf(row.segments(), length),
                Arrays.copyOf(row.prefixes(), length),
                targets,
                readouts);
    }

    private static void assertSameAsApart(ViewOptions options) {
        ViewLayout layout = new SeparateLayout(options);
        Step shared = step(layout);
        Step apart = step(apart(layout));

        assertThat(shared.rows()).isEqualTo(2L * EXAMPLES.size());
        assertThat(apart.rows()).isEqualTo(3L * EXAMPLES.size());
        assertThat(shared.score()).isCloseTo(apart.score(), within(1e-12));
        INDArray difference = shared.gradient().sub(apart.gradient());
        assertThat(difference.amaxNumber().doubleValue()).isLessThan(1e-13);
        assertThat(apart.gradient().amaxNumber().doubleValue()).isGreaterThan(1e-3);
    }

    @ParameterizedTest
    @EnumSource(ViewOptions.Pooling.class)
    void textWithoutAPredictorIsReadInTheConversationsRow(ViewOptions.Pooling pooling) {
        assertSameAsApart(ViewOptions.builder().optPooling(pooling).build());
    }

    @ParameterizedTest
    @EnumSource(ViewOptions.Direction.class)
    void textWithTheSeparatorAsPredictorIsReadInTheConversationsRow(
            ViewOptions.Direction direction) {
        assertSameAsApart(
                ViewOptions.builder()
                        .optPredictorIds(Networks.SEPARATOR)
                        .optDirection(direction)
                        .build());
    }

    @Test
    void textWithAPredictorOfItsOwnNeedsARow() {
        assertThat(step(new SeparateLayout(ViewOptions.predictors(Networks.PREDICTOR))).rows())
                .isEqualTo(3L * EXAMPLES.size());
    }
}
