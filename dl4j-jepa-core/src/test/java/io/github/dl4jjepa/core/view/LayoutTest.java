package io.github.dl4jjepa.core.view;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.Readout.Side;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LayoutTest {
    private static final int NONE = Row.NO_TARGET;

    /** Prompt 1 11 12 2, answer 21 22, end of turn 2; the break 9 after it is not labelled. */
    private final TokenizedExample example =
            new TokenizedExample(
                    "train.jsonl:1",
                    new int[] {1, 11, 12, 2, 21, 22, 2, 9},
                    new TokenSpan(4, 7),
                    List.of(new int[] {11, 12}, new int[] {21, 22, 23}));

    @Test
    void trainsTheHiddenStateBeforeEachLabelledToken() {
        Row row = new LanguageModelLayout().rows(example).get(0);

        assertThat(row.ids()).containsExactly(1, 11, 12, 2, 21, 22, 2, 9);
        assertThat(row.targets()).containsExactly(NONE, NONE, NONE, 21, 22, 2, NONE, NONE);
        assertThat(row.positions()).containsExactly(0, 1, 2, 3, 4, 5, 6, 7);
        assertThat(row.segments()).containsOnly(0).hasSize(8);
        assertThat(row.readouts()).isEmpty();
    }

    @Test
    void trainsLabelsThatReachTheEndOfTheRow() {
        TokenizedExample toTheEnd =
                new TokenizedExample("x", new int[] {1, 5, 2}, new TokenSpan(1, 3), List.of());

        Row row = new LanguageModelLayout().rows(toTheEnd).get(0);

        assertThat(row.targets()).containsExactly(5, 2, NONE);
    }

    @Test
    void languageModelLayoutLeavesTheViewsOut() {
        assertThat(new LanguageModelLayout().rows(example)).hasSize(1);
    }

    @Test
    void separateLayoutBeginsWithTheLanguageModelsRow() {
        Row first = new SeparateLayout(90).rows(example).get(0);

        assertThat(first)
                .usingRecursiveComparison()
                .isEqualTo(new LanguageModelLayout().rows(example).get(0));
    }

    @Test
    void withoutPredictorsThePredictionIsReadAtTextsLastToken() {
        List<Row> rows = new SeparateLayout().rows(example);

        assertThat(rows).hasSize(3);
        assertView(rows.get(1), new Readout(0, Side.PREDICTION, 1), 11, 12);
        assertView(rows.get(2), new Readout(0, Side.TARGET, 2), 21, 22, 23);
    }

    @Test
    void onePredictorFollowsText() {
        List<Row> rows = new SeparateLayout(90).rows(example);

        assertView(rows.get(1), new Readout(0, Side.PREDICTION, 2), 11, 12, 90);
        assertView(rows.get(2), new Readout(0, Side.TARGET, 2), 21, 22, 23);
    }

    @Test
    void twoPredictorsFollowTextInTheirOrder() {
        List<Row> rows = new SeparateLayout(91, 90).rows(example);

        assertView(rows.get(1), new Readout(0, Side.PREDICTION, 3), 11, 12, 91, 90);
    }

    @Test
    void tenPredictorsFollowText() {
        List<Row> rows = new SeparateLayout(IntStream.range(90, 100).toArray()).rows(example);

        assertView(
                rows.get(1),
                new Readout(0, Side.PREDICTION, 11),
                new int[] {11, 12, 90, 91, 92, 93, 94, 95, 96, 97, 98, 99});
    }

    @Test
    void viewsOfOneTokenAreReadAtThatToken() {
        TokenizedExample shortest =
                new TokenizedExample(
                        "x",
                        new int[] {1, 5},
                        new TokenSpan(1, 2),
                        List.of(new int[] {4}, new int[] {5}));

        List<Row> rows = new SeparateLayout().rows(shortest);

        assertView(rows.get(1), new Readout(0, Side.PREDICTION, 0), 4);
        assertView(rows.get(2), new Readout(0, Side.TARGET, 0), 5);
    }

    @Test
    void eachOfThreeViewsPredictsTheNext() {
        TokenizedExample three =
                new TokenizedExample(
                        "x",
                        new int[] {1, 5},
                        new TokenSpan(1, 2),
                        List.of(new int[] {3}, new int[] {4, 4}, new int[] {5, 5, 5}));

        List<Row> rows = new SeparateLayout(90).rows(three);

        assertThat(rows).hasSize(5);
        assertView(rows.get(1), new Readout(0, Side.PREDICTION, 1), 3, 90);
        assertView(rows.get(2), new Readout(0, Side.TARGET, 1), 4, 4);
        assertView(rows.get(3), new Readout(1, Side.PREDICTION, 2), 4, 4, 90);
        assertView(rows.get(4), new Readout(1, Side.TARGET, 2), 5, 5, 5);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void refusesAnExampleWithFewerThanTwoViews(int views) {
        TokenizedExample poor =
                new TokenizedExample(
                        "train.jsonl:7",
                        new int[] {1, 5},
                        new TokenSpan(1, 2),
                        List.of(new int[] {5}).subList(0, views));

        assertThatThrownBy(() -> new SeparateLayout().rows(poor))
                .isInstanceOf(JepaException.class)
                .hasMessageStartingWith("train.jsonl:7: ")
                .hasMessageContaining("has " + views);
    }

    @Test
    void refusesElevenPredictors() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new SeparateLayout(new int[11]))
                .withMessageContaining("choose 0 to 10");
    }

    @Test
    void refusesANegativePredictor() {
        assertThatIllegalArgumentException().isThrownBy(() -> new SeparateLayout(90, -1));
    }

    @Test
    void doesNotChangeWhenTheCallersArrayDoes() {
        int[] ids = {90};
        SeparateLayout layout = new SeparateLayout(ids);
        ids[0] = 7;

        assertThat(layout.rows(example).get(1).ids()).containsExactly(11, 12, 90);
    }

    private static void assertView(Row row, Readout readout, int... ids) {
        assertThat(row.ids()).containsExactly(ids);
        assertThat(row.positions()).containsExactly(IntStream.range(0, ids.length).toArray());
        assertThat(row.segments()).containsOnly(0).hasSize(ids.length);
        assertThat(row.targets()).containsOnly(NONE).hasSize(ids.length);
        assertThat(row.readouts()).containsExactly(readout);
    }
}
