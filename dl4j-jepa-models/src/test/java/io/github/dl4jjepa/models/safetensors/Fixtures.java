package io.github.dl4jjepa.models.safetensors;

import java.net.URISyntaxException;
import java.nio.file.Path;

/** Files that the Python library wrote: see src/test/python/make_safetensors_fixtures.py. */
final class Fixtures {
    private Fixtures() {}

    static Path path(String name) {
        try {
            return Path.of(Fixtures.class.getResource(name).toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }
}
