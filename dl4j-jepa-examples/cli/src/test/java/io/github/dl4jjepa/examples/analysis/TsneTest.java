package io.github.dl4jjepa.examples.analysis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.util.Comparator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Compared with scikit-learn; see src/test/python/tsne_goldens.py. */
class TsneTest {
    private static JsonNode golden;

    @BeforeAll
    static void read() throws IOException {
        try (InputStream file = TsneTest.class.getResourceAsStream("/analysis/tsne.json")) {
            golden = new ObjectMapper().readTree(file);
        }
    }

    private static double[][] matrix(String pointer) {
        return new ObjectMapper().convertValue(golden.at(pointer), double[][].class);
    }

    private static void assertClose(double[][] ours, double[][] expected, double tolerance) {
        assertThat(ours.length).isEqualTo(expected.length);
        for (int i = 0; i < expected.length; i++) {
            assertThat(ours[i]).containsExactly(expected[i], within(tolerance));
        }
    }

    @Test
    void affinitiesAreThoseOfScikitLearn() {
        double[][] affinities =
                Tsne.affinities(matrix("/vectors"), golden.path("perplexity").doubleValue());
        assertClose(affinities, matrix("/affinities"), 1e-15);
    }

    @Test
    void theGradientIsThatOfScikitLearn() {
        double[][] gradient = new Tsne(matrix("/affinities")).gradient(matrix("/places"), 1);
        assertClose(gradient, matrix("/gradient"), 1e-15);
    }

    @Test
    void theDivergenceIsThatOfScikitLearn() {
        assertThat(new Tsne(matrix("/affinities")).divergence(matrix("/places")))
                .isCloseTo(golden.path("divergence").doubleValue(), within(1e-13));
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({"explored, 12, 0", "settled, 10, 10"})
    void fromTheSameStartThePointsMoveAsInScikitLearn(
            String golden, int explorationSteps, int steps) {
        double[][] places = matrix("/start");
        new Tsne(matrix("/affinities")).descend(places, explorationSteps, steps);
        assertClose(places, matrix("/" + golden), 1e-9);
    }

    @Test
    void twoClustersStayApart() {
        double[][] vectors = matrix("/vectors"); // the first half is far from the second
        double[][] places = Tsne.embed(vectors, golden.path("perplexity").doubleValue(), 42);
        for (int i = 0; i < places.length; i++) {
            assertThat(nearest(places, i) < places.length / 2).isEqualTo(i < places.length / 2);
        }
    }

    private static int nearest(double[][] places, int point) {
        return IntStream.range(0, places.length)
                .filter(i -> i != point)
                .boxed()
                .min(
                        Comparator.comparingDouble(
                                i ->
                                        Math.hypot(
                                                places[i][0] - places[point][0],
                                                places[i][1] - places[point][1])))
                .orElseThrow();
    }

    @Test
    void pointsThatAreEqualGetPlaces() {
        double[][] places = Tsne.embed(new double[12][3], 3, 42);
        for (double[] place : places) {
            assertThat(place[0]).isFinite();
            assertThat(place[1]).isFinite();
        }
    }
}
