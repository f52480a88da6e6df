package io.github.dl4jjepa.examples.analysis;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TicksTest {
    @ParameterizedTest(name = "{0} to {1}")
    @CsvSource({
        "0.9938, 1",
        "0.99994, 1",
        "-1, 1",
        "0, 300",
        "0, 0.147",
        "1, 13",
        "0, 4e-8",
        "12, 14",
        "0.3, 123456"
    })
    void ticksThatDifferHaveLabelsThatDiffer(double min, double max) {
        List<String> labels =
                IntStream.rangeClosed(0, 50)
                        .mapToObj(i -> Ticks.label(min + i * (max - min) / 50, max - min))
                        .toList();
        assertThat(labels).doesNotHaveDuplicates();
    }

    @ParameterizedTest(name = "{0} is {2}")
    @CsvSource({
        "0.30000000000000004, 1, 0.3",
        "0.9950000000000001, 0.006, 0.995",
        "200.00000000000003, 300, 200",
        "1e-19, 1, 0",
        "-0.5, 2, -0.5"
    })
    void labelsAreRound(double value, double range, String label) {
        assertThat(Ticks.label(value, range)).isEqualTo(label);
    }
}
