package io.github.dl4jjepa.core.diagnostics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.dl4jjepa.core.Goldens;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class ViewDiagnosticsTest {
    private static final AnswerAccuracy ANSWERS = new AnswerAccuracy(0.25, 0.5, 0.75);

    static Stream<JsonNode> goldens() {
        return StreamSupport.stream(
                Goldens.read("objective/diagnostics.json").spliterator(), false);
    }

    @ParameterizedTest
    @MethodSource("goldens")
    void agreesWithNumPy(JsonNode golden) {
        ViewDiagnostics views =
                ViewDiagnostics.of(
                        new ViewEmbeddings(
                                Goldens.doubles(golden.path("text")),
                                Goldens.doubles(golden.path("code")),
                                Goldens.doubles(golden.path("answers")).toIntVector()),
                        ANSWERS);
        Map<String, Double> values = views.values();
        golden.path("values")
                .properties()
                .forEach(
                        value ->
                                assertThat(values.remove(value.getKey()))
                                        .as(value.getKey())
                                        .isCloseTo(value.getValue().doubleValue(), within(1e-9)));
        assertThat(values.remove("exact_match")).isEqualTo(0.25);
        assertThat(values.remove("content_match")).isEqualTo(0.5);
        assertThat(values.remove("stop_accuracy")).isEqualTo(0.75);
        assertThat(values).isEmpty();
        assertThat(views.differenceSingularValues())
                .containsExactly(
                        Goldens.doubles(golden.path("difference_singular_values")).toDoubleVector(),
                        within(1e-9));
    }

    private static ViewDiagnostics of(double[][] text, double[][] code) {
        int[] answers = new int[text.length];
        Arrays.setAll(answers, i -> i);
        return ViewDiagnostics.of(
                new ViewEmbeddings(Nd4j.createFromArray(text), Nd4j.createFromArray(code), answers),
                ANSWERS);
    }

    @Test
    void aConeIsSaidToBeACollapse() {
        ViewDiagnostics cone =
                of(
                        new double[][] {{9, 0.1, 0}, {9, 0, 0.1}, {9, -0.1, 0}},
                        new double[][] {{9, 0, 0.2}, {9, 0.1, 0}, {9, 0, 0}});
        assertThat(cone.collapse()).get().asString().contains("cone").contains("1.000");
    }

    @Test
    void aLineIsSaidToBeACollapse() {
        ViewDiagnostics line =
                of(new double[][] {{1, 2}, {-1, -2}}, new double[][] {{2, 1}, {-2, -1}});
        assertThat(line.pairedCosine()).isCloseTo(0.8, within(1e-12));
        assertThat(line.unpairedCosine()).isCloseTo(-0.8, within(1e-12));
        assertThat(line.collapse()).get().asString().contains("effective rank").contains("1.00");
    }

    @Test
    void identicalEmbeddingsRetrieveNothingAndHaveNoVarianceToExplain() {
        double[][] same = {{1, 2}, {1, 2}, {1, 2}};
        ViewDiagnostics views = of(same, same);
        assertThat(views.textRetrievalAt1()).isZero();
        assertThat(views.linearMapError()).isNaN();
        assertThat(views.collapse()).isPresent();
    }

    @Test
    void perfectPairsRetrieveEachOther() {
        double[][] views = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
        ViewDiagnostics perfect = of(views, views);
        assertThat(perfect.textRetrievalAt1()).isEqualTo(1);
        assertThat(perfect.codeRetrievalAt1()).isEqualTo(1);
        assertThat(perfect.textEffectiveRank()).isCloseTo(3, within(1e-9));
        assertThat(perfect.differenceSingularValues()).containsOnly(0);
        assertThat(perfect.collapse()).isEmpty();
    }

    @Test
    void refusesWhatAreNoPairs() {
        INDArray text = Nd4j.zeros(DataType.DOUBLE, 3, 4);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new ViewEmbeddings(text, text, new int[2]))
                .withMessageContaining("[3, 4]");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new ViewEmbeddings(text.castTo(DataType.FLOAT), text, new int[3]))
                .withMessageContaining("DOUBLE");
    }
}
