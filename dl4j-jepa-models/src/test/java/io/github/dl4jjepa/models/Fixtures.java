package io.github.dl4jjepa.models;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.stream.Stream;

/** The tiny checkpoints among the test resources, made by src/test/python/make_fixtures.py. */
public final class Fixtures {
    private static final Path MODELS = Path.of("src/test/resources/models");

    private Fixtures() {}

    /** The folder of a checkpoint. */
    public static Path model(String name) {
        return MODELS.resolve(name);
    }

    /** Copies a checkpoint into a folder, to be changed there. */
    public static Path copy(String name, Path target) {
        try (Stream<Path> files = Files.list(model(name))) {
            Files.createDirectories(target);
            for (Path file : files.toList()) {
                Files.copy(
                        file,
                        target.resolve(file.getFileName()),
                        StandardCopyOption.REPLACE_EXISTING);
            }
            return target;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
