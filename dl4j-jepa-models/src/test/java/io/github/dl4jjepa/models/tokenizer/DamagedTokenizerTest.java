package io.github.dl4jjepa.models.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jjepa.core.JepaException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Damaged tokenizers open, or fail with our exception that names the file. */
class DamagedTokenizerTest {
    private static final int MUTATIONS = 40;

    @ParameterizedTest
    @ValueSource(strings = {"nlrx-bpe-1k", "nlrx-spm-600-llama2", "nlrx-spm-600-metaspace"})
    void opensOrNamesTheFile(String name, @TempDir Path folder) throws IOException {
        try (Stream<Path> files = Files.list(Fixtures.tokenizer(name))) {
            for (Path file : files.toList()) {
                Files.copy(file, folder.resolve(file.getFileName()));
            }
        }
        Path file = folder.resolve("tokenizer.json");
        String whole = Files.readString(file);
        Random random = new Random(name.hashCode());
        for (int i = 0; i < MUTATIONS; i++) {
            StringBuilder mutated = new StringBuilder(whole);
            if (i % 4 == 0) {
                mutated.setLength(random.nextInt(mutated.length()));
            } else {
                // The beginning says what the tokenizer is, the rest is its vocabulary.
                int range = i % 2 == 0 ? mutated.length() : Math.min(3000, mutated.length());
                mutated.setCharAt(random.nextInt(range), (char) (32 + random.nextInt(95)));
            }
            Files.writeString(file, mutated);
            String what = name + ", mutation " + i;
            Assertions.assertTimeoutPreemptively(
                    Duration.ofSeconds(20),
                    () -> {
                        try (ModelTokenizer tokenizer = ModelTokenizer.open(folder)) {
                            assertThat(tokenizer.vocabularySize()).isPositive();
                        } catch (JepaException e) {
                            assertThat(e.getMessage())
                                    .as(what)
                                    .containsAnyOf("tokenizer.json", folder.toString());
                        }
                    },
                    what);
        }
    }
}
