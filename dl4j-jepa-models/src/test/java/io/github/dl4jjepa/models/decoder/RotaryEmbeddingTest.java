package io.github.dl4jjepa.models.decoder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.dl4jjepa.models.decoder.family.ConfigJson;
import io.github.dl4jjepa.models.decoder.family.DecoderFamily;
import java.io.IOException;
import java.io.InputStream;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class RotaryEmbeddingTest {
    static Stream<JsonNode> goldens() throws IOException {
        try (InputStream in = RotaryEmbeddingTest.class.getResourceAsStream("/models/rope.json")) {
            return StreamSupport.stream(new ObjectMapper().readTree(in).spliterator(), false);
        }
    }

    @ParameterizedTest
    @MethodSource("goldens")
    void hasTheFrequenciesThatTransformersHas(JsonNode golden) {
        ConfigJson config = new ConfigJson(golden.path("config"), "config.json");
        DecoderConfig decoder = DecoderFamily.of(config).configuration(config);
        RotaryEmbedding rotary = (RotaryEmbedding) decoder.positions();
        double[] frequencies =
                rotary.longRows(decoder.headDim())
                        .filter(rows -> golden.path("length").intValue() > rows.longerThan())
                        .map(RotaryEmbedding.LongRows::frequencies)
                        .orElseGet(() -> rotary.frequencies(decoder.headDim()));
        JsonNode expected = golden.path("frequencies");
        assertThat(frequencies).hasSize(expected.size());
        for (int i = 0; i < frequencies.length; i++) {
            double value = expected.get(i).doubleValue();
            assertThat(frequencies[i]).isCloseTo(value, within(1e-6 * value));
        }
        assertThat(rotary.scaling().attentionFactor())
                .isCloseTo(golden.path("attention_factor").doubleValue(), within(1e-12));
    }
}
