package io.github.dl4jjepa.models.finetuning;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunInputsTest {
    private static final String OF_ABC =
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    @TempDir Path folder;

    private String sha256(Path file) {
        return new RunInputs(Map.of("train", file)).sha256().get("train");
    }

    @Test
    void hashesTheContent() throws IOException {
        assertThat(sha256(Files.writeString(folder.resolve("a"), "abc"))).isEqualTo(OF_ABC);
    }

    @Test
    void trustsTheNameOfALargeFileInTheHubsCache() throws IOException {
        Path blobs = Files.createDirectories(folder.resolve("blobs"));
        Path blob = Files.writeString(blobs.resolve("0".repeat(64)), "abc");
        Path link = Files.createSymbolicLink(folder.resolve("model.safetensors"), blob);
        assertThat(sha256(link)).isEqualTo("0".repeat(64));
    }

    @Test
    void hashesASmallFileInTheHubsCache() throws IOException {
        Path blobs = Files.createDirectories(folder.resolve("blobs"));
        Path blob = Files.writeString(blobs.resolve("0".repeat(40)), "abc");
        assertThat(sha256(blob)).isEqualTo(OF_ABC);
    }
}
