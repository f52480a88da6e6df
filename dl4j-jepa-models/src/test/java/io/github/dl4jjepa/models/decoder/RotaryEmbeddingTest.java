package io.github.dl4jjepa.models.decoder;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.decoder.Decoder;
import io.github.dl4jjepa.core.internal.samediff.Graphs;
import io.github.dl4jjepa.models.internal.family.ConfigJson;
import io.github.dl4jjepa.models.internal.family.DecoderFamily;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A grid of rotary configurations, of which src/test/python/rope_goldens.py asked transformers:
 * each that transformers accepts gives the same, or is refused by name.
 */
class RotaryEmbeddingTest {
    private static final double TOLERANCE = 1e-5;

    /** Transformers computes frequencies in float32. */
    private static final double FREQUENCY_TOLERANCE = 1e-6;

    /** What transformers accepts and is refused here. */
    private static final Pattern REFUSED =
            Pattern.compile(
                    ".*: proportional.*" // Gemma 4's
                            + "|.*: heads do not divide"
                            // Of these keys transformers takes no notice.
                            + "|.*: by layer type"
                            + "|gemma3_text: (flat|older name of the type|both forms.*)"
                            // One factor for all pairs.
                            + "|phi3?: longrope(, 0.4| for half) .*");

    /** What transformers refuses for reasons that do not matter here. */
    private static final Pattern ACCEPTED =
            Pattern.compile(
                    "phi3: su, v4|.*: heads do not divide|phi3: heads of another width, longrope");

    private static JsonNode goldens;

    @BeforeAll
    static void readTheGoldens() throws IOException {
        try (InputStream in = RotaryEmbeddingTest.class.getResourceAsStream("/models/rope.json")) {
            goldens = new ObjectMapper().readTree(in);
        }
    }

    private static List<JsonNode> cases(String family) {
        List<JsonNode> cases = new ArrayList<>();
        for (JsonNode golden : goldens.path("cases")) {
            if (golden.path("family").textValue().equals(family)) {
                cases.add(golden);
            }
        }
        assertThat(cases).hasSizeGreaterThan(50);
        return cases;
    }

