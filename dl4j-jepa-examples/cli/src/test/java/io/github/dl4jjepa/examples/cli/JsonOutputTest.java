package io.github.dl4jjepa.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class JsonOutputTest {
    record Result(String task, double exactMatch, Float jepaLoss, Path output, List<Double> all) {}

    @Test
    void writesARecordOnOneLine() {
        Result result = new Result("nl-rx", 0.1, 0.3f, Path.of("out", "a b"), List.of(1e-7, 2.0));

        assertThat(JsonOutput.line(result))
                .isEqualTo(
                        "{\"task\":\"nl-rx\",\"exact_match\":0.1,\"jepa_loss\":0.3,\"output\":\""
                                + Path.of("out", "a b").toString().replace("\\", "\\\\")
                                + "\",\"all\":[1.0E-7,2.0]}");
    }

    @Test
    void writesNullForWhatIsNotFinite() {
        Result result =
                new Result(
                        "nl-rx",
                        Double.NaN,
                        Float.POSITIVE_INFINITY,
                        null,
                        List.of(Double.NEGATIVE_INFINITY));

        assertThat(JsonOutput.line(result))
                .isEqualTo(
                        "{\"task\":\"nl-rx\",\"exact_match\":null,\"jepa_loss\":null,"
                                + "\"output\":null,\"all\":[null]}");
    }

    @Test
    void keepsALineBreakOfATextOnTheLine() {
        assertThat(JsonOutput.line(Map.of("text", "Pâris\n"))).isEqualTo("{\"text\":\"Pâris\\n\"}");
    }
}
