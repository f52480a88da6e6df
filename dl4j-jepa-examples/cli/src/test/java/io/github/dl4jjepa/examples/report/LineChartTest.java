package io.github.dl4jjepa.examples.report;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jjepa.examples.report.LineChart.Point;
import io.github.dl4jjepa.examples.report.LineChart.Series;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class LineChartTest {
    @Test
    void ticksAreRoundNumbersInTheRange() {
        assertThat(LineChart.ticks(0, 160)).containsExactly(0.0, 50.0, 100.0, 150.0);
        assertThat(LineChart.ticks(-0.3, 0.45)).containsExactly(-0.2, 0.0, 0.2, 0.4);
        assertThat(LineChart.ticks(0, 2.1e-5)).hasSize(5);
    }

    @Test
    void aLongCurveIsDrawnByMeans() {
        List<Point> points =
                IntStream.rangeClosed(1, 100_000)
                        .mapToObj(step -> new Point(step, step % 2))
                        .toList();
        String html = new LineChart("t", List.of(new Series("s", points)), 100_000).html();

        assertThat(Pattern.compile("\\d,\\d").matcher(html).results().count()).isEqualTo(400);
    }

    @Test
    void theLowestValueIsAtTheBottomAndTheHighestAtTheTop() {
        String html =
                new LineChart(
                                "t",
                                List.of(
                                        new Series(
                                                "s", List.of(new Point(0, 1), new Point(10, 3)))),
                                10)
                        .html();

        assertThat(html).contains("points=\"56.0,196.0 508.0,10.0 \"");
    }

    @Test
    void aConstantIsALineInTheMiddle() {
        String html =
                new LineChart(
                                "t",
                                List.of(
                                        new Series(
                                                "s",
                                                List.of(new Point(0, 0.5), new Point(10, 0.5)))),
                                10)
                        .html();

        assertThat(html).contains("points=\"56.0,103.0 508.0,103.0 \"");
    }
}
