package io.github.dl4jjepa.models.huggingface;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.models.Fixtures;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Damaged checkpoints load, or fail with our exception that names the file; nothing hangs, and
 * nothing is allocated because a file says so.
 */
class DamagedCheckpointTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int MUTATIONS = 40;
    private static final List<String> VALUES =
            List.of(
                    "null",
                    "-1",
                    "0",
                    "1",
                    "3",
                    "2147483647",
                    "1e300",
                    "123456789012345678901",
                    "\"x\"",
                    "\"\"",
                    "[]",
                    "[1, 2]",
                    "{}",
                    "true",
                    "false",
                    "0.5");

    @TempDir private Path folder;

    private byte[] weights;
    private int headerEnd;
    private int survived;

    @BeforeEach
    void readTheWeights() throws IOException {
        weights = Files.readAllBytes(Fixtures.model("llama").resolve("model.safetensors"));
        long header = ByteBuffer.wrap(weights).order(ByteOrder.LITTLE_ENDIAN).getLong();
        headerEnd = Math.toIntExact(8 + header);
    }

    private void load(byte[] mutatedWeights, String config, String what) throws IOException {
        Path model = Files.createDirectories(folder.resolve("model"));
        Files.write(model.resolve("model.safetensors"), mutatedWeights);
        Files.writeString(model.resolve("config.json"), config);
        Assertions.assertTimeoutPreemptively(
                Duration.ofSeconds(20),
                () -> {
                    try {
                        DecoderLoader.load(CheckpointFolder.open(model));
                        survived++;
                    } catch (JepaException e) {
                        assertThat(e.getMessage())
                                .as(what)
                                .containsAnyOf(
                                        "config.json", "model.safetensors", model.toString());
                    }
                },
                what);
    }

    private static String config(String family) throws IOException {
        return Files.readString(Fixtures.model(family).resolve("config.json"));
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void damagedHeaders(long seed) throws IOException {
        Random random = new Random(seed);
        for (int i = 0; i < MUTATIONS; i++) {
            byte[] mutated = weights.clone();
            String what;
            switch (i % 4) {
                case 0 -> {
                    int at = random.nextInt(headerEnd);
                    mutated[at] = (byte) random.nextInt(256);
                    what = "byte " + at + " is " + mutated[at];
                }
                case 1 -> {
                    mutated = Arrays.copyOf(mutated, random.nextInt(mutated.length));
                    what = "cut at " + mutated.length;
                }
                case 2 -> {
                    long length = random.nextBoolean() ? random.nextLong() : random.nextInt(5000);
                    ByteBuffer.wrap(mutated).order(ByteOrder.LITTLE_ENDIAN).putLong(length);
                    what = "header length " + length;
                }
                default -> {
                    // A digit of a shape or an offset.
                    List<Integer> digits = new ArrayList<>();
                    for (int at = 8; at < headerEnd; at++) {
                        if (mutated[at] >= '0' && mutated[at] <= '9') {
                            digits.add(at);
                        }
                    }
                    int at = digits.get(random.nextInt(digits.size()));
                    mutated[at] = (byte) ('0' + random.nextInt(10));
                    what = "digit at " + at;
                }
            }
            load(mutated, config("llama"), "seed " + seed + ", mutation " + i + ": " + what);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "llama", "mistral", "qwen2", "qwen3", "gemma", "gemma2", "gemma3", "olmo", "olmo2",
                "phi", "phi3", "gpt2", "openelm"
            })
    void damagedConfigurations(String family) throws IOException {
        byte[] own = Files.readAllBytes(Fixtures.model(family).resolve("model.safetensors"));
        Random random = new Random(family.hashCode());
        for (int i = 0; i < MUTATIONS; i++) {
            ObjectNode config = (ObjectNode) JSON.readTree(config(family));
            List<String> keys = new ArrayList<>();
            config.fieldNames().forEachRemaining(keys::add);
            String key = keys.get(random.nextInt(keys.size()));
            JsonNode value = JSON.readTree(VALUES.get(random.nextInt(VALUES.size())));
            ObjectNode target = config;
            if (config.get(key).isObject()) {
                target = (ObjectNode) config.get(key);
                List<String> inner = new ArrayList<>();
                target.fieldNames().forEachRemaining(inner::add);
                key = inner.get(random.nextInt(inner.size()));
            }
            target.set(key, value);
            load(own, config.toString(), family + ": " + key + " = " + value);
        }
        assertThat(survived).isPositive();
    }

    @ParameterizedTest
    @ValueSource(longs = {4, 5})
    void damagedIndexes(long seed) throws IOException {
        Random random = new Random(seed);
        Path model = Files.createDirectories(folder.resolve("sharded"));
        Files.writeString(model.resolve("config.json"), config("llama"));
        Files.write(model.resolve("model-00001-of-00001.safetensors"), weights);
        StringBuilder map = new StringBuilder();
        for (String name :
                CheckpointFolder.open(Fixtures.model("llama")).weights().tensors().keySet()) {
            map.append(map.isEmpty() ? "" : ", ")
                    .append('"')
                    .append(name)
                    .append("\": \"model-00001-of-00001.safetensors\"");
        }
        String index = "{\"metadata\": {}, \"weight_map\": {" + map + "}}";
        for (int i = 0; i < MUTATIONS; i++) {
            StringBuilder mutated = new StringBuilder(index);
            mutated.setCharAt(random.nextInt(mutated.length()), (char) (32 + random.nextInt(95)));
            Files.writeString(model.resolve("model.safetensors.index.json"), mutated);
            String what = "seed " + seed + ", mutation " + i;
            assertThatCode(
                            () -> {
                                try {
                                    DecoderLoader.load(CheckpointFolder.open(model));
                                } catch (JepaException e) {
                                    assertThat(e.getMessage()).contains(model.toString());
                                }
                            })
                    .as(what)
                    .doesNotThrowAnyException();
        }
    }
}
