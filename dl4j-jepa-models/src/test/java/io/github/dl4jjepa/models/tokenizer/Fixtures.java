package io.github.dl4jjepa.models.tokenizer;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.dl4jjepa.core.view.Message;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Where the tests' files lie, and how they are read. */
final class Fixtures {
    static final ObjectMapper JSON = new ObjectMapper();

    private Fixtures() {}

    /** A folder of src/test/resources/tokenizers. */
    static Path tokenizer(String name) {
        return resource("/tokenizers/" + name);
    }

    /** A file or folder of src/test/resources. */
    static Path resource(String name) {
        try {
            return Path.of(Fixtures.class.getResource(name).toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    /**
     * A path of the folder {@code shared} that lies beside a developer's checkout (or is named by
     * JEPA_SHARED). The test is skipped where there is none: the files are too large, or not ours,
     * to be committed.
     */
    static Path shared(String path) {
        Path shared = sharedFolder();
        assumeTrue(
                shared != null,
                "skipped: no folder 'shared' beside this checkout; name one with JEPA_SHARED");
        return shared.resolve(path);
    }

    /** The folder of SmolLM2-135M-Instruct that JEPA_SMOLLM2 names; skips the test without one. */
    static Path smolLm2() {
        String folder = System.getenv("JEPA_SMOLLM2");
        assumeTrue(
                folder != null,
                "skipped: JEPA_SMOLLM2 does not name a folder of SmolLM2-135M-Instruct");
        return Path.of(folder);
    }

    private static Path sharedFolder() {
        String named = System.getenv("JEPA_SHARED");
        if (named != null) {
            return Path.of(named);
        }
        for (Path p = Path.of("").toAbsolutePath(); p != null; p = p.getParent()) {
            if (Files.isDirectory(p.resolve("shared/fixtures"))) {
                return p.resolve("shared");
            }
        }
        return null;
    }

    static JsonNode json(Path file) {
        try {
            return JSON.readTree(file.toFile());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static int[] ints(JsonNode array) {
        return JSON.convertValue(array, int[].class);
    }

    static List<Message> messages(JsonNode array) {
        List<Message> messages = new ArrayList<>();
        for (JsonNode message : array) {
            messages.add(
                    new Message(
                            message.path("role").textValue(), message.path("content").textValue()));
        }
        return messages;
    }
}
