package io.github.dl4jjepa.core;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;

/** The authors' data sets, which lie beside some checkouts. */
public final class SharedData {
    private SharedData() {}

    /** A file of the folder {@code shared/data} beside a checkout; skips the test without it. */
    public static Path data(String name) {
        String named = System.getenv("JEPA_SHARED");
        Path shared = named == null ? null : Path.of(named);
        for (Path p = Path.of("").toAbsolutePath();
                shared == null && p != null;
                p = p.getParent()) {
            if (Files.isDirectory(p.resolve("shared/data"))) {
                shared = p.resolve("shared");
            }
        }
        assumeTrue(
                shared != null && Files.exists(shared.resolve("data").resolve(name)),
                "skipped: no folder 'shared' with data beside this checkout; name one with"
                        + " JEPA_SHARED");
        return shared.resolve("data").resolve(name);
    }
}
