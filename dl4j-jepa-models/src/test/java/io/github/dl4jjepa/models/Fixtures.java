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

    /** The names of the models that stand for the families, one or more each. */
    public static Stream<String> families() {
        return Stream.of(
                "gemma",
                "gemma2",
                "gemma3",
                "gpt2",
                "llama",
                "llama-untied",
                "mistral",
                "olmo",
                "olmo2",
                "openelm",
                "phi",
                "phi3",
                "qwen2",
                "qwen3");
    }

    /** Those, and a model whose long rows turn a part of each head. */
    public static Stream<String> familiesAndPartialLongRope() {
        return Stream.concat(families(), Stream.of("phi3-longrope-partial"));
    }
}
