package io.github.dl4jjepa.models.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.github.dl4jjepa.core.JepaException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ShardedCheckpointTest {
    private static final String FIRST = "model-00001-of-00002.safetensors";
    private static final String SECOND = "model-00002-of-00002.safetensors";

    @TempDir Path folder;
    private Path index;

    @BeforeEach
    void copyTheShards() throws IOException {
        try (Stream<Path> files = Files.list(Fixtures.path("sharded"))) {
            for (Path file : files.toList()) {
                Files.copy(file, folder.resolve(file.getFileName()));
            }
        }
        index = folder.resolve(SafetensorsCheckpoint.INDEX_FILE);
    }

    private void replaceInIndex(String text, String by) throws IOException {
        Files.writeString(index, Files.readString(index).replace(text, by));
    }

    private void assertRefused(String... message) {
        assertThatExceptionOfType(JepaException.class)
                .isThrownBy(() -> SafetensorsCheckpoint.open(folder))
                .withMessageContainingAll(message);
    }

    @Test
    void refusesAMissingShard() throws IOException {
        Files.delete(folder.resolve(SECOND));
        assertRefused(index.toString(), SECOND, "missing", "Download");
    }

    @Test
    void refusesATensorThatIsInAnotherShardThanTheIndexSays() throws IOException {
        replaceInIndex("\"scale\": \"" + SECOND, "\"scale\": \"" + FIRST);
        assertRefused(SECOND, "\"scale\"", "belongs in " + FIRST);
    }

    @Test
    void readsATensorThatTheIndexLacks() throws IOException {
        replaceInIndex("\"scale\"", "\"scales\"");
        SafetensorsCheckpoint checkpoint = SafetensorsCheckpoint.open(folder);
        assertThat(checkpoint.tensor("scale").file()).isEqualTo(folder.resolve(SECOND));
        assertThat(checkpoint.absent()).containsExactly("scales");
    }

    @Test
    void refusesATensorThatTheIndexLacksAndTwoShardsHold() throws IOException {
        replaceInIndex("\"scale\"", "\"scales\"");
        replaceInIndex("\"layers.1.bias\"", "\"other\": \"third.safetensors\", \"bias\"");
        Files.copy(folder.resolve(SECOND), folder.resolve("third.safetensors"));
        assertRefused("third.safetensors", "also in " + SECOND, "the index lists neither");
    }

    @Test
    void refusesATensorThatNoShardHolds() throws IOException {
        replaceInIndex("\"scale\"", "\"bias\": \"" + FIRST + "\", \"scale\"");
        SafetensorsCheckpoint checkpoint = SafetensorsCheckpoint.open(folder);
        assertThatExceptionOfType(JepaException.class)
                .isThrownBy(() -> checkpoint.read("bias"))
                .withMessageContainingAll(FIRST, "\"bias\"", "missing");
    }

    @Test
    void refusesAnIndexThatIsNestedBeyondReading() throws IOException {
        Files.writeString(index, "{\"weight_map\": " + "[".repeat(100_000));
        assertRefused(index.toString(), "Download");
    }

    @Test
    void refusesATensorNamedTwice() throws IOException {
        replaceInIndex("\"scale\"", "\"layers.1.bias\": \"" + FIRST + "\", \"scale\"");
        assertRefused(index.toString(), "line ", "layers.1.bias");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "../x",
                "/etc/passwd",
                "..",
                ".",
                "",
                "a/b",
                "..\\\\x",
                "a\\u0000b",
                "a/",
                "/"
            })
    void refusesAShardOutsideTheFolder(String name) throws IOException {
        replaceInIndex("\"scale\": \"" + SECOND, "\"scale\": \"" + name);
        assertRefused(index.toString(), "\"scale\"", "not the name of a file");
    }

    @Test
    void refusesAShardThatIsNoString() throws IOException {
        replaceInIndex("\"scale\": \"" + SECOND + "\"", "\"scale\": 1");
        assertRefused(index.toString(), "\"scale\"", "not the name of a file");
    }

    @Test
    void refusesBrokenJsonWithItsLine() throws IOException {
        replaceInIndex("\"scale\":", "\"scale\"");
        assertRefused(index.toString(), "line ", "column ");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "[]", "{}", "{\"weight_map\": []}", "null"})
    void refusesAnIndexWithoutWeightMap(String json) throws IOException {
        Files.writeString(index, json);
        assertRefused(index.toString(), "weight_map");
    }
}