    private static DecoderConfig configuration(JsonNode golden) {
        ObjectNode config = goldens.path("common").deepCopy();
        String family = golden.path("family").textValue();
        config.setAll((ObjectNode) goldens.path("families").path(family));
        config.setAll((ObjectNode) golden.path("changes"));
        config.put("model_type", family);
        ConfigJson json = new ConfigJson(config, "config.json");
        return DecoderFamily.of(json).configuration(json);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "llama",
                "mistral",
                "qwen2",
                "qwen3",
                "gemma",
                "gemma2",
                "gemma3_text",
                "olmo",
                "olmo2",
                "phi",
                "phi3"
            })
    void agreesWithTransformersOrIsRefusedByName(String family) {
        List<String> faults = new ArrayList<>();
        Set<String> compared = new HashSet<>();
        for (JsonNode golden : cases(family)) {
            String name = family + ": " + golden.path("name").textValue();
            DecoderConfig config;
            try {
                config = configuration(golden);
            } catch (JepaException e) {
                assertThat(e.getMessage()).startsWith("config.json: ");
                if (!golden.has("refused") && !REFUSED.matcher(name).matches()) {
                    faults.add(name + ": " + e.getMessage());
                }
                continue;
            }
            if (golden.has("refused")) {
                if (!ACCEPTED.matcher(name).matches()) {
                    faults.add(name + " is accepted; transformers: " + golden.path("refused"));
                }
                continue;
            }
            for (String row : List.of("short", "long")) {
                JsonNode expected = golden.path(row);
                int length = goldens.path(row).intValue();
                RotaryEmbedding full = (RotaryEmbedding) config.positions();
                RotaryEmbedding window = config.attention().windowPositions().orElse(full);
                String at = name + ", " + row + ": ";
                if (!equal(full, config, length, expected.path("full"))) {
                    faults.add(at + full);
                }
                if (!equal(window, config, length, expected.path("window"))) {
                    faults.add(at + "in layers with a window, " + window);
                }
            }
            if (compared.add(golden.at("/short/logits") + "," + golden.at("/long/logits"))) {
                Map<String, Double> errors = logitErrors(config, golden);
                if (!errors.values().stream().allMatch(error -> error < TOLERANCE)) {
                    faults.add(name + ": logits are off: " + errors);
                }
            }
        }
        assertThat(faults).isEmpty();
    }

    /**
     * Whether the frequencies and the attention factor are those of a table, where there is one.
     */
    private static boolean equal(
            RotaryEmbedding rotary, DecoderConfig config, int length, JsonNode number) {
        if (number.isMissingNode()) {
            return true;
        }
        JsonNode table = goldens.path("tables").get(number.intValue());
        double[] frequencies =
                rotary.longRows(config.headDim())
                        .filter(rows -> length > rows.longerThan())
                        .map(RotaryEmbedding.LongRows::frequencies)
                        .orElseGet(() -> rotary.frequencies(config.headDim()));
        return table.size() == 1 + frequencies.length
                && close(rotary.scaling().attentionFactor(), table.get(0).doubleValue())
                && IntStream.range(0, frequencies.length)
                        .allMatch(i -> close(frequencies[i], table.get(i + 1).doubleValue()));
    }

    private static boolean close(double ours, double theirs) {
        return Math.abs(ours - theirs) <= FREQUENCY_TOLERANCE * Math.abs(theirs);
    }

    /** By row, how far the logits after it are from those of transformers. */
    private static Map<String, Double> logitErrors(DecoderConfig config, JsonNode golden) {
        TransformerDecoder decoder = new TransformerDecoder(config, weights(config));
        SameDiff graph = Graphs.create();
        SDVariable hidden =
                decoder.hiddenStates(
                        graph,
                        new Decoder.TokenInputs(
                                graph.placeHolder("ids", DataType.INT32, -1, -1),
                                graph.placeHolder("positions", DataType.INT32, -1, -1),
                                graph.placeHolder("segments", DataType.INT32, -1, -1),
                                graph.placeHolder("prefixes", DataType.INT32, -1, -1)));
        String logits = decoder.logits(hidden).name();
        Map<String, Double> errors = new LinkedHashMap<>();
        for (String row : List.of("short", "long")) {
            int length = goldens.path(row).intValue();
            int[] positions = IntStream.range(0, length).toArray();
            int[] ids = IntStream.of(positions).map(i -> i * 7 % 11).toArray();
            INDArray segments = Nd4j.zeros(DataType.INT32, 1, length);
            Map<String, INDArray> inputs =
                    Map.of(
                            "ids",
                            Nd4j.createFromArray(new int[][] {ids}),
                            "positions",
                            Nd4j.createFromArray(new int[][] {positions}),
                            "segments",
                            segments,
                            "prefixes",
                            segments);
            INDArray ours = graph.outputSingle(inputs, logits).getRow(length - 1L);
            JsonNode numbers =
                    goldens.path("logits").get(golden.at("/" + row + "/logits").intValue());
            double[] theirs = new double[numbers.size()];
            Arrays.setAll(theirs, i -> numbers.get(i).doubleValue());
            INDArray expected = Nd4j.createFromArray(theirs);
            double difference =
                    ours.castTo(DataType.DOUBLE).sub(expected).norm2Number().doubleValue();
            errors.put(row, difference / expected.norm2Number().doubleValue());
        }
        return errors;
    }

    /** The weights of rope_goldens.py. */
    private static Map<String, INDArray> weights(DecoderConfig config) {
        boolean gemma = config.norm().kind() == DecoderConfig.NormKind.RMS_PLUS_ONE;
        Map<String, INDArray> weights = new LinkedHashMap<>();
        int index = 0;
        for (Map.Entry<String, long[]> entry : new TreeMap<>(config.parameterShapes()).entrySet()) {
            boolean gain =
                    entry.getValue().length == 1 && entry.getKey().endsWith(".weight") && !gemma;
            INDArray array = Nd4j.createUninitialized(DataType.FLOAT, entry.getValue());
            INDArray flat = array.reshape(-1);
            for (int i = 0; i < flat.length(); i++) {
                double x = i % 1009;
                flat.putScalar(i, 0.3 * Math.sin(0.37 * x * x + 1.1 * index) + (gain ? 1 : 0));
            }
            weights.put(entry.getKey(), array);
            index++;
        }
        return weights;
    }
}
