package io.github.dl4jjepa.models.generation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class LogitsProcessorsTest {
    static Stream<Arguments> transformers() throws IOException {
        try (InputStream json =
                LogitsProcessorsTest.class.getResourceAsStream("/generation/processors.json")) {
            return StreamSupport.stream(new ObjectMapper().readTree(json).spliterator(), false)
                    .map(
                            golden ->
                                    Arguments.of(
                                            golden.path("processor").textValue(),
                                            golden.path("value").doubleValue(),
                                            golden));
        }
    }

    @ParameterizedTest(name = "{0} {1}")
    @MethodSource("transformers")
    void agreesWithTransformers(String name, double value, JsonNode golden) {
        GenerationOptions.Builder options =
                GenerationOptions.builder().optSampled(true).optEndTokenIds(Set.of(2, 7));
        switch (name) {
            case "repetition_penalty" -> options.optRepetitionPenalty(value);
            case "no_repeat_ngram_size" -> options.optNoRepeatNgramSize((int) value);
            case "min_new_tokens" -> options.optMinNewTokens((int) value);
            case "temperature" -> options.optTemperature(value);
            case "top_k" -> options.optTopK((int) value);
            case "top_p" -> options.optTopP(value);
            case "min_p" -> options.optMinP(value);
            default -> throw new IllegalArgumentException(name);
        }
        int[] ids =
                StreamSupport.stream(golden.path("ids").spliterator(), false)
                        .mapToInt(JsonNode::intValue)
                        .toArray();
        float[] logits = floats(golden.path("logits"));

        List<LogitsProcessor> processors = LogitsProcessors.of(options.build());
        processors.forEach(
                processor ->
                        processor.process(
                                ids, golden.path("prompt_length").intValue(), ids.length, logits));

        float[] expected = floats(golden.path("expected"));
        for (int i = 0; i < expected.length; i++) {
            if (Float.isInfinite(expected[i])) {
                assertThat(logits[i]).as("token %d", i).isEqualTo(expected[i]);
            } else {
                assertThat(logits[i]).as("token %d", i).isCloseTo(expected[i], within(1e-6f));
            }
        }
    }

    private static float[] floats(JsonNode numbers) {
        float[] floats = new float[numbers.size()];
        for (int i = 0; i < floats.length; i++) {
            JsonNode number = numbers.get(i);
            floats[i] = number.isNull() ? Float.NEGATIVE_INFINITY : number.floatValue();
        }
        return floats;
    }

    @Test
    void followsTransformersOrder() {
        GenerationOptions options =
                GenerationOptions.builder()
                        .optSampled(true)
                        .optRepetitionPenalty(2)
                        .optTemperature(0.5)
                        .optTopK(2)
                        .build();
        float[] logits = {4, 3, 2.5f, 1};

        LogitsProcessors.of(options)
                .forEach(processor -> processor.process(new int[] {0}, 1, 1, logits));

        assertThat(logits).containsExactly(Float.NEGATIVE_INFINITY, 6, 5, Float.NEGATIVE_INFINITY);
    }
}
