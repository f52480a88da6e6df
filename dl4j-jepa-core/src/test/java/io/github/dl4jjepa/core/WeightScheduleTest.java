package io.github.dl4jjepa.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Locale;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class WeightScheduleTest {
    static Stream<Arguments> goldens() {
        return StreamSupport.stream(Goldens.read("training/schedules.json").spliterator(), false)
                .map(
                        row ->
                                Arguments.of(
                                        row.get("schedule").textValue(),
                                        row.get("warmup").longValue(),
                                        row.get("total").longValue(),
                                        row.get("factors")));
    }

    @ParameterizedTest(name = "{0}, {1} of {2} steps warm-up")
    @MethodSource("goldens")
    void runsAsInTransformers(String name, long warmup, long total, JsonNode factors) {
        WeightSchedule schedule = WeightSchedule.valueOf(name.toUpperCase(Locale.ROOT));

        for (int step = 0; step < total; step++) {
            assertThat(schedule.factor(step, warmup, total))
                    .as("step %d", step)
                    .isCloseTo(factors.get(step).doubleValue(), within(1e-15));
        }
    }
}
